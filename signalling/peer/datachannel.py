"""
The data channel between a player and Unreal Engine: bytes and messages.

A message is one byte of id and its fields, little-endian. The same message may
have one id towards the streamer and another from it, and a string is written
differently in each direction: counted (a `uint16` of UTF-16 units first)
towards the streamer, the rest of the message from it. Message classes know
neither; a `MessageTable` per direction does.

Source: Epic's frontend library, `StreamMessageController.ts` and
`SendMessageController.ts`; UE sends its own table in the Protocol message.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from signalling.peer.channel_messages import (
    AverageBitrateRequest,
    Command,
    DataChannelLatencyTest,
    FileContents,
    FileExtension,
    FileMimeType,
    FpsRequest,
    FreezeFrame,
    GamepadAnalog,
    GamepadButtonPressed,
    GamepadButtonReleased,
    GamepadConnected,
    GamepadDisconnected,
    GamepadResponse,
    IFrameRequest,
    InitialSettings,
    InputControlOwnership,
    KeyDown,
    KeyPress,
    KeyUp,
    LatencyTest,
    Message,
    MouseDouble,
    MouseDown,
    MouseEnter,
    MouseLeave,
    MouseMove,
    MouseUp,
    MouseWheel,
    Protocol,
    QualityControlOwnership,
    RequestInitialSettings,
    RequestQualityControl,
    Response,
    StartStreaming,
    StopStreaming,
    TestEcho,
    TextboxEntry,
    Touch,
    TouchEnd,
    TouchMove,
    TouchStart,
    UIInteraction,
    UnfreezeFrame,
    VideoEncoderAvgQP,
    Wire,
    wires,
)

MAX_STRING_UNITS = 0xFFFF
"""UTF-16 units that the count in front of a string can say."""


class MalformedMessageError(ValueError):
    """Bytes that are no message of the table; the text says which and why."""


class UnknownMessageError(MalformedMessageError):
    """The first byte names no message of the table."""


class StringForm(Enum):
    """How a direction writes a string."""

    COUNTED = "counted"
    REST = "rest"


NUMBERS: Mapping[Wire, struct.Struct] = {
    Wire.UINT8: struct.Struct("<B"),
    Wire.UINT16: struct.Struct("<H"),
    Wire.INT16: struct.Struct("<h"),
    Wire.INT32: struct.Struct("<i"),
    Wire.DOUBLE: struct.Struct("<d"),
    Wire.BOOL: struct.Struct("<?"),
}
TOUCH = struct.Struct("<HHBBB")

STRUCTURES: Mapping[Wire, tuple[str, ...]] = {
    Wire.BOOL: ("uint8",),
    Wire.OPTIONAL_STRING: ("string",),
    Wire.REST: (),
    Wire.TOUCHES: ("uint8", "uint16", "uint16", "uint8", "uint8", "uint8"),
}
"""What UE's Protocol message says of the forms that are not their own name."""


