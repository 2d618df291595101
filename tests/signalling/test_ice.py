"""What peers are told about ICE servers."""

import json
from pathlib import Path

import pytest

from signalling.errors import OptionError
from signalling.ice import PeerOptions, turn_credentials
from signalling.messages import Json
from signalling.options.reading import load
from signalling.settings import ServeSettings, peer_options

NOW = 1_700_000_000


def told(options: Json, *, secret: str | None = None) -> Json:
    """Return what the peer `p` is told."""
    return PeerOptions(options, turn_secret=secret, ttl=60, now=lambda: NOW)("p")


@pytest.mark.parametrize(
    "server",
    [{"urls": "stun:h:1"}, {"urls": ["stun:h:1"]}, {"url": "stun:h:1"}],
)
def test_urls_are_always_a_list(server: Json) -> None:
    """However they were configured, the page gets what it can read."""
    assert told({"iceServers": [server]}) == {"iceServers": [{"urls": ["stun:h:1"]}]}


@pytest.mark.parametrize("url", ["turn:h:1", "turns:h:1", "TURN:h:1"])
def test_turn_servers_get_credentials(url: str) -> None:
    """Each entry with a TURN server, in whatever case, has the peer's own; others have none."""
    servers = told({"iceServers": [{"urls": [url]}, {"urls": "stun:h:1"}]}, secret="s")
    username, credential = turn_credentials("s", peer_id="p", expires_at=NOW + 60)
    assert servers["iceServers"] == [
        {"urls": [url], "username": username, "credential": credential},
        {"urls": ["stun:h:1"]},
    ]


def test_other_options_stay(tmp_path: Path) -> None:
    """What is not about servers arrives as it was written, with a secret too."""
    path = tmp_path / "peers.json"
    path.write_text('{"iceTransportPolicy": "relay"}')
    options = peer_options(load(ServeSettings, ["--peer_options_file", str(path)]))
    assert told(options) == told(options, secret="s") == {"iceTransportPolicy": "relay"}


@pytest.mark.parametrize(
    "servers",
    [None, {}, "stun:h:1", ["stun:h:1"], [{}], [{"urls": 5}], [{"urls": [None]}]],
)
def test_unusable_servers_end_the_start(tmp_path: Path, servers: object) -> None:
    """What no browser could use is one line at the start, not a fault for every visitor."""
    text = json.dumps({"iceServers": servers})
    path = tmp_path / "peers.json"
    path.write_text(text)
    for arguments in (["--peer_options", text], ["--peer_options_file", str(path)]):
        with pytest.raises(OptionError, match=r"^peer_options.*iceServers"):
            peer_options(load(ServeSettings, arguments))
