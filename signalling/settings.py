"""The options of `serve`: Wilbur's names, Cirrus's file, and what is ours."""

import json
from pathlib import Path
from typing import Any, Final, Literal

import structlog
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from rag.settings import RagSettings
from signalling.errors import OptionError
from signalling.messages import Json
from signalling.options import epic as epic_options
from signalling.options.auth import AuthSettings
from signalling.options.epic_matchmaker import EpicMatchmakerSettings
from signalling.options.guests import GuestSettings
from signalling.options.limits import LimitSettings
from signalling.options.logs import LogSettings
from signalling.options.matchmaking import MatchmakingSettings
from signalling.options.reading import OptionGroup, Options, read_json, unknown_option
from signalling.options.resume import ResumeSettings
from signalling.options.web import ProxySettings, WebSettings
from stores.settings import StoreSettings

log = structlog.get_logger()

Port = int

SHORTEST_KEEPALIVE: Final = 300
"""Milliseconds: below it a peer has no time to answer."""


class SignallingSettings(OptionGroup):
    """Options of the signalling server itself."""

    host: str = "0.0.0.0"  # noqa: S104 - players come from anywhere
    """The address to listen on for players."""

    player_port: Port = Field(80, ge=0, le=65535)
    """The port for players and the page; 0 takes any free one."""

    streamer_port: Port = Field(8888, ge=0, le=65535)
    """The port for streamers; 0 takes any free one."""

    sfu_port: Port = Field(8889, ge=0, le=65535)
    """The port for SFUs; 0 takes any free one."""

    dialect: Literal["wilbur", "cirrus", "auto"] = "wilbur"
    """Which of Epic's servers to speak like: wilbur (UE 5.5 on), cirrus (to UE 5.4), auto."""

    max_players: int = Field(0, ge=0)
    """Players a streamer takes; 0 means no limit."""

    max_player_count: int = Field(-1, ge=-1)
    """Players the server takes in all; one more is closed with 1013. -1 means no limit."""

    player_keepalive_timeout: int = Field(30_000, ge=0)
    """Milliseconds of silence after which a player is gone, at least 300; 0 means never."""

    streamer_keepalive_timeout: int = Field(75_000, ge=SHORTEST_KEEPALIVE)
    """Milliseconds of silence after which a streamer or SFU is gone."""

    identify_timeout: float = Field(5.0, gt=0)
    """Seconds a streamer has to say its name before it is given one."""

    peer_options: Json = Field(default_factory=dict, repr=False)
    """The RTCConfiguration that peers are sent, as JSON: {"iceServers": [...]}."""

    peer_options_file: Path | None = None
    """A file with peer_options."""

    turn_secret: str | None = Field(None, repr=False)
    """coturn's static-auth-secret: each peer gets TURN credentials of its own."""

    turn_secret_file: Path | None = None
    """A file with turn_secret."""

    turn_ttl: int = Field(86_400, gt=0)
    """Seconds a player's TURN credentials are good for."""

    max_message_bytes: int = Field(256 * 1024, ge=1024)
    """The longest message a peer may send; a longer one closes its socket with 1009."""

    max_outbox_bytes: int = Field(1024 * 1024, ge=1024)
    """What may wait for a peer that reads too slowly before it is closed with 1013."""

    control_frames_per_second: float = Field(10, ge=0)
    """Pings and pongs of the WebSocket protocol from one peer, on average; 0: no limit."""

    player_messages_per_second: float = Field(100, ge=0)
    """Messages a player may send on average; 0 means no limit."""

    streamer_messages_per_second: float = Field(0, ge=0)
    """Messages a streamer may send on average; 0 means no limit."""

    drain_timeout: float = Field(10, ge=0)
    """Seconds that players have to finish after SIGTERM before they are closed with 1012."""

    @field_validator("player_keepalive_timeout")
    @classmethod
    def _time_to_answer(cls, value: int) -> int:
        if 0 < value < SHORTEST_KEEPALIVE:
            raise ValueError(f"must be 0, which means never, or at least {SHORTEST_KEEPALIVE}")
        return value

    @field_validator("peer_options", mode="before")
    @classmethod
    def _parse_peer_options(cls, value: Any) -> Any:
        """Take the object itself, or Cirrus's string of JSON."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as exc:
            raise ValueError(f"must be a JSON object: {exc}") from None

    @field_validator("peer_options")
    @classmethod
    def _usable_ice_servers(cls, value: Json) -> Json:
        if fault := _fault_of_ice_servers(value):
            raise ValueError(fault)
        return value


class ServeSettings(
    SignallingSettings,
    AuthSettings,
    LimitSettings,
    ResumeSettings,
    GuestSettings,
    WebSettings,
    ProxySettings,
    LogSettings,
    EpicMatchmakerSettings,
    MatchmakingSettings,
    RagSettings,
    StoreSettings,
    Options,
):
    """Everything that `serve` can be told."""

    model_config = SettingsConfigDict(cli_prog_name="pycirrus serve")

    retrieval: bool = False
    """Search products: catalogue and partners at /api/catalogue and /api/partners."""

    retrieval_process: bool = True
    """Search and consult in a process of its own, so that signalling never waits for it."""

    config_file: Path | None = None
    """A config.json of Wilbur, of Cirrus, or of this server."""

    no_config: bool = False
    """Do not read config.json from the working directory."""

    save: bool = False
    """Write the options of this start to the configuration file, in this server's names."""

    stdin: bool = False
    """Take one-letter commands on standard input; h lists them."""

    @property
    def guest_places(self) -> int:
        """How many guests a visitor may have: none by default where not everybody may play."""
        if self.guests_per_visitor is None:
            return 1 if self.players_are_open else 0
        return self.guests_per_visitor


def read_config_file(path: Path, *, option: str = "config_file") -> epic_options.Translated:
    """
    Return the options in a config.json of Wilbur, Cirrus or this server.

    Relative paths in it are relative to its folder. A key that nothing knows
    is logged with the nearest known one, one that is pointless here with the
    reason.

    Raises:
        OptionError: The file cannot be read or is not a JSON object.

    """
    translated = epic_options.translate(
        read_json(path, option=option),
        known=ServeSettings.model_fields,
        folder=path.resolve().parent,
    )
    for name, reason in translated.pointless.items():
        log.warning("option_without_effect", file=str(path), option=name, reason=reason)
    for name in translated.unknown:
        hint = unknown_option(ServeSettings.model_fields, name)
        log.warning("unknown_option", file=str(path), hint=hint)
    return translated


def peer_options(settings: SignallingSettings) -> Json:
    """
    Return the peer options, from their file if there is one.

    Raises:
        OptionError: The file cannot be read or holds something else.

    """
    if settings.peer_options_file is None:
        return settings.peer_options
    found = read_json(settings.peer_options_file, option="peer_options_file")
    if fault := _fault_of_ice_servers(found):
        raise OptionError(f"peer_options_file: {fault}")
    return found


def _fault_of_ice_servers(peer_options: Json) -> str | None:
    """Return why no peer could use the ICE servers in *peer_options*; None if one could."""
    servers = peer_options.get("iceServers", [])
    if not isinstance(servers, list):
        return "iceServers must be a list"
    for server in servers:
        urls = server.get("urls", server.get("url")) if isinstance(server, dict) else None
        listed = urls if isinstance(urls, list) else [urls]
        if not all(isinstance(url, str) for url in listed):
            return 'each of iceServers must be like {"urls": ["stun:host:3478"]}'
    return None


__all__ = [
    "OptionError",
    "ServeSettings",
    "SignallingSettings",
    "peer_options",
    "read_config_file",
]
