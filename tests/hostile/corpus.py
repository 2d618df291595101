"""What strangers send: every case has once ended some server of this kind, or could."""

import itertools
from collections.abc import Iterator
from typing import Any, Final

import orjson

from tests.hostile.arena import KEY, frame, upgrade

Json = dict[str, Any]

CANDIDATE: Final = {"candidate": "c", "sdpMid": "0", "sdpMLineIndex": 0}

KNOWN: Final[dict[str, dict[str, Json]]] = {
    "player": {
        "subscribe": {"streamerId": "Kiosk"},
        "unsubscribe": {},
        "listStreamers": {},
        "ping": {"time": 1},
        "pong": {"time": 1},
        "stats": {},
        "offer": {"sdp": "x", "playerId": "x"},
        "answer": {"sdp": "x"},
        "iceCandidate": {"candidate": CANDIDATE},
        "dataChannelRequest": {},
        "peerDataChannelsReady": {},
        "layerPreference": {"spatialLayer": 0, "temporalLayer": 0, "playerId": "x"},
        "resume": {"token": "x", "received": 0},
        "tokenRefresh": {"token": "x"},
        "sessionRequest": {
            "application": "demo",
            "region": "eu",
            "requirements": {"gpu": "any"},
            "user": "x",
            "userId": "x",
        },
        "sessionRelease": {},
        "sessionResume": {"token": "x"},
        "sessionInput": {},
        "chat": {
            "id": "1",
            "text": "a sofa, please",
            "budget": "1000",
            "currency": "USD",
            "style": "modern",
            "locale": "en",
            "user": "x",
            "userId": "x",
        },
        "chatCancel": {"id": "1"},
        "chatHistory": {"limit": 5},
        "chatFeedback": {"id": "1", "helpful": True, "productId": "x"},
        "inviteRequest": {"partnerId": "x", "name": "y", "visitor": "z", "user": "x"},
        "inviteRevoke": {"id": "x"},
        "roomOpen": {"user": "x"},
        "roomMessage": {"id": "x", "text": "y"},
        "inputGrant": {"to": "x"},
        "inputTake": {},
    },
    "streamer": {
        "endpointId": {"id": "Other", "protocolVersion": "1.3.0"},
        "disconnectPlayer": {"playerId": "x", "reason": "y"},
        "ping": {"time": 1},
        "pong": {"time": 1},
        "offer": {"sdp": "x", "playerId": "x"},
        "answer": {"sdp": "x", "playerId": "x"},
        "iceCandidate": {"candidate": CANDIDATE, "playerId": "x"},
        "layerPreference": {"spatialLayer": 0, "temporalLayer": 0, "playerId": "x"},
    },
    "sfu": {
        "endpointId": {"id": "Relay"},
        "startStreaming": {},
        "stopStreaming": {},
        "subscribe": {"streamerId": "Kiosk"},
        "unsubscribe": {},
        "listStreamers": {},
        "disconnectPlayer": {"playerId": "x", "reason": "y"},
        "ping": {"time": 1},
        "offer": {"sdp": "x", "playerId": "x"},
        "peerDataChannels": {"playerId": "x", "sendStreamId": 0, "recvStreamId": 0},
        "answer": {"sdp": "x"},
        "streamerDataChannels": {"playerId": "x", "sendStreamId": 0},
        "iceCandidate": {"candidate": CANDIDATE, "playerId": "x"},
    },
}
"""Each role's messages with an example of every field."""

WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2**63,
    1.5e308,
    "",
    "x" * 300,
    "\u0000\u202e\U0001f4a5",
    [],
    [[[]]],
    {},
    {"type": "subscribe"},
)


def wrong_fields(role: str) -> Iterator[bytes]:
    """Yield every known message with a wrong value in each field, or without it."""
    for wire_name, fields in KNOWN[role].items():
        for name, value in itertools.product(["type", *fields], WRONG):
            yield orjson.dumps({"type": wire_name, **fields, name: value})
        for name in fields:
            rest = {key: value for key, value in fields.items() if key != name}
            yield orjson.dumps({"type": wire_name, **rest})


