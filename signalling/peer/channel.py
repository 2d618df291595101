"""One player's data channel as the synthetic Unreal Engine answers it; no I/O."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

import orjson
import structlog

from signalling.peer import channel_messages as m
from signalling.peer.datachannel import FROM_STREAMER, TO_STREAMER, MalformedMessageError
from signalling.peer.scene import Pointer, Product
from signalling.peer.stage import CommandRefusedError, Stage
from signalling.peer.tracks import Heard

FULL_SCALE = 65535
"""The right and lower edge of the picture in input messages."""

MAX_FILLER = 60_000
"""Characters of filler a latency test may ask for: one message of SCTP's usual 256 KiB."""

MAX_SHOWN = 200
"""Characters of a player's text that are kept."""

FIRST_PRINTABLE, LAST_PRINTABLE = 48, 90
"""Key codes that are their character: 0 to 9, A to Z."""

Json = Mapping[str, Any]

log = structlog.get_logger()


class Media(Protocol):
    """What a player's channel may ask of its media."""

    def request_key_frame(self) -> None:
        """Make the next picture a key frame."""

    def play(self, *, playing: bool) -> None:
        """Start or stop the pictures."""

    def heard(self) -> Heard:
        """Return what the player's microphone sounded like last."""


class ChannelSession:
    """
    A player at an open data channel.

    *send* takes a message's bytes and never waits; *wall_clock* returns seconds
    since 1970, for the latency tests.
    """

    def __init__(
        self,
        player: str,
        *,
        stage: Stage,
        media: Media,
        send: Callable[[bytes], None],
        wall_clock: Callable[[], float],
    ) -> None:
        self._player = player
        self._stage = stage
        self._media = media
        self._send_bytes = send
        self._wall_clock = wall_clock
        self._log = log.bind(player_id=player, streamer_id=stage.scene.streamer_id)

    def open(self) -> None:
        """Say what UE says on a new channel."""
        for table in (TO_STREAMER, FROM_STREAMER):
            self._send(m.Protocol(text=_json(table.protocol())))
        self._send_initial_settings()
        self._stage.quality.join(self._player, self._tell_ownership)

    def close(self) -> None:
        """Forget the player."""
        self._stage.quality.leave(self._player)
        self._stage.scene.pointers.pop(self._player, None)

    def receive(self, data: bytes | str) -> None:
        """Act on a message; what is malformed is logged and dropped."""
        try:
            message = TO_STREAMER.parse(data if isinstance(data, bytes) else data.encode())
        except MalformedMessageError as error:
            self._log.warning("input_malformed", reason=str(error))
            return
        self._log.debug("input", message=message)
        self._stage.note_input(repr(message)[:MAX_SHOWN])
        HANDLERS.get(type(message), ChannelSession.ignore)(self, message)

    def _send(self, message: m.Message) -> None:
        self._send_bytes(FROM_STREAMER.serialise(message))

    def _respond(self, **fields: Any) -> None:
        self._send(m.Response(text=_json(fields)))

    def _tell_ownership(self, owned: bool) -> None:  # noqa: FBT001 - a callback of one value
        self._send(m.QualityControlOwnership(owned=owned))

    def _send_initial_settings(self) -> None:
        self._send(m.InitialSettings(text=_json(initial_settings(self._stage))))

    def ignore(self, _message: m.Message) -> None:
        """Do nothing: UE acts on these, a scene of shapes does not."""

    def on_key_frame_request(self, _message: m.IFrameRequest) -> None:
        """Ask the encoder."""
        self._media.request_key_frame()

    def on_quality_request(self, _message: m.RequestQualityControl) -> None:
        """Give the asking player quality control."""
        self._stage.quality.request(self._player)

    def on_start_streaming(self, _message: m.StartStreaming) -> None:
        """Send pictures, beginning with a key frame."""
        self._media.play(playing=True)
        self._media.request_key_frame()

    def on_stop_streaming(self, _message: m.StopStreaming) -> None:
        """Send no more pictures."""
        self._media.play(playing=False)

    def on_settings_request(self, _message: m.RequestInitialSettings) -> None:
        """Send them again."""
        self._send_initial_settings()

    def on_latency_test(self, _message: m.LatencyTest) -> None:
        """Answer with this side's times; aiortc does not tell the encoder's share."""
        now = self._milliseconds()
        times = {"ReceiptTimeMs": now, "TransmissionTimeMs": self._milliseconds()}
        self._send(m.LatencyTest(text=_json(times)))

    def on_test_echo(self, message: m.TestEcho) -> None:
        """Send it back."""
        self._send(message)

    def on_channel_latency_test(self, message: m.DataChannelLatencyTest) -> None:
        """Answer with this side's times and as much filler as was asked for."""
        received = self._milliseconds()
        request = _object(message.text)
        size = request.get("FillResponseSize")
        filler = min(size, MAX_FILLER) if isinstance(size, int) and size > 0 else 0
        answer = {
            "Seq": request.get("Seq"),
            "Filler": "A" * filler,
            "ReceivedTimestamp": received,
            "SentTimestamp": self._milliseconds(),
        }
        self._send(m.DataChannelLatencyTest(text=_json(answer)))

    def on_ui_interaction(self, message: m.UIInteraction) -> None:
        """Show the descriptor; one with an action known here is done and answered."""
        self._stage.scene.last_descriptor = message.text[:MAX_SHOWN]
        descriptor = _object(message.text)
        action = descriptor.get("action", descriptor.get("type"))
        handler = ACTIONS.get(action) if isinstance(action, str) else None
        if handler is not None:
            self._respond(type=action, **handler(self, _arguments(descriptor)))

    def show_product(self, arguments: Json) -> Json:
        """Put a product on the turntable."""
        asset = arguments.get("ueAsset")
        if not isinstance(asset, str) or not asset:
            return {"accepted": False, "reason": "ueAsset is missing"}
        name = arguments.get("name")
        shown = name if isinstance(name, str) and name else asset.rsplit("/", 1)[-1]
        product = Product(name=shown[:MAX_SHOWN], asset=asset[:MAX_SHOWN])
        self._stage.scene.product = product
        return {"accepted": True, "ueAsset": product.asset, "name": product.name}

    def report_audio(self, _arguments: Json) -> Json:
        """Tell what the player's microphone sounds like here."""
        heard = self._media.heard()
        silent = math.isinf(heard.level)
        level = None if silent else round(heard.level, 1)
        return {"heard": not silent, "levelDb": level, "frequencyHz": round(heard.hertz, 1)}

    def report_inputs(self, _arguments: Json) -> Json:
        """Tell the last inputs of all players, oldest first."""
        return {"inputs": list(self._stage.inputs)}

    def report_state(self, _arguments: Json) -> Json:
        """Tell what the scene shows and in which format."""
        scene, video = self._stage.scene, self._stage.camera.video
        return {
            "streamerId": scene.streamer_id,
            "width": video.size.width,
            "height": video.size.height,
            "fps": video.fps,
            "lastKey": scene.last_key,
            "product": asdict(scene.product) if scene.product else None,
            "pointers": {name: asdict(at) for name, at in scene.pointers.items()},
        }

    def on_command(self, message: m.Command) -> None:
        """
        Run a console command and say whether it was.

        Epic's page sends WebRTC.* and Encoder.* settings by itself: those get
        no answer, as from UE.
        """
        command = _object(message.text).get("ConsoleCommand")
        if not isinstance(command, str):
            self._log.debug("command_ignored")
            return
        command = command[:MAX_SHOWN]
        try:
            self._stage.run(command)
        except CommandRefusedError as error:
            self._log.info("command_refused", reason=str(error))
            self._respond(type="command", accepted=False, command=command, reason=str(error))
        else:
            self._log.info("command_run", video=str(self._stage.camera.video))
            self._respond(type="command", accepted=True, command=command)

    def on_text(self, message: m.TextboxEntry) -> None:
        """Show it as the last key."""
        self._stage.scene.last_key = f"Textbox {message.text[:MAX_SHOWN]}"

    def on_key(self, message: m.KeyDown | m.KeyUp) -> None:
        """Show the key."""
        printable = FIRST_PRINTABLE <= message.key <= LAST_PRINTABLE
        character = f" ({chr(message.key)})" if printable else ""
        name = type(message).__name__
        self._stage.scene.last_key = f"{name} {message.key}{character}"

    def on_character(self, message: m.KeyPress) -> None:
        """Show the character."""
        character = chr(message.character)
        shown = character if character.isprintable() else hex(message.character)
        self._stage.scene.last_key = f"KeyPress {shown}"

    def on_pointer(self, message: m.MouseMove | m.MouseWheel) -> None:
        """Move the player's pointer; a pressed one stays pressed."""
        before = self._stage.scene.pointers.get(self._player)
        self._point(message.x, message.y, pressed=before is not None and before.pressed)

    def on_button_down(self, message: m.MouseDown | m.MouseDouble) -> None:
        """Press the player's pointer."""
        self._point(message.x, message.y, pressed=True)

    def on_button_up(self, message: m.MouseUp) -> None:
        """Release the player's pointer."""
        self._point(message.x, message.y, pressed=False)

    def on_pointer_leave(self, _message: m.MouseLeave) -> None:
        """Take the player's pointer away."""
        self._stage.scene.pointers.pop(self._player, None)

    def on_touch(self, message: m.TouchStart | m.TouchMove) -> None:
        """Put the pointer under the first finger."""
        for touch in message.touches[:1]:
            self._point(touch.x, touch.y, pressed=True)

    def on_touch_end(self, message: m.TouchEnd) -> None:
        """Lift the pointer."""
        for touch in message.touches[:1]:
            self._point(touch.x, touch.y, pressed=False)

    def on_gamepad_connected(self, _message: m.GamepadConnected) -> None:
        """Give the gamepad its number; one per player."""
        self._send(m.GamepadResponse(text=_json({"controllerId": 0})))

    def on_gamepad_button(self, message: m.GamepadButtonPressed) -> None:
        """Show the button as the last key."""
        self._stage.scene.last_key = f"Gamepad {message.button}"

    def _point(self, x: int, y: int, *, pressed: bool) -> None:
        pointer = Pointer(x / FULL_SCALE, y / FULL_SCALE, pressed=pressed)
        self._stage.scene.pointers[self._player] = pointer

    def _milliseconds(self) -> int:
        return round(self._wall_clock() * 1000)


