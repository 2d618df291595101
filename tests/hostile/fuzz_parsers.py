"""
A coverage-guided fuzzer of everything that parses strangers' bytes.

`python -m tests.hostile.fuzz_parsers -max_total_time=60`; the arguments are
libFuzzer's. An exception that is not a documented one ends it, and the input
that caused it is written to the working directory.
"""

import contextlib
import json
import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["signalling"]):
    from signalling import ice, messages
    from signalling.access.identity import Signer, Users
    from signalling.errors import OptionError, ProtocolError
    from signalling.options.reading import load
    from signalling.peer.datachannel import FROM_STREAMER, TO_STREAMER, MalformedMessageError
    from signalling.resume import Resume
    from signalling.resume_token import ResumeTokens
    from signalling.settings import ServeSettings

PLAYER = "Player0123456789abcdef"
MEMBER = messages.player_id_member(PLAYER)
TOKENS = ResumeTokens(b"fuzzed")
USERS = Users(Signer("fuzzed"))

KINDS = (
    messages.Subscribe,
    messages.EndpointId,
    messages.Ping,
    messages.DisconnectPlayer,
    Resume,
)


def fuzz_message(data: bytes) -> None:
    """Parse a message, read and stamp it, unless it is refused."""
    try:
        message = messages.parse(data)
    except ProtocolError:
        return
    for kind in KINDS:
        with contextlib.suppress(ProtocolError):
            messages.read(kind, message)
    with contextlib.suppress(ProtocolError):
        stamped = messages.parse(messages.stamp(data, message, MEMBER, PLAYER))
        assert stamped["playerId"] == PLAYER
        assert stamped["type"] == message["type"]


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


def fuzz_options(data: bytes) -> None:
    """Use peer options, or name what is wrong with them."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        _use(json.loads(text))
    if len(data) < 200:  # reading options is slow
        with contextlib.suppress(OptionError, SystemExit):
            load(ServeSettings, [f"--peer_options={text}", "--player_port=0"])


def _use(options: Any) -> None:
    if isinstance(options, dict):
        make = ice.PeerOptions(options, turn_secret="fuzzed", ttl=1, now=lambda: 0.0)
        messages.config(make(PLAYER), protocol_version=None)


TARGETS = (fuzz_message, fuzz_channel, fuzz_token, fuzz_message, fuzz_options)


def fuzz(data: bytes) -> None:
    """Give all but the first byte to the parser that it names."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
