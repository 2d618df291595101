"""The codec of the data channel, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.peer import channel_messages as dc
from signalling.peer.channel_messages import Wire, wires
from signalling.peer.datachannel import (
    FROM_STREAMER,
    TO_STREAMER,
    MalformedMessageError,
    MessageTable,
)

TEXT = st.text(max_size=80)
UINT8 = st.integers(0, 0xFF)
UINT16 = st.integers(0, 0xFFFF)
FIELD_VALUES = {
    Wire.UINT8: UINT8,
    Wire.UINT16: UINT16,
    Wire.INT16: st.integers(-0x8000, 0x7FFF),
    Wire.INT32: st.integers(-0x80000000, 0x7FFFFFFF),
    Wire.DOUBLE: st.floats(allow_nan=False),
    Wire.BOOL: st.booleans(),
    Wire.STRING: TEXT,
    Wire.OPTIONAL_STRING: TEXT,
    Wire.REST: st.binary(max_size=80),
    Wire.TOUCHES: st.lists(
        st.builds(dc.Touch, x=UINT16, y=UINT16, index=UINT8, force=UINT8, valid=UINT8),
        max_size=10,
    ).map(tuple),
}
BOTH = pytest.mark.parametrize("table", [TO_STREAMER, FROM_STREAMER], ids=["to", "from"])


def messages(table: MessageTable) -> st.SearchStrategy[dc.Message]:
    """Return a strategy for every message of *table*."""
    return st.one_of(
        *(
            st.builds(cls, **{name: FIELD_VALUES[wire] for name, wire in wires(cls)})
            for cls in table.classes.values()
        )
    )


@BOTH
@given(data=st.data())
def test_every_message_survives_the_wire(table: MessageTable, data: st.DataObject) -> None:
    """What was serialised is parsed back as it was."""
    message = data.draw(messages(table))
    assert table.parse(table.serialise(message)) == message


@BOTH
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_clear_error(table: MessageTable, data: bytes) -> None:
    """Arbitrary bytes never raise anything but MalformedMessageError."""
    try:
        message = table.parse(data)
    except MalformedMessageError:
        return
    # By repr: an axis of a gamepad may be NaN, which equals nothing.
    assert repr(table.parse(table.serialise(message))) == repr(message)


@BOTH
@given(data=st.data())
def test_a_cut_message_is_never_the_whole_one(table: MessageTable, data: st.DataObject) -> None:
    """A message that lost its end never parses as the whole one."""
    message = data.draw(messages(table))
    whole = table.serialise(message)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        parsed = table.parse(cut)
    except MalformedMessageError:
        return
    assert parsed != message


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (dc.IFrameRequest(), "00"),
        (dc.KeyDown(key=65, repeat=0), "3c 41 00"),
        (dc.KeyPress(character=0xAC00), "3e 00ac"),
        (dc.MouseDown(button=0, x=0x1234, y=0xFFFF), "48 00 3412 ffff"),
        (dc.MouseMove(x=1, y=2, delta_x=-1, delta_y=1), "4a 0100 0200 ffff 0100"),
        (dc.UIInteraction(text="한"), "32 0100 5cd5"),
        (dc.TestEcho(), "08"),
        (dc.TestEcho(text="a"), "08 0100 6100"),
        (
            dc.TouchStart(touches=(dc.Touch(x=1, y=2, index=3, force=255, valid=1),)),
            "50 01 0100 0200 03 ff 01",
        ),
        (dc.GamepadAnalog(controller=0, axis=1, value=0.5), "5c 00 01 000000000000e03f"),
    ],
)
def test_bytes_to_the_streamer_are_those_of_epics_page(message: dc.Message, wire: str) -> None:
    """Layouts written down by hand from SendMessageController.ts."""
    assert TO_STREAMER.serialise(message) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (dc.QualityControlOwnership(owned=True), "00 01"),
        (dc.Response(text="hi"), "01 6800 6900"),
        (dc.FreezeFrame(size=3, data=b"abc"), "03 03000000 616263"),
        (dc.Protocol(text=""), "ff"),
    ],
)
def test_bytes_from_the_streamer_are_those_of_ue(message: dc.Message, wire: str) -> None:
    """A string takes the rest of the message, uncounted."""
    assert FROM_STREAMER.serialise(message) == bytes.fromhex(wire)


def test_half_a_surrogate_pair_is_replaced() -> None:
    """A lone surrogate becomes U+FFFD, so that JSON and logs can hold the text."""
    assert TO_STREAMER.parse(b"\x32\x01\x00\x3d\xd8") == dc.UIInteraction(text="�")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty message"),
        (b"\xc8", "no message has the id 200"),
        (b"\x3c\x41", "KeyDown: 1 bytes wanted, 0 left"),
        (b"\x3d\x41\x00", "KeyUp: 1 bytes too many"),
        (b"\x32\x05\x00a\x00", "UIInteraction: 10 bytes wanted, 2 left"),
    ],
)
def test_malformed_bytes_say_what_is_wrong(data: bytes, reason: str) -> None:
    """The error names the message and the bytes that miss."""
    with pytest.raises(MalformedMessageError, match=reason):
        TO_STREAMER.parse(data)


@pytest.mark.parametrize(
    "message",
    [
        dc.KeyDown(key=256, repeat=0),
        dc.UIInteraction(text="x" * 65536),
        dc.TouchMove(touches=(dc.Touch(0, 0, 0, 0, 0),) * 256),
        dc.Response(text="not in this direction"),
    ],
)
def test_what_does_not_fit_the_wire_is_refused(message: dc.Message) -> None:
    """A field out of range raises ValueError with the message's name."""
    with pytest.raises(ValueError, match=type(message).__name__):
        TO_STREAMER.serialise(message)


def test_the_protocol_message_declares_every_row() -> None:
    """Direction 0 holds each name with its id and Epic's structure."""
    protocol = TO_STREAMER.protocol()
    assert protocol.pop("Direction") == 0
    assert len(protocol) == len(TO_STREAMER.classes)
    assert protocol["MouseMove"] == {
        "id": 74,
        "structure": ["uint16", "uint16", "int16", "int16"],
    }
    assert protocol["TouchEnd"]["structure"] == [
        "uint8", "uint16", "uint16", "uint8", "uint8", "uint8",
    ]  # fmt: skip
    assert FROM_STREAMER.protocol()["Protocol"] == {"id": 255, "structure": ["string"]}
