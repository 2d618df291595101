"""Players over TLS, and a certificate that changes while the server runs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from signalling.errors import OptionError
from signalling.http.certificates import Certificate
from tests.signalling.certificates import Files, issue
from tests.signalling.peers import DEADLINE, Client, Json, Peer, Start, eventually


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Give a certificate and its key."""
    return issue(tmp_path)


def secure(client: Client, path: str = "/", scheme: str = "https") -> str:
    """Return a URL on the TLS port."""
    return f"{scheme}://127.0.0.1:{client.server.https_port}{path}"


class TestPorts:
    """What the two ports answer."""

    async def test_players_meet_over_tls(self, start: Start, files: Files) -> None:
        """Sockets, health and page are on the TLS port; browsers are told to stay there."""
        client = await start(**files.options)
        tls = files.trusting()
        streamer = await client.streamer()
        socket = await client.http.ws_connect(secure(client, scheme="wss"), ssl=tls)
        player = Peer(socket)
        await player.hear_type("config")
        assert await client.watch(player, streamer)
        async with client.http.get(secure(client, "/health"), ssl=tls) as response:
            assert response.status == 200
            assert "max-age" in response.headers["Strict-Transport-Security"]

    async def test_plain_port_has_sockets_only(self, start: Start, files: Files) -> None:
        """Without https_redirect, pages are on the TLS port alone, as with Wilbur."""
        client = await start(**files.options)
        await client.player()
        async with client.http.get(client.running.http("/")) as response:
            assert response.status == 426
        async with client.http.get(client.running.http("/health")) as response:
            assert response.status == 200

    async def test_plain_port_redirects(self, start: Start, files: Files) -> None:
        """With it, a page is sent to the same address over TLS; sockets stay."""
        client = await start(**files.options, https_redirect=True)
        await client.player()
        url = client.running.http("/player.html?StreamerId=A%20B")
        async with client.http.get(url, allow_redirects=False) as response:
            assert response.status == 302
            # The test's option is port 0, which stands for any.
            location = "https://127.0.0.1:0/player.html?StreamerId=A%20B"
            assert response.headers["Location"] == location

    async def test_no_host_no_redirect(self, start: Start, files: Files) -> None:
        """A request that does not say whom it asks cannot be sent there."""
        client = await start(**files.options, https_redirect=True)
        url = client.running.http("/player.html")
        headers = {"Host": ""}
        async with client.http.get(url, headers=headers, allow_redirects=False) as response:
            assert response.status == 400

    async def test_proxy_that_ends_tls_is_not_redirected(
        self, start: Start, files: Files
    ) -> None:
        """What came to the proxy over TLS is answered, or it would be sent round for ever."""
        options = {"https_redirect": True, "reverse_proxy": True, "rest_api": True}
        client = await start(**files.options, **options)
        headers = {"X-Forwarded-Proto": "https"}
        url = client.running.http("/api/status")
        async with client.http.get(url, headers=headers, allow_redirects=False) as response:
            assert response.status == 200

    async def test_half_a_handshake_is_cut(self, start: Start, files: Files) -> None:
        """Who never finishes the handshake of TLS holds no connection for longer."""
        client = await start(**files.options, header_timeout=0.2)
        for said in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", client.server.https_port
            )
            writer.write(said)
            async with asyncio.timeout(DEADLINE):
                assert await reader.read() == b""
            writer.close()

    def test_files_that_are_not_there(self, tmp_path: Path) -> None:
        """A missing file is one line that names option and file."""
        with pytest.raises(OptionError, match=r"^ssl_cert_path: cannot read .*nothing"):
            Certificate(cert_path=tmp_path / "nothing", key_path=tmp_path / "nothing")


class TestRenewal:
    """A certificate changes; nobody restarts anything."""

    async def test_new_files_are_used(self, start: Start, files: Files, tmp_path: Path) -> None:
        """New connections get the new certificate; an open one goes on."""
        client = await start(**files.options)
        player = Peer(
            await client.http.ws_connect(secure(client, scheme="wss"), ssl=files.trusting())
        )
        await player.hear_type("config")
        with capture_logs() as logs:
            renewed = issue(tmp_path, name="second")
            await eventually(lambda: "certificate_loaded" in [each["event"] for each in logs])
        assert await subject(client, renewed.trusting()) == "second"
        await player.say("ping", time=1)
        # The server may have asked the silent player in the meantime.
        assert await anext(heard(player, "pong")) == {"type": "pong", "time": 1}

    async def test_unusable_files_change_nothing(
        self, start: Start, files: Files, tmp_path: Path
    ) -> None:
        """With a key of another certificate, the old one is still served, and it is said."""
        client = await start(**files.options)
        old = files.trusting()
        (tmp_path / "other").mkdir()
        stranger = issue(tmp_path / "other")
        files.key.write_bytes(stranger.key.read_bytes())
        with capture_logs() as logs:
            client.server.reload()
        assert logs[0]["event"] == "certificate_unusable"
        assert await subject(client, old) == "first"

    async def test_missing_files_change_nothing(self, files: Files) -> None:
        """A renewal removes the old files before it writes new ones."""
        certificate = Certificate(cert_path=files.cert, key_path=files.key)
        files.cert.unlink()
        with capture_logs() as logs:
            certificate.reload_if_changed()
        assert logs == []


async def heard(peer: Peer, wire_name: str) -> AsyncIterator[Json]:
    """Yield the messages of a type, among others."""
    while True:
        message = await peer.hear()
        if message["type"] == wire_name:
            yield message


async def subject(client: Client, tls: ssl.SSLContext) -> str:
    """Return the common name of the certificate that a new connection gets."""
    _, writer = await asyncio.open_connection("127.0.0.1", client.server.https_port, ssl=tls)
    names = writer.get_extra_info("peercert")["subject"]
    writer.close()
    return str(dict(pair for name in names for pair in name)["commonName"])