CIRRUS: Final[dict[str, Json]] = {
    "connect": {
        "address": "127.0.0.1",
        "port": 80,
        "https": False,
        "ready": True,
        "playerConnected": False,
        "secret": "x",
    },
    "streamerConnected": {},
    "streamerDisconnected": {},
    "clientConnected": {},
    "clientDisconnected": {},
    "ping": {},
}
"""What a Cirrus server says to Epic's matchmaker, with an example of every field."""


def cirrus_messages() -> Iterator[bytes]:
    """Yield what it says, as it is, after `connect`, and with a wrong value in each field."""
    connect = orjson.dumps({"type": "connect", **CIRRUS["connect"]})
    for wire_name, fields in CIRRUS.items():
        whole = orjson.dumps({"type": wire_name, **fields})
        yield whole
        yield connect + whole * 3
        for name, value in itertools.product(["type", *fields], WRONG):
            yield orjson.dumps({"type": wire_name, **fields, name: value})


TEXTS: Final[dict[str, bytes]] = {
    "empty": b"",
    "no json": b"what?",
    "null": b"null",
    "number": b"5",
    "list": b"[1,2]",
    "string": b'"offer"',
    "half": b'{"type":"offer"',
    "two": b'{"type":"ping"}{"type":"ping"}',
    "nan": b'{"type":"ping","time":NaN}',
    "infinity": b'{"type":"ping","time":1e400}',
    "long number": b'{"type":"ping","time":' + b"9" * 50_000 + b"}",
    "long exponent": b'{"type":"ping","time":1e-99999999999}',
    "deep list": b'{"type":"ping","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep in few bytes": b'{"type":"ping","x":' + b"[" * 7_000 + b"]" * 7_000 + b"}",
    "deep object": b'{"type":"ping","x":' * 20_000 + b"1" + b"}" * 20_000,
    "deep but allowed": b'{"type":"offer","x":' + b"[" * 900 + b"]" * 900 + b"}",
    "too deep to write": b'{"type":"offer","playerId":"x","x":'
    + b"[" * 900
    + b"]" * 900
    + b"}",
    "escaped surrogate": b'{"type":"\\ud800"}',
    "raw surrogate": b'{"type":"a\xed\xa0\x80"}',
    "invalid utf-8": b'{"type":"\xff\xfe"}',
    "utf-16": '{"type":"ping"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"type":"ping"}',
    "nul": b'{"type":"ping"}\x00',
    "duplicate type": b'{"type":"offer","type":"unsubscribe"}',
    "duplicate id": b'{"type":"offer","playerId":"a","playerId":"b"}',
    "escaped id": b'{"type":"offer","player\\u0049d":"a"}',
    "prototype": b'{"type":"__proto__","constructor":{"prototype":{}}}',
    "method name": b'{"type":"__class__"}',
    "long type": b'{"type":"' + b"x" * 100_000 + b'"}',
    "many members": b'{"type":"offer"'
    + b"".join(b',"k%d":0' % number for number in range(10_000))
    + b"}",
    "long id": b'{"type":"subscribe","streamerId":"' + b"x" * 100_000 + b'"}',
    "long name": b'{"type":"endpointId","id":"' + b"x" * 100_000 + b'"}',
    "long reason": b'{"type":"disconnectPlayer","playerId":"x","reason":"'
    + b"y" * 100_000
    + b'"}',
}

FRAMES: Final[dict[str, bytes]] = {
    "reserved bit 1": frame(b"{}", first=0xC1),
    "reserved bit 2": frame(b"{}", first=0xA1),
    "reserved bit 3": frame(b"{}", first=0x91),
    **{f"opcode {code}": frame(b"{}", first=0x80 | code) for code in (3, 7, 11, 15)},
    "long ping": frame(b"x" * 126, first=0x89),
    "long close": frame(b"x" * 200, first=0x88),
    "fragmented ping": frame(b"x", first=0x09),
    "fragmented close": frame(b"\x03\xe8", first=0x08),
    "close of one byte": frame(b"\x03", first=0x88),
    "close with a bad code": frame(b"\x00\x01", first=0x88),
    "close with a reserved code": frame(b"\x03\xed", first=0x88),
    "close with a bad reason": frame(b"\x03\xe8\xff\xfe", first=0x88),
    "continuation of nothing": frame(b"{}", first=0x80),
    "text within text": frame(b"{", first=0x01) + frame(b"{}"),
    "fragments without end": frame(b"{", first=0x01) + frame(b"", first=0x00) * 5_000,
    "fragments that grow": frame(b"{", first=0x01) + frame(b"x" * 1000, first=0x00) * 400,
    "unmasked": b"\x81\x02{}",
    "huge length": b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"mask" + b"x" * 1000,
    "negative length": b"\x81\xff" + b"\xff" * 8 + b"mask" + b"x" * 1000,
    "length and no more": b"\x81\xfe\xff\xff",
    "header and no more": b"\x81",
    "half a message": frame(b'{"type":"subscribe","streamerId":"Kiosk"}')[:-10],
    "binary": frame(b"\x00\xff\x00", first=0x82),
    "binary null": frame(b"null", first=0x82),
    "binary message": frame(b'{"type":"ping","time":1}', first=0x82),
    "pings": frame(b"x" * 100, first=0x89) * 3_000,
    "pongs nobody asked for": frame(b"", first=0x8A) * 3_000,
    "message after close": frame(b"\x03\xe8", first=0x88) + frame(b'{"type":"listStreamers"}'),
    "zeros": bytes(10_000),
    "ones": b"\xff" * 10_000,
}
"""What follows an upgrade."""


def _headers(*lines: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


HTTP: Final[dict[str, bytes]] = {
    "nothing": b"",
    "newlines": b"\r\n" * 100,
    "noise": bytes(range(256)) * 40,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "http/0.9": b"GET /\r\n",
    "half a request": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "half an upgrade": upgrade()[:-20],
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "long path": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": _headers(b"Host: x", b"X: " + b"y" * 100_000),
    "many headers": _headers(b"Host: x", *(b"X%d: y" % number for number in range(5_000))),
    "header without name": _headers(b"Host: x", b": y"),
    "header with nul": _headers(b"Host: x", b"X: a\x00b"),
    "folded header": _headers(b"Host: x", b"X: a", b" b"),
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "huge chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"FFFFFFFFFFFFFFFFFF\r\nx",
    "post on an upgrade": upgrade().replace(b"GET", b"POST"),
    "upgrade without key": upgrade().replace(KEY, b""),
    "upgrade with a short key": upgrade().replace(b"AAAA==", b"=="),
    "upgrade with a bad key": upgrade().replace(b"AAAA==", b"\xff\xff"),
    "upgrade of another version": upgrade().replace(b"Version: 13", b"Version: 99"),
    "upgrade to something else": upgrade().replace(b"websocket", b"h2c"),
    "upgrade that is not said": upgrade().replace(b"Connection: Upgrade\r\n", b""),
    "upgrade with a body": upgrade().replace(
        b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\nhello"
    ),
    "many subprotocols": upgrade().replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: " + b"a, " * 2_000 + b"a\r\n\r\n"
    ),
    "odd extensions": upgrade().replace(
        b"\r\n\r\n",
        b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n\r\n",
    ),
    "odd query": upgrade(b"/?resume=1&resume=2&token=%ff%00&OfferToReceive=" + b"x" * 5_000),
    "bad percent": upgrade(b"/%zz%?%=%"),
    "host as a path": upgrade(b"http://[::1/"),
    "two requests": b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
    "request within a request": _headers(b"Host: x", b"X: a\rGET /metrics HTTP/1.1"),
}
"""What comes instead of a proper request."""

PATHS: Final = (
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/....//....//etc/passwd",
    "//etc/passwd",
    "/assets/../../../../../../etc/passwd",
    "/assets/..%5c..%5c..%5cetc%5cpasswd",
    "/%00/etc/passwd",
    "/index.html%00.png",
    "/.git/config",
    "/file:///etc/passwd",
    "/" + "a/" * 5_000,
    "/" + "%2e%2e%2f" * 500 + "etc/passwd",
    "/\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
)
"""Paths that should lead nowhere."""