class Reader:
    """Takes fields off the front of a message."""

    def __init__(self, data: bytes, *, strings: StringForm) -> None:
        self._data = data
        self._strings = strings
        self._offset = 1

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes."""
        taken = self._data[self._offset : self._offset + size]
        if len(taken) < size:
            raise MalformedMessageError(f"{size} bytes wanted, {len(taken)} left")
        self._offset += size
        return taken

    def left(self) -> int:
        """Return how many bytes were not taken yet."""
        return len(self._data) - self._offset

    def field(self, wire: Wire) -> Any:
        """Return the value of the next field."""
        if wire in NUMBERS:
            number = NUMBERS[wire]
            return number.unpack(self.take(number.size))[0]
        if wire is Wire.TOUCHES:
            return tuple(self._touches())
        if wire is Wire.REST:
            return self.take(self.left())
        if wire is Wire.OPTIONAL_STRING and not self.left():
            return ""
        return self._string()

    def _touches(self) -> Iterator[Touch]:
        (count,) = self.take(1)
        for _ in range(count):
            yield Touch(*TOUCH.unpack(self.take(TOUCH.size)))

    def _string(self) -> str:
        # A browser can send half of a surrogate pair: that one character is
        # replaced, as TextDecoder does, so that nothing behind stumbles on it.
        return self.take(self._string_bytes()).decode("utf-16-le", errors="replace")

    def _string_bytes(self) -> int:
        if self._strings is StringForm.COUNTED:
            (units,) = NUMBERS[Wire.UINT16].unpack(self.take(2))
            return int(units) * 2
        return self.left()


def write_field(wire: Wire, value: Any, *, strings: StringForm) -> bytes:
    """Return *value* as bytes; raise `struct.error` or `ValueError` when out of range."""
    if wire in NUMBERS:
        return NUMBERS[wire].pack(value)
    if wire is Wire.TOUCHES:
        parts = (TOUCH.pack(t.x, t.y, t.index, t.force, t.valid) for t in value)
        return bytes([len(value)]) + b"".join(parts)
    if wire is Wire.REST:
        return bytes(value)
    if wire is Wire.OPTIONAL_STRING and not value:
        return b""
    return _write_string(value, strings)


def _write_string(text: str, strings: StringForm) -> bytes:
    data = text.encode("utf-16-le", errors="replace")
    if strings is StringForm.REST:
        return data
    if len(data) > MAX_STRING_UNITS * 2:
        raise ValueError(f"a string of {len(data) // 2} UTF-16 units, {MAX_STRING_UNITS} fit")
    return NUMBERS[Wire.UINT16].pack(len(data) // 2) + data


@dataclass(frozen=True)
class MessageTable:
    """
    The messages of one direction: id to class.

    A streamer that adds messages (XR, the project's own) makes a table of
    `{**TO_STREAMER.classes, 110: XREyeViews}` and declares it by `protocol`.
    """

    direction: int
    """0 to the streamer, 1 from it."""

    strings: StringForm
    classes: Mapping[int, type[Message]]

    def parse(self, data: bytes) -> Message:
        """
        Return the message in *data*.

        Raises `UnknownMessageError` for an id that is not in the table and
        `MalformedMessageError` for missing or surplus bytes.
        """
        if not data:
            raise MalformedMessageError("an empty message")
        cls = self.classes.get(data[0])
        if cls is None:
            raise UnknownMessageError(f"no message has the id {data[0]}")
        try:
            return self._parse_fields(cls, Reader(data, strings=self.strings))
        except MalformedMessageError as error:
            raise MalformedMessageError(f"{cls.__name__}: {error}") from None

    def _parse_fields(self, cls: type[Message], reader: Reader) -> Message:
        values = [reader.field(wire) for _, wire in self._layouts[cls]]
        if reader.left():
            raise MalformedMessageError(f"{reader.left()} bytes too many")
        return cls(*values)

    def serialise(self, message: Message) -> bytes:
        """Return *message* as bytes; raise `ValueError` when a field is out of range."""
        cls = type(message)
        prefix = bytes([self.id_of(cls)])
        try:
            parts = [
                write_field(wire, getattr(message, name), strings=self.strings)
                for name, wire in self._layouts[cls]
            ]
        except (struct.error, ValueError) as error:
            raise ValueError(f"{cls.__name__}: {error}") from error
        return prefix + b"".join(parts)

    def id_of(self, cls: type[Message]) -> int:
        """Return the id of *cls*; raise `ValueError` when this direction has none."""
        if cls not in self._ids:
            raise ValueError(f"{cls.__name__} has no id in this direction")
        return self._ids[cls]

    @cached_property
    def _ids(self) -> Mapping[type[Message], int]:
        return {cls: number for number, cls in self.classes.items()}

    @cached_property
    def _layouts(self) -> Mapping[type[Message], tuple[tuple[str, Wire], ...]]:
        return {cls: wires(cls) for cls in self.classes.values()}

    def protocol(self) -> dict[str, Any]:
        """Return what the Protocol message says of this direction."""
        rows = {
            cls.__name__: {"id": number, "structure": structure(cls)}
            for number, cls in self.classes.items()
        }
        return {"Direction": self.direction, **rows}


def structure(cls: type[Message]) -> list[str]:
    """Return the wire types of *cls* by Epic's names."""
    return [name for _, wire in wires(cls) for name in STRUCTURES.get(wire, (wire.value,))]


TO_STREAMER = MessageTable(
    direction=0,
    strings=StringForm.COUNTED,
    classes={
        0: IFrameRequest,
        1: RequestQualityControl,
        2: FpsRequest,
        3: AverageBitrateRequest,
        4: StartStreaming,
        5: StopStreaming,
        6: LatencyTest,
        7: RequestInitialSettings,
        8: TestEcho,
        9: DataChannelLatencyTest,
        50: UIInteraction,
        51: Command,
        52: TextboxEntry,
        60: KeyDown,
        61: KeyUp,
        62: KeyPress,
        70: MouseEnter,
        71: MouseLeave,
        72: MouseDown,
        73: MouseUp,
        74: MouseMove,
        75: MouseWheel,
        76: MouseDouble,
        80: TouchStart,
        81: TouchEnd,
        82: TouchMove,
        90: GamepadButtonPressed,
        91: GamepadButtonReleased,
        92: GamepadAnalog,
        93: GamepadConnected,
        94: GamepadDisconnected,
    },
)

FROM_STREAMER = MessageTable(
    direction=1,
    strings=StringForm.REST,
    classes={
        0: QualityControlOwnership,
        1: Response,
        2: Command,
        3: FreezeFrame,
        4: UnfreezeFrame,
        5: VideoEncoderAvgQP,
        6: LatencyTest,
        7: InitialSettings,
        8: FileExtension,
        9: FileMimeType,
        10: FileContents,
        11: TestEcho,
        12: InputControlOwnership,
        13: GamepadResponse,
        14: DataChannelLatencyTest,
        255: Protocol,
    },
)