HANDLERS: dict[type[m.Message], Callable[[ChannelSession, Any], None]] = {
    m.IFrameRequest: ChannelSession.on_key_frame_request,
    m.RequestQualityControl: ChannelSession.on_quality_request,
    m.StartStreaming: ChannelSession.on_start_streaming,
    m.StopStreaming: ChannelSession.on_stop_streaming,
    m.LatencyTest: ChannelSession.on_latency_test,
    m.RequestInitialSettings: ChannelSession.on_settings_request,
    m.TestEcho: ChannelSession.on_test_echo,
    m.DataChannelLatencyTest: ChannelSession.on_channel_latency_test,
    m.UIInteraction: ChannelSession.on_ui_interaction,
    m.Command: ChannelSession.on_command,
    m.TextboxEntry: ChannelSession.on_text,
    m.KeyDown: ChannelSession.on_key,
    m.KeyUp: ChannelSession.on_key,
    m.KeyPress: ChannelSession.on_character,
    m.MouseLeave: ChannelSession.on_pointer_leave,
    m.MouseDown: ChannelSession.on_button_down,
    m.MouseUp: ChannelSession.on_button_up,
    m.MouseMove: ChannelSession.on_pointer,
    m.MouseWheel: ChannelSession.on_pointer,
    m.MouseDouble: ChannelSession.on_button_down,
    m.TouchStart: ChannelSession.on_touch,
    m.TouchMove: ChannelSession.on_touch,
    m.TouchEnd: ChannelSession.on_touch_end,
    m.GamepadConnected: ChannelSession.on_gamepad_connected,
    m.GamepadButtonPressed: ChannelSession.on_gamepad_button,
}
"""What is not here is taken and has no visible effect."""

