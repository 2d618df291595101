"""
The messages of the data channel as values.

The annotation of a field says how it is written; the same class serves both
directions where both know the name. Source: Epic's frontend library,
`StreamMessageController.ts`.
"""

from dataclasses import dataclass, fields
from enum import Enum
from typing import Annotated, ClassVar, get_type_hints


class Wire(Enum):
    """How a field is written; the value is its name in the Protocol message."""

    UINT8 = "uint8"
    UINT16 = "uint16"
    INT16 = "int16"
    INT32 = "int32"
    DOUBLE = "double"
    BOOL = "bool"
    STRING = "string"
    OPTIONAL_STRING = "optional string"
    REST = "bytes"
    TOUCHES = "touches"


Uint8 = Annotated[int, Wire.UINT8]
Uint16 = Annotated[int, Wire.UINT16]
Int16 = Annotated[int, Wire.INT16]
Int32 = Annotated[int, Wire.INT32]
Double = Annotated[float, Wire.DOUBLE]
Bool = Annotated[bool, Wire.BOOL]
String = Annotated[str, Wire.STRING]
OptionalString = Annotated[str, Wire.OPTIONAL_STRING]
Rest = Annotated[bytes, Wire.REST]


@dataclass(frozen=True, slots=True)
class Touch:
    """One finger; x and y are 0..65535 of the picture."""

    x: int
    y: int
    index: int
    force: int
    valid: int


Touches = Annotated[tuple[Touch, ...], Wire.TOUCHES]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the data channel; its class name is its name on the wire."""


@dataclass(frozen=True, slots=True)
class Text(Message):
    """A message of one string, often JSON."""

    text: String


@dataclass(frozen=True, slots=True)
class OptionalText(Message):
    """A message that some peers send with a string and some without."""

    text: OptionalString = ""


@dataclass(frozen=True, slots=True)
class Chunk(Message):
    """A part of a file; *size* is the whole file's in bytes."""

    size: Int32
    data: Rest


@dataclass(frozen=True, slots=True)
class MouseButton(Message):
    """A mouse button at a place; x and y are 0..65535 of the picture."""

    button: Uint8
    x: Uint16
    y: Uint16


@dataclass(frozen=True, slots=True)
class TouchEvent(Message):
    """Up to 255 fingers."""

    touches: Touches


@dataclass(frozen=True, slots=True)
class GamepadButton(Message):
    """A button of a gamepad; *repeat* is 0 on release."""

    controller: Uint8
    button: Uint8
    repeat: Uint8


class IFrameRequest(Message):
    """The player asks for a key frame."""


class RequestQualityControl(Message):
    """The player asks to be the one whose connection sets the quality."""


class FpsRequest(Message):
    """The player asks for the frame rate."""


class AverageBitrateRequest(Message):
    """The player asks for the bitrate."""


class StartStreaming(Message):
    """The player wants to see the stream."""


class StopStreaming(Message):
    """The player does not want to see the stream."""


class LatencyTest(Text):
    """JSON; the player's start time, and back the streamer's times."""


class RequestInitialSettings(Message):
    """The player asks for InitialSettings."""


class TestEcho(OptionalText):
    """Comes back as it was."""

    __test__: ClassVar[bool] = False  # pytest collects classes by this name


class DataChannelLatencyTest(OptionalText):
    """JSON `{Seq, FillResponseSize, Filler}`, and back the streamer's times."""


class UIInteraction(Text):
    """A descriptor of the page's own, by custom JSON."""


class Command(Text):
    """JSON; to the streamer a console command, from it one for the page."""


class TextboxEntry(Text):
    """What was typed into the page's text box."""


@dataclass(frozen=True, slots=True)
class KeyDown(Message):
    """A key by its code; *repeat* is 1 when held down."""

    key: Uint8
    repeat: Uint8


@dataclass(frozen=True, slots=True)
class KeyUp(Message):
    """A key by its code."""

    key: Uint8


@dataclass(frozen=True, slots=True)
class KeyPress(Message):
    """A character by its UTF-16 unit."""

    character: Uint16


class MouseEnter(Message):
    """The pointer came over the picture."""


class MouseLeave(Message):
    """The pointer left the picture."""


class MouseDown(MouseButton):
    """A mouse button went down."""


class MouseUp(MouseButton):
    """A mouse button went up."""


@dataclass(frozen=True, slots=True)
class MouseMove(Message):
    """The pointer's place and its way since the last, in 1/65536 of the picture."""

    x: Uint16
    y: Uint16
    delta_x: Int16
    delta_y: Int16


@dataclass(frozen=True, slots=True)
class MouseWheel(Message):
    """The wheel turned."""

    delta: Int16
    x: Uint16
    y: Uint16


class MouseDouble(MouseButton):
    """A mouse button was clicked twice."""


class TouchStart(TouchEvent):
    """Fingers came down."""


class TouchEnd(TouchEvent):
    """Fingers were lifted."""


class TouchMove(TouchEvent):
    """Fingers moved."""


class GamepadButtonPressed(GamepadButton):
    """A button of a gamepad went down."""


class GamepadButtonReleased(GamepadButton):
    """A button of a gamepad went up."""


@dataclass(frozen=True, slots=True)
class GamepadAnalog(Message):
    """An axis of a gamepad; *value* is -1..1."""

    controller: Uint8
    axis: Uint8
    value: Double


class GamepadConnected(Message):
    """A gamepad was plugged in; GamepadResponse gives it its number."""


@dataclass(frozen=True, slots=True)
class GamepadDisconnected(Message):
    """A gamepad was unplugged."""

    controller: Uint8


@dataclass(frozen=True, slots=True)
class QualityControlOwnership(Message):
    """Whether this player's connection sets the quality."""

    owned: Bool


class Response(Text):
    """Text for the page, by custom JSON."""


class FreezeFrame(Chunk):
    """A part of a JPEG to show instead of the video."""


class UnfreezeFrame(Message):
    """Show the video again."""


class VideoEncoderAvgQP(Text):
    """The encoder's average quantization parameter as decimal text."""


class InitialSettings(Text):
    """JSON `{PixelStreaming, Encoder, WebRTC, ConfigOptions}`."""


class FileExtension(Text):
    """The extension of the file that follows."""


class FileMimeType(Text):
    """The MIME type of the file that follows."""


class FileContents(Chunk):
    """A part of a file."""


@dataclass(frozen=True, slots=True)
class InputControlOwnership(Message):
    """Whether this player's input is taken."""

    owned: Bool


class GamepadResponse(Text):
    """JSON `{controllerId}`."""


class Protocol(Text):
    """JSON; a direction's message table."""


def wires(cls: type[Message]) -> tuple[tuple[str, Wire], ...]:
    """Return the fields of *cls* in wire order, each with how it is written."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple((field.name, hints[field.name].__metadata__[0]) for field in fields(cls))
