"""Who a request comes from."""

import ipaddress

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from signalling.access.proxies import TRUSTED_HOPS, client_address, client_host, client_scheme
from tests.signalling.peers import Start


def request_with(hops: int, *headers: tuple[str, str]) -> web.Request:
    """Return a request to a server with *hops* trusted proxies."""
    app = web.Application()
    app[TRUSTED_HOPS] = hops
    request = make_mocked_request("GET", "/", headers=CIMultiDict(headers), app=app)
    return request.clone(remote="10.0.0.1")


def forwarded(value: str) -> tuple[str, str]:
    """Return the header that proxies append to."""
    return ("X-Forwarded-For", value)


@pytest.mark.parametrize(
    ("hops", "header", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (3, "1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (1, "1.1.1.1:5678", "1.1.1.1"),
        (1, "[2001:db8::1]:5678", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "unknown", "10.0.0.1"),
        (2, "unknown, 2.2.2.2", "2.2.2.2"),
        (1, "", "10.0.0.1"),
    ],
)
def test_client_address(hops: int, header: str, address: str) -> None:
    """Of what stands in the header, only the entries of trusted proxies count."""
    assert client_address(request_with(hops, forwarded(header))) == address


def test_header_in_two_lines() -> None:
    """A header that was sent twice is one list."""
    request = request_with(2, forwarded("6.6.6.6"), forwarded("1.1.1.1, 2.2.2.2"))
    assert client_address(request) == "1.1.1.1"


@given(st.text(), st.integers(0, 4))
def test_any_header_gives_an_address(header: str, hops: int) -> None:
    """Whatever a client writes, the result is an IP address."""
    ipaddress.ip_address(client_address(request_with(hops, forwarded(header))))


@given(st.lists(st.ip_addresses(), min_size=1), st.lists(st.text()), st.integers(1, 4))
def test_client_cannot_move_what_proxies_append(
    appended: list[object], written: list[str], hops: int
) -> None:
    """What the client writes before changes nothing once all proxies have appended."""
    proxies = [str(address) for address in appended][:hops]
    honest = request_with(len(proxies), forwarded(", ".join(proxies)))
    forged = request_with(len(proxies), forwarded(", ".join([*written, *proxies])))
    assert client_address(honest) == client_address(forged) == proxies[0]


@pytest.mark.parametrize(
    ("trusted", "scheme", "is_secure"),
    [(True, "https", True), (True, "http", False), (False, "https", False)],
)
async def test_cookie_is_for_the_scheme_of_the_browser(
    start: Start, *, trusted: bool, scheme: str, is_secure: bool
) -> None:
    """Where a proxy ends TLS, the visitor's id is for TLS only, too."""
    client = await start(matchmaking=True, reverse_proxy=trusted)
    url, headers = client.running.http("/api/sessions"), {"X-Forwarded-Proto": scheme}
    async with client.http.post(url, headers=headers) as response:
        assert bool(response.cookies["pycirrus_user"]["secure"]) == is_secure


def test_scheme_and_host() -> None:
    """Scheme and host are the client's when the proxy is trusted."""
    headers = [("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "a.example"), ("Host", "b")]
    trusting, strict = request_with(1, *headers), request_with(0, *headers)
    assert (client_scheme(trusting), client_host(trusting)) == ("https", "a.example")
    assert (client_scheme(strict), client_host(strict)) == ("http", "b")