ACTIONS: dict[str, Callable[[ChannelSession, Json], Json]] = {
    "showProduct": ChannelSession.show_product,
    "reportAudio": ChannelSession.report_audio,
    "reportInputs": ChannelSession.report_inputs,
    "reportState": ChannelSession.report_state,
}
"""Descriptors that are answered: `{"action": NAME, …arguments}` or with `arguments`."""


def initial_settings(stage: Stage) -> Json:
    """Return InitialSettings in the shape UE 5 sends."""
    return {
        "PixelStreaming": {
            "AllowPixelStreamingCommands": stage.allow_commands,
            "DisableLatencyTest": False,
        },
        "Encoder": {
            "TargetBitrate": -1,
            "MaxBitrate": 20_000_000,
            "MinQP": 0,
            "MaxQP": 51,
            "RateControl": "CBR",
            "FillerData": 0,
            "MultiPass": "FULL",
        },
        "WebRTC": {
            "DegradationPref": "MAINTAIN_QUALITY",
            "FPS": stage.camera.video.fps,
            "MinBitrate": 100_000,
            "MaxBitrate": stage.max_bitrate,
            "LowQpThreshold": 25,
            "HighQpThreshold": 37,
        },
        "ConfigOptions": {},
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _object(text: str) -> Json:
    """Return the JSON object in *text*; an empty one when it is none."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _arguments(descriptor: Json) -> Json:
    arguments = descriptor.get("arguments")
    return arguments if isinstance(arguments, dict) else descriptor
