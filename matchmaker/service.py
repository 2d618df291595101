"""The matchmaker as the signalling server sees it: one object, one task of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from matchmaker.addresses import SessionAddresses
from matchmaker.clock import Clock
from matchmaker.errors import BadTokenError, RefusedError, StateUnavailableError
from matchmaker.events import Sink
from matchmaker.instances import Instances
from matchmaker.mirror import RedisMirror
from matchmaker.model import (
    HOLDS_PLACE,
    Change,
    ChangeKind,
    EndReason,
    HostPatch,
    InstanceSpec,
    Session,
    SessionRequest,
    SessionState,
)
from matchmaker.notify import Holder, Holders, Notifier
from matchmaker.owed import Owed
from matchmaker.provisioner import NoProvisioner, Provisioner
from matchmaker.records import BATCH, Recorder
from matchmaker.recovery import Recovery
from matchmaker.requests import checked_demand, draw, new_session_id
from matchmaker.settings import MatchmakerSettings
from matchmaker.standings import Standing
from matchmaker.store import MatchStore
from matchmaker.tasks import is_stopping, stop
from matchmaker.tokens import SessionTokens
from matchmaker.waiting_room import WaitingRoom
from matchmaker.webhooks import Webhooks
from stores.documents import DocumentStore

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 0.5
"""How late a deadline may be noticed."""

PORTION: Final = 128
"""Deadlines handled in one change, so that none keeps others waiting for long."""

MAX_PORTIONS: Final = 64
"""Portions in one tick; what is left waits for the next."""

MAX_RECYCLING: Final = 64
"""Provisioner calls at a time; later ones wait for the operator."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request led to."""

    session: Session
    url: str
    issue: Callable[[Session], str]
    """Makes the session's token; who was told of a place on a socket has one already."""
    standing: Standing | None = None
    """Its place, while it waits."""
    eta_seconds: float | None = None

    @property
    def token(self) -> str:
        """A token that claims the session, good from now on for as long as it can last."""
        return self.issue(self.session)


