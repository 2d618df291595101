"""
A coverage-guided fuzzer of everything that parses strangers' bytes.

`python -m tests.hostile.fuzz_parsers -max_total_time=60`; the arguments are
libFuzzer's. An exception that is not a documented one ends it, and the input
that caused it is written to the working directory. The frames of WebSocket and
the lines of HTTP are parsed by aiohttp; what comes out of that is parsed here.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["signalling", "matchmaker", "rag.catalogue"]):
    from matchmaker.cirrus import Admission, CirrusError, CirrusRegistry, MessageStream
    from matchmaker.clock import SystemClock
    from matchmaker.errors import BadTokenError, RefusedError
    from matchmaker.requests import checked_demand
    from matchmaker.tokens import SessionTokens
    from rag.catalogue.feeds import read_json
    from rag.catalogue.items import Partner, Product
    from rag.consultant.understanding import LONGEST, read_request, understand
    from rag.lexicon import default_lexicon
    from signalling import handlers, ice, messages
    from signalling.access.address import is_loopback, limit_key
    from signalling.access.browser import is_origin_allowed
    from signalling.access.identity import Signer, Users
    from signalling.access.keys import KeySetUnusable, parse_key_set
    from signalling.access.proxies import _address
    from signalling.access.tokens import Claims, TokenRefused, TokenVerifier
    from signalling.chat import messages as chat
    from signalling.disclosure import redacted
    from signalling.errors import OptionError, ProtocolError, clip_reason
    from signalling.guests import messages as guests
    from signalling.guests.tokens import INVITE, PASS, GuestTokens
    from signalling.matching import messages as matching
    from signalling.options.reading import load
    from signalling.peer.datachannel import FROM_STREAMER, TO_STREAMER, MalformedMessageError
    from signalling.refresh import TokenRefresh
    from signalling.resume import Resume
    from signalling.resume_token import ResumeTokens
    from signalling.settings import ServeSettings, _fault_of_ice_servers

import jwt
import msgspec

from tests.hostile.corpus import KNOWN, TEXTS, cirrus_messages

PLAYER = "Player0123456789abcdef"
MEMBER = messages.player_id_member(PLAYER)
SECRET = "a secret of more than thirty-two bytes"
TOKENS = ResumeTokens(b"fuzzed")
SESSIONS = SessionTokens(SECRET.encode(), clock=SystemClock())
GUESTS = GuestTokens(SECRET)
USERS = Users(Signer("fuzzed"))
VERIFIER = TokenVerifier(secret=SECRET, keys=None, now=lambda: 0.0)
LEXICON = default_lexicon()
ADMISSION = Admission(secret="", allow=("127.0.0.0/8",), redirects=("10.0.0.0/8", "a.example"))

KINDS = (
    messages.Subscribe, messages.EndpointId, messages.Ping, messages.Pong, messages.Stats,
    messages.DisconnectPlayer, messages.ListStreamers, messages.Unsubscribe,
    messages.StartStreaming, messages.StopStreaming, Resume, TokenRefresh,
    matching.SessionRequest, matching.SessionRelease, matching.SessionResume,
    matching.SessionInput, chat.Ask, chat.Cancel, chat.ReadBack, chat.Judge, *guests.KINDS,
)  # fmt: skip
"""Every message that the server acts on."""

assert {*handlers.PLAYER.handled, *handlers.SFU.handled} <= {each.wire_name for each in KINDS}


def fuzz_message(data: bytes) -> None:
    """Parse a message, read, log and stamp it, unless it is refused."""
    try:
        message = messages.parse(data)
    except ProtocolError:
        return
    json.dumps(redacted(message))
    for kind in KINDS:
        with contextlib.suppress(ProtocolError):
            _act(messages.read(kind, message))
    with contextlib.suppress(ProtocolError):
        stamped = messages.parse(messages.stamp(data, message, MEMBER, PLAYER))
        assert stamped["playerId"] == PLAYER
        assert stamped["type"] == message["type"]


def _act(message: messages.Message) -> None:
    """Do with what was read what is done before anything is looked up."""
    if isinstance(message, chat.Ask):
        with contextlib.suppress(ValueError):
            chat.question_of(message, "USD")
    if isinstance(message, messages.DisconnectPlayer):
        assert len(clip_reason(message.reason or "").encode()) <= 123
    if isinstance(message, matching.SessionRequest):
        with contextlib.suppress(RefusedError):
            checked_demand(message.application, message.region, message.requirements, "")


def fuzz_channel(data: bytes) -> None:
    """Parse a data channel's message and write it, unless it is refused."""
    for table in (TO_STREAMER, FROM_STREAMER):
        with contextlib.suppress(MalformedMessageError):
            table.serialise(table.parse(data))


def fuzz_token(data: bytes) -> None:
    """Take no text for a token of ours."""
    text = data.decode("utf-8", "surrogateescape")
    assert TOKENS.verify(text) is None
    assert USERS.anonymous(text) is None
    with contextlib.suppress(BadTokenError):
        raise AssertionError(SESSIONS.read(text))
    for refused in (lambda: GUESTS.read(text, INVITE, PASS), lambda: VERIFIER.verify_now(text)):
        with contextlib.suppress(TokenRefused):
            raise AssertionError(refused())


