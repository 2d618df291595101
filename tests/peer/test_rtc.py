"""What the server's config and the other peer's SDP become for aiortc."""

from typing import Any

import pytest
from aiortc.codecs import h264, vpx
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtcconfiguration import RTCIceTransportPolicy
from hypothesis import given
from hypothesis import strategies as st

from signalling.peer import rtc

ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["iceServers", "urls", "username", "candidate", "sdpMid"]), inner
        )
    ),
    max_leaves=10,
)


def test_turn_servers_come_with_their_credentials() -> None:
    """Lists and single strings of URLs, in order."""
    servers = rtc.ice_servers(
        [
            {"urls": ["turn:a:3478?transport=tcp"], "username": "u", "credential": "c"},
            {"urls": "stun:b"},
        ]
    )
    assert [server.urls for server in servers] == [["turn:a:3478?transport=tcp"], ["stun:b"]]
    assert (servers[0].username, servers[0].credential) == ("u", "c")


def test_unusable_urls_are_left_out() -> None:
    """One bad URL does not cost the good ones."""
    entries = [{"urls": ["http://x", 7, "turn:a"]}, {"urls": ["nonsense"]}, {}, "text"]
    assert [server.urls for server in rtc.ice_servers(entries)] == [["turn:a"]]


def test_without_servers_nobody_is_asked() -> None:
    """An empty list, not None: aiortc would ask a public STUN server."""
    assert rtc.configuration({}).iceServers == []


@pytest.mark.parametrize(
    ("options", "relay", "policy"),
    [
        ({}, {}, RTCIceTransportPolicy.ALL),
        ({}, {"relay": True}, RTCIceTransportPolicy.RELAY),
        ({"iceTransportPolicy": "relay"}, {}, RTCIceTransportPolicy.RELAY),
    ],
)
def test_relay_only_by_option_or_by_server(
    options: dict[str, Any], relay: dict[str, bool], policy: RTCIceTransportPolicy
) -> None:
    """Either is enough."""
    assert rtc.configuration(options, **relay).iceTransportPolicy is policy


@given(value=ANYTHING)
def test_no_config_of_a_server_breaks_it(value: Any) -> None:
    """Wrong types anywhere give fewer servers, not an exception."""
    assert rtc.configuration(value).iceServers is not None


@given(value=ANYTHING)
def test_no_candidate_breaks_it(value: Any) -> None:
    """Wrong types anywhere give none."""
    assert rtc.ice_candidate(value) is None


def candidate(text: str, **place: Any) -> dict[str, Any]:
    """Return a candidate as a browser sends it."""
    return {"candidate": f"candidate:{text}", **place}


def test_a_browsers_candidate_is_read() -> None:
    """With its place."""
    found = rtc.ice_candidate(
        candidate("1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0", sdpMid="0")
    )
    assert found is not None
    assert (found.ip, found.port, found.sdpMid) == ("192.0.2.7", 50000, "0")


@pytest.mark.parametrize(
    "fields",
    [
        candidate("1 1 udp 2113937151 1b2c.local 50000 typ host", sdpMid="0"),
        candidate("1 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active", sdpMid="0"),
        candidate("1 1 udp 2113937151 192.0.2.7 50000 typ host"),
        candidate("1 1 udp x 192.0.2.7 50000 typ host", sdpMid="0"),
        candidate("", sdpMid="0"),
        {"candidate": "", "sdpMid": "0"},
    ],
    ids=["mDNS name", "TCP", "no place", "malformed", "empty", "end of candidates"],
)
def test_useless_candidates_are_none(fields: dict[str, Any]) -> None:
    """Each for the reason it is called by."""
    assert rtc.ice_candidate(fields) is None


def test_encoders_keep_the_bitrate_only_within_the_block() -> None:
    """It is the start and the ceiling; afterwards aiortc is as it was."""
    before = (vpx.MAX_BITRATE, h264.MAX_FRAME_RATE)
    with rtc.encoder_limits(bitrate=5_000_000, fps=60):
        encoder = Vp8Encoder()
        assert encoder.target_bitrate == 5_000_000
        encoder.target_bitrate = 9_000_000
        assert encoder.target_bitrate == 5_000_000
        assert h264.MAX_FRAME_RATE == 60
    after = (vpx.MAX_BITRATE, h264.MAX_FRAME_RATE)
    assert after == before
