"""The envelope: parsing, and putting a player's id in."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling import messages
from signalling.errors import BadMessage, NotJson

PLAYER = "Player0123456789abcdef"
MEMBER = messages.player_id_member(PLAYER)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=5)
indents = st.sampled_from([0, orjson.OPT_INDENT_2, orjson.OPT_APPEND_NEWLINE])


@given(fields=objects, indent=indents)
def test_stamp_changes_nothing_else(fields: dict[str, object], indent: int) -> None:
    """A stamped message is the same message with the player's id."""
    message = {**fields, "type": "offer"}
    raw = orjson.dumps(message, option=indent)
    stamped = messages.stamp(raw, orjson.loads(raw), MEMBER, PLAYER)
    assert orjson.loads(stamped) == {**message, "playerId": PLAYER}


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(raw: bytes) -> None:
    """No byte sequence gives anything but a message or one of two errors."""
    try:
        message = messages.parse(raw)
    except (NotJson, BadMessage):
        return
    assert isinstance(message["type"], str)


@pytest.mark.parametrize(
    "raw",
    [b"null", b"[]", b'"x"', b"5", b"{}", b'{"type":null}', b'{"type":5}', b'{"Type":"x"}'],
)
def test_json_that_is_no_message(raw: bytes) -> None:
    """JSON without a string under `type` is no message."""
    with pytest.raises(BadMessage):
        messages.parse(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"type":"a\xed\xa0\x80"}',
        b'{"type":"\\ud800"}',
        b"[" * 100_000,
    ],
    ids=["empty", "half", "utf-16", "surrogate", "escaped surrogate", "deep"],
)
def test_bytes_that_are_no_json(raw: bytes) -> None:
    """What a strict peer could not read is not passed on either."""
    with pytest.raises(NotJson):
        messages.parse(raw)


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        (messages.Subscribe, {}, "streamerId"),
        (messages.Subscribe, {"streamerId": 5}, "streamerId"),
        (messages.Subscribe, {"streamerId": None}, "streamerId"),
        (messages.Subscribe, {"streamerId": "x" * 257}, "streamerId"),
        (messages.Ping, {"time": "now"}, "time"),
        (messages.EndpointId, {"id": ["x"]}, "id"),
        (messages.DisconnectPlayer, {"playerId": {}}, "playerId"),
        (messages.DisconnectPlayer, {"playerId": "x", "reason": 5}, "reason"),
    ],
)
def test_wrong_field_is_named(
    kind: type[messages.Message], fields: dict[str, object], named: str
) -> None:
    """The error says which field of which message is wrong."""
    with pytest.raises(BadMessage, match=named) as caught:
        messages.read(kind, {"type": kind.wire_name, **fields})
    assert kind.wire_name in caught.value.reason


def test_too_deep_to_be_written() -> None:
    """What can be read but not written again is a bad message, not a fault of ours."""
    raw = b'{"playerId":"x","type":"offer","x":' + b"[" * 900 + b"]" * 900 + b"}"
    with pytest.raises(BadMessage, match="deep"):
        messages.stamp(raw, messages.parse(raw), MEMBER, PLAYER)