def fuzz_claims(data: bytes) -> None:
    """Use the claims of a token that was signed, or refuse them."""
    with contextlib.suppress(msgspec.ValidationError, ValueError, RecursionError):
        grant = msgspec.convert(json.loads(data), Claims).grant(now=0.0)
        grant.may_watch(PLAYER)
        grant.may_be_called(grant.name_for_silent(PLAYER))


def fuzz_keys(data: bytes) -> None:
    """Use a key set, or say that it is none."""
    with contextlib.suppress(KeySetUnusable):
        parse_key_set(data)


def fuzz_headers(data: bytes) -> None:
    """Make an address or an origin of a header."""
    text = data.decode("utf-8", "surrogateescape")
    assert len(limit_key(text)) <= max(64, len("ffff:" * 8))
    is_loopback(text)
    assert _address(text) is None or len(text) >= 2
    assert not is_origin_allowed(text, ("https://example.com",)) or "example" in text.lower()


def fuzz_cirrus(data: bytes) -> None:
    """Take what a Cirrus server says, however it is cut, or close its connection."""
    registry, stream = CirrusRegistry(ADMISSION), MessageStream()
    half = len(data) // 2
    with contextlib.suppress(CirrusError):
        for part in (data[:half], data[half:]):
            for message in stream.feed(part):
                registry.handle(1, message, peer="127.0.0.1")
    registry.take("ticket", 0.0)
    registry.gone(1)
    assert registry.servers == []


def fuzz_question(data: bytes) -> None:
    """Understand whatever a visitor says."""
    text = data.decode("utf-8", "replace")[:LONGEST]
    understand(text, LEXICON)
    read_request(text, LEXICON)


def fuzz_catalogue(data: bytes) -> None:
    """Read an operator's rows, or say which are wrong."""
    for row in read_json(data.splitlines(keepends=True)):
        for kind in (Product, Partner):
            if hasattr(row, "fields") and isinstance(row.fields, dict):
                with contextlib.suppress(ValueError):
                    kind.model_validate(row.fields)


def fuzz_options(data: bytes) -> None:
    """Use peer options, or name what is wrong with them."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        _use(json.loads(text))
    if len(data) < 200:  # reading options is slow
        with contextlib.suppress(OptionError, SystemExit):
            load(ServeSettings, [f"--peer_options={text}", "--player_port=0"])


def _use(options: Any) -> None:
    if isinstance(options, dict) and _fault_of_ice_servers(options) is None:
        make = ice.PeerOptions(options, turn_secret="fuzzed", ttl=1, now=lambda: 0.0)
        messages.config(make(PLAYER), protocol_version=None)


TARGETS = (
    fuzz_message, fuzz_channel, fuzz_token, fuzz_claims, fuzz_keys, fuzz_headers, fuzz_cirrus,
    fuzz_question, fuzz_catalogue, fuzz_options,
)  # fmt: skip


def fuzz(data: bytes) -> None:
    """Give all but the first byte to the parser that it names."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


# What it begins with: finding all of this by chance would take it days.

MESSAGES = [
    json.dumps({"type": name, **fields}).encode()
    for role in KNOWN.values()
    for name, fields in role.items()
]

CLAIMS = {
    "sub": "ada", "exp": 2e9, "scope": "player admin", "streamers": ["Kiosk*"],
    "streamer_ids": "K[0-9]", "host": "x", "aud": "session", "sid": "x", "room": "x",
}  # fmt: skip

EXAMPLES = {
    fuzz_message: [*MESSAGES, *TEXTS.values()],
    fuzz_channel: [bytes((number, *range(12))) for number in (0, 6, 50, 60, 72, 80, 92, 255)],
    fuzz_token: [jwt.encode(CLAIMS, "x" * 32).encode(), USERS.signed("y").encode()],
    fuzz_claims: [json.dumps(CLAIMS).encode(), *TEXTS.values()],
    fuzz_keys: [
        b'{"keys":[{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB","kid":"a","use":"sig"}]}',
        b'{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","key_ops":[]},{"kty":"oct"}]}',
    ],
    fuzz_headers: [b"1.2.3.4:5", b"[2001:db8::1]:5", b"::ffff:127.0.0.1", b"https://a.example"],
    fuzz_cirrus: [*cirrus_messages()],
    fuzz_question: ["소파 150만원 이하".encode(), b"a sofa under $1,500, no leather, 2 x 3"],
    fuzz_catalogue: [b'[{"id":"x","name":"x","price":"1","currency":"USD"}]', *TEXTS.values()],
    fuzz_options: [b'{"iceServers":[{"urls":["turn:x"],"username":"u","credential":"c"}]}'],
}
"""Inputs of each target."""


def seeds() -> Iterator[bytes]:
    """Yield the examples, each with the byte that names its target."""
    for number, target in enumerate(TARGETS):
        for example in EXAMPLES[target]:
            yield bytes((number,)) + example


def main() -> None:
    """Fuzz, from the examples where no folder of inputs is named."""
    if not all(word.startswith("-") for word in sys.argv[1:]):
        atheris.Setup(sys.argv, fuzz)
        atheris.Fuzz()
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(seed)
        # The fuzzer ends its process, so it has one of its own.
        again = [sys.executable, "-m", "tests.hostile.fuzz_parsers", *sys.argv[1:], folder]
        ended = subprocess.run(again, check=False)  # noqa: S603 - ourselves
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