class Matchmaker:
    """Gives every user one instance; see docs/matchmaker.md for the life of a session."""

    def __init__(
        self,
        settings: MatchmakerSettings,
        *,
        store: MatchStore,
        clock: Clock,
        tokens: SessionTokens,
        documents: DocumentStore | None = None,
        provisioner: Provisioner | None = None,
        mirror: RedisMirror | None = None,
        new_id: Callable[[], str] = new_session_id,
        node_name: str = "",
    ) -> None:
        """
        Join the parts.

        *node_name* tells this node from others on the same store, also after a
        restart: its sockets get places on its own streamers. Empty when it is alone.
        """
        self.settings = settings
        self.store = store
        self._node_name = node_name
        self.addresses = SessionAddresses(settings.session_address)
        self.recorder = Recorder(store, documents)
        self.degraded = False
        """Whether the live state could not be reached lately."""
        self._clock = clock
        self._tokens = tokens
        self._new_id = new_id
        self._mirror = mirror
        self._provisioner = provisioner or NoProvisioner()
        self._webhooks = Webhooks(settings.webhook_urls, settings.webhook_secret, clock=clock)
        self._holders = Holders(store.node)
        self._notifier = Notifier(
            self._holders,
            now=clock.now,
            token=self.token,
            url=self.addresses.of,
            idle=settings.session_idle_timeout,
        )
        self._room = WaitingRoom(
            store,
            self._holders,
            self._notifier,
            now=clock.now,
            interval=settings.queue_push_interval,
            rate=settings.queue_push_rate,
        )
        self._instances = Instances()
        self._owed = Owed(clock.now)
        self._touched: set[str] = set()
        self._recovery = Recovery(
            self._instances,
            self._holders,
            self._notifier,
            self._room,
            now=clock.now,
            node_name=node_name,
        )
        self._heard_at = 0.0
        """When the state last heard of this node; before its first tick nothing."""
        self._task: asyncio.Task[None] | None = None
        self._recycling: set[asyncio.Task[None]] = set()
        store.listen(self._on_changes, self._recovery.note)

    async def start(self) -> None:
        """Connect to the state and begin to watch the time."""
        await self.store.start()
        await self._webhooks.start()
        if self._mirror is not None:
            await self._mirror.start()
        await self._pass_time(self._clock.now())
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """
        Stop without ending anything.

        With Redis, sessions and waiters stay: other nodes, or this one after
        a restart, go on with them when the lease of this node has passed.
        """
        await stop(self._task)
        for task in self._recycling:
            task.cancel()
        await self._last_records()
        if self._mirror is not None:
            await self._mirror.close()
        await self._webhooks.close()
        await self.store.close()

    # Streamers

    async def streamer_joined(
        self,
        streamer_id: str,
        *,
        host: str,
        region: str = "",
        application: str = "",
        version: str = "",
        profile: str = "",
        capacity: int = 1,
        address: str = "",
        labels: Mapping[str, str] | None = None,
        host_capacity: int = 0,
    ) -> None:
        """
        Offer a streamer of this node; joined again it keeps its sessions.

        *host_capacity* 0 leaves the host's capacity at its own or the default.
        """
        spec = InstanceSpec(
            id=streamer_id,
            host=host,
            region=region,
            application=application or "default",
            version=version,
            profile=profile,
            capacity=max(1, capacity),
            address=address,
            labels=dict(labels or {}),
            host_capacity=host_capacity,
            node_name=self._node_name,
        )
        self._instances.add(spec)
        await self._owed.make(lambda now: self.store.put_instance(spec, now=now))

    async def streamer_left(self, streamer_id: str) -> None:
        """Take a streamer of this node out; its users go to the head of the queue."""
        self._instances.discard(streamer_id)
        await self._owed.make(lambda now: self.store.remove_instance(streamer_id, now=now))

    async def report_host(self, host_id: str, patch: HostPatch) -> bool:
        """Note what is known of a host: drain, health, GPU load, capacity."""
        return await self.store.patch_host(host_id, patch, now=self._clock.now())

    # Users

    async def request(
        self,
        user: str,
        *,
        application: str = "",
        region: str = "",
        requirements: Mapping[str, str] | None = None,
        client_token: str = "",
        priority: int | None = None,
        max_duration: float = 0.0,
        sink: Sink | None = None,
    ) -> Outcome:
        """
        Ask for a place for *user*, whose identity is proven.

        *priority* None is the default class, *max_duration* 0 the default duration.
        With a *sink* everything that follows is also told there, the outcome
        included; without one the user polls.

        Raises:
            RefusedError: With one of the codes of `errors.REFUSALS`.
            StateUnavailableError: The state cannot be reached.

        """
        demand = checked_demand(application, region, requirements, client_token)
        holder = self._holders.of(sink) if sink is not None else None
        request = SessionRequest(
            id=self._new_id(),
            user=user,
            demand=demand.at(self._node_name) if holder and self._node_name else demand,
            priority=self._class(priority),
            client_token=client_token,
            holder=holder.name if holder else "",
            max_duration=max_duration,
            canary=draw(user),
        )
        return await self._ask(request, holder)

    def _class(self, priority: int | None) -> int:
        asked = self.settings.priority_default if priority is None else priority
        return min(max(asked, 0), self.settings.priority_classes - 1)

    async def _ask(self, request: SessionRequest, holder: Holder | None) -> Outcome:
        try:
            answer = await self.store.request(request, now=self._clock.now())
        except StateUnavailableError:
            self._drop_unused(holder)
            raise
        if answer.session is None:
            self._drop_unused(holder)
            raise RefusedError(answer.code)
        session = answer.session
        return self._told(session, self._room.arrival(session, answer.ahead + 1), holder)

    def _drop_unused(self, holder: Holder | None) -> None:
        if holder is not None and holder.session is None:
            self._holders.drop(holder)

    def _told(self, session: Session, standing: Standing, holder: Holder | None) -> Outcome:
        """Tell a holder that still is one, and return the same."""
        if holder is None or self._holders.named(holder.name) is not holder:
            return self._outcome(session, standing)
        if not session.live:
            holder.session = session
            self._notifier.end(holder, session.reason)
        else:
            self._notifier.tell_state(holder, session)
            self._notifier.tell_place(session.id, standing, self._room.eta)
        return self._outcome(session, standing)

    def _outcome(self, session: Session, standing: Standing) -> Outcome:
        url = self.addresses.of(session)
        if session.state is not SessionState.QUEUED:
            return Outcome(session, url, self.token)
        return Outcome(session, url, self.token, standing, self._room.eta(standing))

    async def poll(self, session_id: str) -> Outcome:
        """
        Read a session for a user without a socket, who thereby stays in the queue.

        Raises:
            RefusedError: `not_found`.
            StateUnavailableError: The state cannot be reached.

        """
        session = await self.store.poll(session_id, now=self._clock.now())
        if session is None:
            raise RefusedError("not_found")
        return self._outcome(session, await self._room.standing(session))

    async def resume(self, token: str, sink: Sink) -> Outcome:
        """
        Move the session of *token* to *sink*, which is told how it stands.

        Raises:
            BadTokenError: The token is not good.
            RefusedError: `session_ended`.
            StateUnavailableError: The state cannot be reached.

        """
        claim = self._tokens.read(token)
        holder = self._holders.of(sink)
        session = await self.store.attach(
            claim.session_id,
            holder=holder.name,
            node=self._node_name,
            now=self._clock.now(),
        )
        if session is None:
            self._drop_unused(holder)
            raise RefusedError("session_ended")
        return self._told(session, await self._room.standing(session), holder)

    async def find(self, *, user: str = "", token: str = "") -> Session | None:
        """Return the live session that a token claims, else the user's own."""
        session = None
        if token:
            try:
                session = await self.store.session(self._tokens.read(token).session_id)
            except BadTokenError:
                return None
        elif user:
            session = await self.store.session_of(user)
        return session if session is not None and session.live else None

    async def resolve(self, *, user: str = "", token: str = "") -> str | None:
        """Return the streamer that the alias means for a user or a session token."""
        session = await self.find(user=user, token=token)
        placed = session is not None and session.state in HOLDS_PLACE
        return session.instance if session is not None and placed else None

    async def may_subscribe(self, streamer_id: str, *, user: str = "", token: str = "") -> bool:
        """Tell whether a place on *streamer_id* is reserved for the user or token."""
        return await self.resolve(user=user, token=token) == streamer_id

    async def subscribed(self, session_id: str, player_id: str) -> Session | None:
        """Note that the user watches; None when the session holds no place any more."""
        return await self.store.activate(session_id, player_id=player_id, now=self._clock.now())

    async def unsubscribed(self, session_id: str, sink: Sink | None = None) -> None:
        """Note that the stream ended while the socket stays: the grace time begins."""
        await self._detach(session_id, sink, gone=False)

    async def lost(self, session_id: str, sink: Sink | None = None) -> None:
        """
        Note that the socket is gone: waiters leave, others have the grace time.

        Not to be called for sockets that this server closes because it restarts.
        """
        await self._detach(session_id, sink, gone=True)

    async def _detach(self, session_id: str, sink: Sink | None, *, gone: bool) -> None:
        holder = self._holders.find(sink) if sink is not None else None
        name = holder.name if holder else ""
        if gone and holder is not None:
            self._holders.drop(holder)
        if sink is None or holder is not None:
            await self._owed.make(
                lambda now: self.store.detach(session_id, holder=name, gone=gone, now=now)
            )

    def touch(self, session_id: str) -> None:
        """Note input of the user; many calls cost one change."""
        self._touched.add(session_id)

    async def release(self, session_id: str) -> bool:
        """End a session for its user; False if there was none."""
        return await self.end_session(session_id, EndReason.RELEASED)

    async def end_session(
        self, session_id: str, reason: EndReason = EndReason.OPERATOR
    ) -> bool:
        """End a session; False if there was none."""
        ended = await self.store.end(session_id, reason=reason, now=self._clock.now())
        holder = self._holders.named(ended.holder) if ended else None
        if holder is not None:
            self._notifier.end(holder, reason)
        return ended is not None

    def token(self, session: Session) -> str:
        """Return a token that claims *session* for as long as it can last."""
        settings = self.settings
        waits = settings.session_reservation + settings.session_grace
        return self._tokens.issue(session, lifetime=session.max_duration + waits + 3600)

    def eta(self, demand: Mapping[str, str], position: int) -> float | None:
        """Return the seconds until a place in a line is served; None if unknown."""
        return self._room.estimates.eta(demand, position, self._clock.now())

    def session_at(self, host_header: str) -> str | None:
        """Return the id of the session whose own address a Host header names."""
        return self.addresses.session_id(host_header)

    # Changes

    def _on_changes(self, changes: Sequence[Change]) -> None:
        self._notifier.on_changes(changes)
        self._room.on_changes(changes)
        self._instances.on_changes(changes)
        for change in changes:
            if change.node == self.store.node:
                self._tell_outside(change)
            elif (
                change.kind is ChangeKind.INSTANCE_JOINED and change.subject in self._instances
            ):
                log.warning("streamer_id_of_another_node", streamer=change.subject)

    def _tell_outside(self, change: Change) -> None:
        self._webhooks.tell(change)
        if self._mirror is not None:
            self._mirror.tell(change)
        if change.kind is ChangeKind.RECYCLE and len(self._recycling) < MAX_RECYCLING:
            task = asyncio.create_task(self._recycle(change.subject))
            self._recycling.add(task)
            task.add_done_callback(self._recycling.discard)

    async def _recycle(self, instance_id: str) -> None:
        try:
            await self._provisioner.recycle(instance_id)
        except Exception:
            log.exception("recycle_failed", instance=instance_id)

    # Time

    async def _watch(self) -> None:
        while not is_stopping():
            try:
                await self.tick()
                self._note_degraded(None)
            except StateUnavailableError as error:
                self._note_degraded(error)
            except Exception:
                log.exception("matchmaker_tick_failed")
            await self._clock.sleep(TICK_SECONDS)

    async def tick(self) -> None:
        """Do what is due now; the service's own task calls this."""
        await self._owed.settle()
        now = self._clock.now()
        touched, self._touched = self._touched, set()
        if touched:
            await self.store.touch(list(touched), now=now)
        if not await self._pass_time(now):
            self._recovery.note()
        await self._recovery.catch_up(self.store)
        await self._room.push()
        await self._drain_records()

    async def _pass_time(self, now: float) -> bool:
        """Handle what is due, in portions; returns whether the store knew this node."""
        pardon = now - self._heard_at > self.settings.node_lease / 2
        known = True
        for _ in range(MAX_PORTIONS):
            ticked = await self.store.tick(now=now, limit=PORTION, pardon=pardon)
            known = known and ticked.known
            if ticked.due < PORTION:
                break
        self._heard_at = now
        return known

    async def _drain_records(self) -> None:
        for _ in range(MAX_PORTIONS):
            if await self.recorder.drain() < BATCH:
                break

    def _note_degraded(self, error: Exception | None) -> None:
        if error is not None and not self.degraded:
            log.error("match_state_unavailable", error=str(error))
        if error is None and self.degraded:
            log.info("match_state_available")
        self.degraded = error is not None

    async def _last_records(self) -> None:
        try:
            await self._drain_records()
        except StateUnavailableError as error:
            log.warning("session_records_left", error=str(error))
