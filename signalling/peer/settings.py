"""Options of the synthetic streamer and the probe."""

import json
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, PositiveFloat
from pydantic_settings import SettingsConfigDict
from yarl import URL

from signalling.options.reading import Options
from signalling.peer.scene import Size

MIN_SIDE, MAX_WIDTH, MAX_HEIGHT = 64, 1920, 1080
"""Pictures outside these are refused: smaller hold no readable counter, larger no rate."""

MAX_FPS = 60
"""Above this the clocks of the codecs in aiortc round two pictures to one time."""


MAX_COMMANDS = 64
"""Console commands of one probe."""


def parse_size(text: str) -> Size:
    """
    Return the size in `1280x720`, made even as 4:2:0 video needs.

    Raises `ValueError` when it is none or out of bounds.
    """
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip())
    if match is None:
        raise ValueError("a size is WIDTHxHEIGHT, like 1280x720")
    width, height = (int(side) // 2 * 2 for side in match.groups())
    if not (MIN_SIDE <= width <= MAX_WIDTH and MIN_SIDE <= height <= MAX_HEIGHT):
        raise ValueError(
            f"a size is between {MIN_SIDE}x{MIN_SIDE} and {MAX_WIDTH}x{MAX_HEIGHT}"
        )
    return Size(width, height)


def _size_text(text: str) -> str:
    return str(parse_size(text))


def _websocket_url(text: str) -> str:
    url = URL(text)
    if url.scheme not in {"ws", "wss"} or not url.host:
        raise ValueError("a URL is ws://HOST:PORT or wss://HOST:PORT")
    return text


def _json_strings(text: str) -> str:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise ValueError('commands are a JSON list of strings, like ["t.MaxFPS 30"]')
    if len(values) > MAX_COMMANDS:
        raise ValueError(f"no more than {MAX_COMMANDS} commands")
    return text


SizeText = Annotated[str, AfterValidator(_size_text)]
WebSocketUrl = Annotated[str, AfterValidator(_websocket_url)]
JsonStrings = Annotated[str, AfterValidator(_json_strings)]
LoopbackName = Literal["auto", "always", "never"]
LogLevel = Literal["debug", "info", "warning", "error"]


class Capabilities(BaseModel):
    """What a streamer says of itself in the query of its URL; what is empty is not said."""

    host: str = ""
    """The machine it runs on; the server takes its address when this is not said."""

    region: str = ""
    """The region it serves."""

    application: str = ""
    """The application it shows."""

    version: str = ""
    """The version of that application."""

    profile: str = ""
    """The engine profile it runs with."""

    def apply_to(self, url: str) -> URL:
        """Return *url* with what is set in its query; what is there already stays."""
        named = {name: getattr(self, name) for name in Capabilities.model_fields}
        target = URL(url)
        missing = {n: v for n, v in named.items() if v and n not in target.query}
        return target.update_query(missing) if missing else target


class StreamerSettings(Capabilities, Options):
    """Options of `streamer`; a token for the server is part of the URL."""

    model_config = SettingsConfigDict(cli_prog_name="pycirrus streamer")

    url: WebSocketUrl = "ws://127.0.0.1:8888"
    """The server's streamer endpoint."""

    id: str = Field("Synthetic", min_length=1, max_length=128)
    """The streamer's id."""

    count: int = Field(1, ge=1, le=256)
    """Streamers to run; their ids are NAME, NAME2, NAME3 and so on."""

    size: SizeText = "1280x720"
    """The size of the picture, WIDTHxHEIGHT."""

    fps: int = Field(30, ge=1, le=MAX_FPS)
    """Pictures a second."""

    codec: Literal["VP8", "H264", "any"] = "any"
    """The video codec: VP8, H264, or any: the player chooses."""

    bitrate: int = Field(3_000_000, ge=100_000, le=50_000_000)
    """The most video bits a second for each player."""

    tone: bool = True
    """Send a quiet tone as audio."""

    allow_commands: bool = False
    """Let players run the console commands it knows."""

    connect_timeout: PositiveFloat = 30.0
    """Seconds a player may take to connect its media."""

    loopback: LoopbackName = "auto"
    """Offer 127.0.0.1 for media: auto (no other address), always (nothing else), never."""

    log_level_console: LogLevel = "info"
    """The least level of log lines."""

    def ids(self) -> list[str]:
        """Return the id of each streamer."""
        return [self.id, *(f"{self.id}{number}" for number in range(2, self.count + 1))]


class ProbeSettings(Options):
    """Options of `probe`; a token for the server is part of the URL."""

    model_config = SettingsConfigDict(cli_prog_name="pycirrus probe")

    url: WebSocketUrl = "ws://127.0.0.1:8080"
    """The server's player endpoint."""

    streamer: str = ""
    """The streamer's id; empty: the first in the list."""

    seconds: PositiveFloat = 5.0
    """Seconds to watch after the first frame."""

    timeout: PositiveFloat = 20.0
    """Seconds the first frame may take."""

    offer: bool = False
    """Make the offer, as the pages of UE 5.4 and 5.7 can; without a streamer id
    not even subscribing."""

    microphone: bool = False
    """Send a tone as the microphone and tell what the streamer hears."""

    relay: bool = False
    """Connect through the server's TURN relay only."""

    commands: JsonStrings = "[]"
    """Console commands to send, a JSON list: ["t.MaxFPS 30"]."""

    loopback: LoopbackName = "auto"
    """Offer 127.0.0.1 for media: auto (no other address), always (nothing else), never."""

    log_level_console: LogLevel = "warning"
    """The least level of log lines; they go to standard error."""

    def command_list(self) -> tuple[str, ...]:
        """Return the console commands."""
        return tuple(json.loads(self.commands))
