"""
Wilbur's REST API: who is connected, and how the server is set up.

The bodies are those of Wilbur's `getStreamerInfo` and `getPlayerInfo`
(Epic's Signalling/src/StreamerRegistry.ts and PlayerRegistry.ts).
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from signalling.disclosure import redacted, shown_options
from signalling.errors import CloseCode, Refused
from signalling.http.api import Route, get
from signalling.messages import Json
from signalling.openapi import Access, Operation, openapi
from signalling.registry import Kind, Player, Registry, Streamer
from signalling.settings import ServeSettings
from signalling.version import version

TITLE: Final = "Pixel Streaming signalling"

STREAMER_ID: Final = ("streamerId", "What the streamer is called.")

PLAYER_ID: Final = ("playerId", "The id that the server gave the player.")


class Status(msgspec.Struct, frozen=True):
    """How the server is."""

    uptime: float
    """Milliseconds since it started."""
    streamer_count: int
    player_count: int
    version: str


class PlayerInfo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A player, or an SFU towards its streamer."""

    player_id: str
    type: str
    """`Player` or `SFU`."""
    subscribed_to: str | msgspec.UnsetType = msgspec.UNSET
    """The id of the streamer it watches, if it does."""
    remote_address: str | msgspec.UnsetType = msgspec.UNSET


class StreamerInfo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A streamer, or an SFU towards its players."""

    streamer_id: str
    type: str
    """`Streamer` or `SFU`."""
    streaming: bool
    """Whether players are offered it."""
    subscribers: list[PlayerInfo]
    remote_address: str | msgspec.UnsetType = msgspec.UNSET


class Configuration(msgspec.Struct, frozen=True, rename="camel"):
    """How the server is set up; secrets are hidden."""

    config: dict[str, Any]
    """The options, in this server's names."""
    protocol_config: dict[str, Any]
    """What peers are told."""


class Rest:
    """The handlers of Wilbur's API over one node."""

    def __init__(
        self,
        settings: ServeSettings,
        registry: Registry,
        *,
        peer_options: Json,
        protocol_version: str | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._protocol_config = {
            "protocolVersion": protocol_version,
            "peerConnectionOptions": redacted(peer_options),
        }
        self._now = now
        self._started = now()

    def status(self) -> Status:
        """Return how the server is."""
        return Status(
            uptime=round((self._now() - self._started) * 1000),
            streamer_count=len(self._registry.streamers),
            player_count=len(self._registry.players),
            version=version(),
        )

    def routes(self, operations: Callable[[], Sequence[Operation]]) -> list[Route]:
        """
        Return the table: with `rest_api` all of it, else what operators need.

        *operations* gives what all routes of the server promise, these included.
        """
        if not self._settings.rest_api:
            return [self._disconnecting()]
        return [*self._reading(), self._disconnecting(), self._describing(operations)]

    def _describing(self, operations: Callable[[], Sequence[Operation]]) -> Route:
        server = f"{self._settings.base_path}/"

        @functools.cache
        def document() -> Json:
            return openapi(operations(), title=TITLE, version=version(), server=server)

        async def definition(_request: web.Request) -> Json:
            return document()

        return get(
            "/api/api-definition",
            definition,
            dict[str, Any],
            name="getApiDefinition",
            summary="Returns this document",
            access=Access.OPEN,
        )

    def _reading(self) -> list[Route]:
        return [
            get("/api/status", self._status, Status, name="getStatus",
                summary="Returns the current status of the server"),
            get("/api/config", self._config, Configuration, name="getConfig",
                summary="Returns the options of the server, without secrets"),
            get("/api/streamers", self._streamers, list[StreamerInfo], name="getStreamers",
                summary="Returns the streamers that have a name"),
            get("/api/streamers/{streamerId}", self._streamer, StreamerInfo,
                name="getOneStreamer", summary="Returns a single streamer",
                errors=(404,), parameters=(STREAMER_ID,)),
            get("/api/players", self._players, list[PlayerInfo], name="getPlayers",
                summary="Returns the players"),
            get("/api/players/{playerId}", self._player, PlayerInfo,
                name="getOnePlayer", summary="Returns a single player",
                errors=(404,), parameters=(PLAYER_ID,)),
        ]  # fmt: skip

    def _disconnecting(self) -> Route:
        return Route(
            method="DELETE",
            path="/api/players/{playerId}",
            handler=self._disconnect,
            name="disconnectPlayer",
            summary="Disconnects a player for good",
            description="The player's socket is being closed.",
            errors=(404,),
            access=Access.ADMIN,
            parameters=(PLAYER_ID,),
        )

    async def _status(self, _request: web.Request) -> Status:
        return self.status()

    async def _config(self, _request: web.Request) -> Configuration:
        return Configuration(shown_options(self._settings), self._protocol_config)

    async def _streamers(self, _request: web.Request) -> list[StreamerInfo]:
        return [streamer_info(each) for each in self._registry.streamers.values()]

    async def _streamer(self, request: web.Request) -> StreamerInfo:
        streamer = self._registry.streamers.get(request.match_info["streamerId"])
        if streamer is None:
            wanted = request.match_info["streamerId"][:200]
            raise Refused(404, "no_such_streamer", f"No streamer ID matches {wanted}.")
        return streamer_info(streamer)

    async def _players(self, _request: web.Request) -> list[PlayerInfo]:
        return [player_info(each) for each in self._registry.players.values()]

    async def _player(self, request: web.Request) -> PlayerInfo:
        return player_info(self._named_player(request))

    async def _disconnect(self, request: web.Request) -> None:
        player = self._named_player(request)
        if player.kind is Kind.SFU:
            # Its players would lose their picture: that is for the SFU's own operator.
            raise Refused(404, "no_such_player", f"{player.id} is an SFU.")
        player.close(CloseCode.RELEASED, "disconnected by the operator")

    def _named_player(self, request: web.Request) -> Player:
        wanted = request.match_info["playerId"]
        player = self._registry.players.get(wanted)
        if player is None:
            raise Refused(404, "no_such_player", f"No player ID matches {wanted[:200]}.")
        return player


def player_info(player: Player) -> PlayerInfo:
    """Return what Wilbur tells of a player."""
    return PlayerInfo(
        player_id=player.id,
        type=player.kind.value,
        subscribed_to=player.streamer.id if player.streamer else msgspec.UNSET,
        remote_address=player.origin.address or msgspec.UNSET,
    )


def streamer_info(streamer: Streamer) -> StreamerInfo:
    """Return what Wilbur tells of a streamer."""
    return StreamerInfo(
        streamer_id=streamer.id,
        type=streamer.kind.value,
        streaming=streamer.streaming,
        subscribers=[player_info(player) for player in streamer.subscribers.values()],
        remote_address=streamer.origin.address or msgspec.UNSET,
    )
