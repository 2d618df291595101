"""Host candidates on machines without a network."""

import pytest
from aioice import ice

from signalling.peer.loopback import Loopback, choose, loopback_candidates


@pytest.mark.parametrize(
    ("mode", "found", "offered"),
    [
        (Loopback.AUTO, [], ["127.0.0.1"]),
        (Loopback.AUTO, ["192.0.2.1"], ["192.0.2.1"]),
        (Loopback.ALWAYS, ["192.0.2.1"], ["127.0.0.1"]),
        (Loopback.NEVER, [], []),
    ],
)
def test_which_addresses_are_offered(
    mode: Loopback, found: list[str], offered: list[str]
) -> None:
    """127.0.0.1 only where nothing else is, unless told."""
    assert choose(mode, found) == offered


async def test_aioice_gathers_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has a loopback interface and no other."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])  # noqa: ARG005
    with loopback_candidates(Loopback.AUTO):
        connection = ice.Connection(ice_controlling=True)
        await connection.gather_candidates()
    assert [one.host for one in connection.local_candidates] == ["127.0.0.1"]
    await connection.close()


def test_aioice_is_put_back() -> None:
    """Also when the block fails."""
    before = ice.get_host_addresses
    with pytest.raises(RuntimeError), loopback_candidates(Loopback.ALWAYS):
        raise RuntimeError
    assert ice.get_host_addresses is before
