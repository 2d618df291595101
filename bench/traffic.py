"""
Messages of the size and shape that browsers and engines send.

A player is known by its ICE user fragment: it stands in its answer and in each
of its candidates, so both ends can tell whose message arrived.
"""

from typing import Final

import orjson

H264: Final = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="

CODECS: Final = (
    ("H264/90000", H264 + "42e01f"),
    ("H264/90000", H264 + "640c1f"),
    ("VP8/90000", ""),
    ("VP9/90000", "profile-id=0"),
    ("AV1/90000", "level-idx=5;profile=0;tier=0"),
    ("H264/90000", H264 + "4d001f"),
)
"""What an engine offers; each has a retransmission format beside it."""

FEEDBACK: Final = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")

EXTENSIONS: Final = (
    "urn:ietf:params:rtp-hdrext:toffset",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
)

FIRST_PAYLOAD: Final = 96

USER_FRAGMENT: Final = "a=ice-ufrag:"

STREAMER_FRAGMENT: Final = "UE5s"


def session_description(fragment: str, *, codecs: int, offers: bool) -> str:
    """Return an SDP with video, audio and a data channel, as libwebrtc writes it."""
    transport = _transport(fragment, setup="actpass" if offers else "active")
    direction = "a=sendonly" if offers else "a=recvonly"
    lines = [
        "v=0",
        "o=- 7310579253164498720 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS stream",
        *_video(transport, direction, codecs),
        *(_sources() if offers else ()),
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        *transport,
        "a=mid:1",
        "a=sendrecv",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 maxaveragebitrate=510000;minptime=3;stereo=1;useinbandfec=1",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        *transport,
        "a=mid:2",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
    ]
    return "\r\n".join(lines) + "\r\n"


def _transport(fragment: str, *, setup: str) -> list[str]:
    fingerprint = ":".join(f"{(91 * n + 5) % 256:02X}" for n in range(32))
    return [
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        USER_FRAGMENT + fragment,
        "a=ice-pwd:uK8mGxq2S4yTn0wVbC6rZ1pL",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}",
        f"a=setup:{setup}",
    ]


def _video(transport: list[str], direction: str, codecs: int) -> list[str]:
    payloads = range(FIRST_PAYLOAD, FIRST_PAYLOAD + 2 * codecs)
    lines = [
        "m=video 9 UDP/TLS/RTP/SAVPF " + " ".join(map(str, payloads)),
        *transport,
        "a=mid:0",
    ]
    lines += [f"a=extmap:{n} {uri}" for n, uri in enumerate(EXTENSIONS, 1)]
    lines += [direction, "a=rtcp-mux", "a=rtcp-rsize"]
    for payload, (name, parameters) in zip(payloads[::2], CODECS, strict=False):
        lines.append(f"a=rtpmap:{payload} {name}")
        lines += [f"a=rtcp-fb:{payload} {kind}" for kind in FEEDBACK]
        lines += [f"a=fmtp:{payload} {parameters}"] if parameters else []
        lines += [f"a=rtpmap:{payload + 1} rtx/90000", f"a=fmtp:{payload + 1} apt={payload}"]
    return lines


def _sources() -> list[str]:
    return [
        line
        for source in (1001, 1002, 1003)
        for line in (
            f"a=ssrc:{source} cname:aR5tY7uI9oP1",
            f"a=ssrc:{source} msid:stream stream_video",
        )
    ]


OFFER: Final = orjson.dumps(
    session_description(STREAMER_FRAGMENT, codecs=len(CODECS), offers=True)
)

_NO_ONE: Final = "NO-ONE"
ANSWER: Final = orjson.dumps(session_description(_NO_ONE, codecs=4, offers=False))

CANDIDATE: Final = (
    b'"candidate":{"candidate":"candidate:%d 1 udp 2122260223 192.168.1.23 54321 typ host '
    b'generation 0 ufrag %b network-id 1","sdpMid":"0","sdpMLineIndex":0,'
    b'"usernameFragment":"%b"}}'
)


def offer(player_id: object) -> bytes:
    """Return a streamer's offer to *player_id*, as the server called that player."""
    return b'{"type":"offer","playerId":%b,"sdp":%b}' % (orjson.dumps(player_id), OFFER)


def answer(fragment: str) -> bytes:
    """Return the answer of the player with *fragment*."""
    return b'{"type":"answer","sdp":%b}' % ANSWER.replace(_NO_ONE.encode(), fragment.encode())


def candidate(number: int, fragment: str) -> bytes:
    """Return a player's candidate; *number* stands for its foundation."""
    name = fragment.encode()
    return b'{"type":"iceCandidate",' + CANDIDATE % (number, name, name)


def candidate_for(player_id: object, number: int, fragment: str) -> bytes:
    """Return a streamer's candidate for *player_id*."""
    name = fragment.encode()
    head = b'{"type":"iceCandidate","playerId":%b,' % orjson.dumps(player_id)
    return head + CANDIDATE % (number, name, name)


def fragment_of(sdp: str) -> str:
    """Return the ICE user fragment in *sdp*."""
    return sdp.partition(USER_FRAGMENT)[2].partition("\r\n")[0]


def number_of(candidate_line: str) -> int:
    """Return the foundation of a candidate, `candidate:17 1 udp …`."""
    return int(candidate_line[len("candidate:") : candidate_line.index(" ")])
