"""The conversations of those who are watched: UE instances, and SFUs that relay them."""

from collections.abc import Coroutine
from typing import Any, ClassVar, NoReturn

import structlog

from signalling import dialect as dialects
from signalling import messages
from signalling.dialect import Dialect
from signalling.errors import BadMessage, CloseCode, Flood, ProtocolError
from signalling.registry import Kind, Link, Origin, Player, Streamer, drop_subscribers
from signalling.session import Context, Phase, Session, Table, config_for

log = structlog.get_logger()


class StreamerSession(Session):
    """A UE instance that has something to show."""

    __slots__ = ("streamer",)

    role: ClassVar[str] = "streamer"
    kind: ClassVar[Kind] = Kind.STREAMER

    def __init__(self, context: Context, *, link: Link, origin: Origin, table: Table) -> None:
        super().__init__(context, link=link, origin=origin, table=table)
        self.streamer = Streamer(
            link=link, dialect=context.dialect, origin=origin, kind=self.kind
        )

    @property
    def id(self) -> str:
        """The streamer's id, empty until it has one."""
        return self.streamer.id

    def opened(self) -> None:
        """See `Session`."""
        dialect = self.streamer.dialect
        config = config_for(self.context, self.context.player_ids(), dialect)
        greetings = [messages.IDENTIFY, config]
        for greeting in greetings if dialect.identifies_first else reversed(greetings):
            self.link.send(greeting)

    def settle(self, dialect: Dialect) -> None:
        """Speak *dialect* from now on."""
        self.streamer.dialect = dialect

    def refuse(self, error: ProtocolError) -> None:
        """See `Session`: closing would cut the viewers, so only a flood does."""
        if isinstance(error, Flood):
            self.close(error.code, error.reason)
            return
        self.drop(type(error).__name__, detail=error.reason)

    def identify_late(self) -> None:
        """Give a legacy streamer, which never says its name, one of the server's."""
        if not self.streamer.id and self.phase is Phase.OPEN and not self._busy:
            self.settle(dialects.of_silent(self.streamer.dialect))
            default = self.context.default_streamer_id
            self.wait_for(self.rename(self.streamer.origin.grant.name_for_silent(default)))

    def refuse_silent(self) -> None:
        """Close a streamer that has not said its name in time."""
        if not self.streamer.id and self.phase is Phase.OPEN and not self._busy:
            self.close(CloseCode.BAD_MESSAGE, "no endpointId in time")

    async def rename(self, wanted: str) -> None:
        """Call the streamer *wanted*, or that with a number; tell who must know."""
        streamer = self.streamer
        if not streamer.origin.grant.may_be_called(wanted):
            self._refuse_name()
        if wanted != streamer.wanted_id or not streamer.id:
            await self._take_name(wanted)
        if self.phase is not Phase.LOST:
            self.named()

    def named(self) -> None:
        """Act on having a name: a streamer that has one can be watched."""
        self.start_streaming()

    def _refuse_name(self) -> NoReturn:
        """Drop the wish; a streamer without any id is of no use to anybody, and closed."""
        reason = "the token does not allow this id"
        if not self.streamer.id:
            self.close(CloseCode.BAD_MESSAGE, reason)
        raise BadMessage(reason)

    async def _take_name(self, wanted: str) -> None:
        context, streamer = self.context, self.streamer
        former = streamer.id
        await self._take_over(wanted)
        committed = await context.directory.claim(wanted)
        if self.phase is Phase.LOST:
            await context.directory.release(committed)
            return
        streamer.wanted_id = wanted
        context.registry.name(streamer, committed)
        log.info("streamer_named", streamer=committed, former=former or None)
        if former:
            await context.directory.release(former)
            for player in streamer.subscribers.values():
                player.link.send(player.dialect.renamed(committed))

    async def _take_over(self, wanted: str) -> None:
        """Take a name from a socket of the same holder that no longer answers."""
        old = self.context.registry.streamers.get(wanted)
        if old is None or old.kind is not self.kind or not self.context.is_silent(old.link):
            return
        grant = self.streamer.origin.grant
        if old is self.streamer or not grant.is_same_holder(old.origin.grant):
            return
        log.info("streamer_taken_over", streamer=wanted)
        drop_subscribers(old)
        self.context.registry.remove_streamer(old)
        # The old session must not give back what is no longer its own.
        old.id = ""
        await self.context.directory.release(wanted)
        old.link.close(CloseCode.RELEASED, "taken over by a newer connection")

    def start_streaming(self) -> None:
        """Offer the streamer to players."""
        self.streamer.streaming = True
        self.context.registry.changed()

    def stop_streaming(self) -> None:
        """Offer the streamer no longer; its players lose their picture."""
        self.streamer.streaming = False
        drop_subscribers(self.streamer)

    def forget(self) -> Coroutine[Any, Any, None] | None:
        """See `Session`."""
        streamer = self.streamer
        self.stop_streaming()
        self.context.registry.remove_streamer(streamer)
        return self.context.directory.release(streamer.id) if streamer.id else None


class SfuSession(StreamerSession):
    """A relay: a streamer towards its players, a player towards its streamer."""

    __slots__ = ("is_led", "player")

    role: ClassVar[str] = "sfu"
    kind: ClassVar[Kind] = Kind.SFU

    def __init__(self, context: Context, *, link: Link, origin: Origin, table: Table) -> None:
        super().__init__(context, link=link, origin=origin, table=table)
        self.player = Player(
            context.player_ids(),
            link=link,
            dialect=context.dialect,
            origin=origin,
            kind=Kind.SFU,
        )
        self.is_led = False
        """Whether it asks for nothing and is given what it relays, as before UE 5.2."""
        self.player.serves = self.streamer
        self.streamer.upstream = self.player

    @property
    def watches(self) -> Streamer | None:
        """See `Session`."""
        return self.player.streamer

    def opened(self) -> None:
        """See `Session`."""
        self.context.registry.add_player(self.player)
        super().opened()

    def settle(self, dialect: Dialect) -> None:
        """See `StreamerSession`: both halves speak the same."""
        super().settle(dialect)
        self.player.dialect = dialect

    def named(self) -> None:
        """See `StreamerSession`: an SFU is offered only once it says that it streams."""
        self.is_led = False

    def forget(self) -> Coroutine[Any, Any, None]:
        """See `Session`: it leaves both its players and its streamer."""
        self.context.registry.remove_player(self.player)
        return self._give_back(super().forget())

    async def _give_back(self, name: Coroutine[Any, Any, None] | None) -> None:
        await self.context.admission.left(self.player)
        if name is not None:
            await name
