"""
A player that outlives its socket. No I/O.

::

    Connection ── Attachment ──┐
      (broken)                 │ one at a time
    Connection ── Attachment ──┴── ResumableLink ── PlayerSession

The session sends by a link that numbers and keeps what it sent. A socket is
attached to it for as long as it lasts; when it breaks, the link waits for
another. Only players that came with `?resume=1` have any of this.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Protocol

import msgspec
import structlog

from signalling import messages
from signalling.access.identity import Credential, Grant
from signalling.errors import BadMessage, CloseCode, ProtocolError
from signalling.message_log import unlogged
from signalling.messages import Json
from signalling.options.resume import ResumeSettings
from signalling.registry import Link, Player
from signalling.resume_token import MAX_TOKEN_LENGTH, ResumeTokens
from signalling.session import Context, PlayerSession

HOLD_SECONDS: Final = 0.5
"""
How long a new socket may take to say `resume` before it is greeted as a new player.

A page sends its first message as soon as the socket is open, so this is what
a round trip may last; one that says it later is resumed all the same, but has
been sent a `config` that it does not need.
"""

log = structlog.get_logger()


class Resume(messages.Message, frozen=True):
    """A player goes on where its last socket broke."""

    wire_name: ClassVar[str] = "resume"
    token: Annotated[str, msgspec.Meta(max_length=MAX_TOKEN_LENGTH)]
    received: Annotated[int, msgspec.Meta(ge=0)]
    """Messages it received since `config`, that included, `resumed` not."""


class ResumeRefused(Exception):
    """There is nothing to go on with; *code* says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cancellable(Protocol):
    """What is to happen later, unless it is cancelled."""

    def cancel(self) -> None:
        """Let it not happen."""


Later = Callable[[float, Callable[[], None]], Cancellable]
"""Calls a function in so many seconds, as an event loop does."""


class Presence(Protocol):
    """Takes note of players that are away."""

    def __call__(self, player: Player, *, is_here: bool) -> None:
        """Note that the socket of *player* broke, or that it has another."""


def _nobody_asks(player: Player, *, is_here: bool) -> None:
    """Take no note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeLimits:
    """What players that may come back can cost."""

    grace: float
    """Seconds."""
    max_bytes: int
    max_messages: int
    max_waiting: int


class ResumableLink:
    """A `Link` that lasts longer than a socket, and knows what went over it."""

    __slots__ = (
        "_kept", "_kept_bytes", "_resumption", "_sent_before_break", "attachment", "ending",
        "key", "received", "sent", "session",
    )  # fmt: skip

    session: PlayerSession

    def __init__(self, resumption: "Resumption", key: str) -> None:
        self._resumption = resumption
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._sent_before_break = 0
        self.key = key
        self.attachment: Attachment | None = None
        """The socket it has now, if it has one."""
        self.sent = 0
        """Messages sent, from `config` on."""
        self.received = 0
        """Messages received, but for `resume`."""
        self.ending: tuple[CloseCode, str] | None = None
        """How it was closed; a player that was away then is told when it comes back."""

    # Link.

    def send(self, payload: bytes) -> None:
        """See `Link`; without a socket the message waits, within bounds."""
        if self.ending is not None:
            return
        self.sent += 1
        self._kept.append(payload)
        self._kept_bytes += len(payload)
        limits = self._resumption.limits
        if self._kept_bytes > limits.max_bytes or len(self._kept) > limits.max_messages:
            self._let_go_of_oldest(limits)
        if self.attachment is not None:
            self.attachment.link.send(payload)

    def ping(self) -> None:
        """See `Link`."""
        if self.attachment is not None:
            self.attachment.link.ping()

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Link`."""
        if self.ending is not None:
            return
        self.ending = (code, reason)
        self._kept.clear()
        if self.attachment is not None:
            self.attachment.link.close(code, reason)
        else:
            self._resumption.end_soon(self)

    def retire(self) -> None:
        """Let go of the session, which holds this as its link; nothing is sent any more."""
        self.ending = self.ending or (CloseCode.NORMAL, "")
        self._kept.clear()
        del self.session

    # What it remembers.

    def _let_go_of_oldest(self, limits: ResumeLimits) -> None:
        while self._kept_bytes > limits.max_bytes or len(self._kept) > limits.max_messages:
            self._kept_bytes -= len(self._kept.popleft())
        if self.attachment is None and self.sent - self._sent_before_break > len(self._kept):
            # What the player will certainly miss is gone: waiting for it is no use.
            self.close(CloseCode.OVERLOADED, "too much was missed")

    def missed_after(self, received: int) -> list[bytes] | None:
        """Return what came after message number *received*, None if it is not known."""
        missed = self.sent - received
        if not 0 <= missed <= len(self._kept):
            return None
        return list(self._kept)[len(self._kept) - missed :]

    def detach(self) -> None:
        """Take note that there is no socket any more."""
        self.attachment = None
        self._sent_before_break = self.sent


class Attachment:
    """
    One socket that may be attached to a link: what its connection serves.

    Its first message decides: a `resume` attaches it to the link it names,
    anything else, or nothing for `HOLD_SECONDS`, begins a new one.
    """

    __slots__ = (
        "_begin",
        "_hold",
        "_is_fresh",
        "_resumption",
        "grant",
        "line",
        "link",
        "received",
    )

    role: ClassVar[str] = "player"

    def __init__(
        self,
        resumption: "Resumption",
        socket: Link,
        begin: Callable[[Link], PlayerSession],
        *,
        grant: Grant,
    ) -> None:
        self._resumption = resumption
        self._begin = begin
        self._hold: Cancellable | None = None
        self._is_fresh = True
        self.link = socket
        self.grant = grant
        self.line: ResumableLink | None = None
        self.received = 0

    @property
    def context(self) -> Context:
        """What all players share."""
        return self._resumption.context

    @property
    def id(self) -> str:
        """The player's id, empty while there is none."""
        return "" if self.line is None else self.line.session.id

    def opened(self) -> None:
        """Wait a moment for a `resume`."""
        self._hold = self._resumption.later(HOLD_SECONDS, self._greet)

    def receive(self, raw: bytes) -> None:
        """Take one message; never raises."""
        self.received += 1
        if self._is_fresh:
            self._is_fresh = False
            if self._resumes(raw):
                return
            self._greet()
        if self.line is not None:
            self.line.received += 1
            self.line.session.receive(raw)

    def receive_binary(self, raw: bytes) -> None:
        """Take one message that came in a binary frame; never a `resume`."""
        self.received += 1
        self._is_fresh = False
        self._greet()
        if self.line is not None:
            self.line.received += 1
            self.line.session.receive_binary(raw)

    def _greet(self) -> None:
        """Begin a new link, unless there is one."""
        self._stop_holding()
        if self.line is None:
            self._resumption.begin(self, self._begin)

    def _stop_holding(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def _resumes(self, raw: bytes) -> bool:
        """Return whether *raw* was a `resume`; act on it if so."""
        try:
            message = messages.parse(raw)
        except ProtocolError:
            return False
        if message["type"] != Resume.wire_name:
            return False
        self._stop_holding()
        try:
            self._resumption.resume(self, messages.read(Resume, message))
        except BadMessage as exc:
            self._refuse("bad_message", exc.reason)
        except ResumeRefused as exc:
            self._refuse(exc.code, str(exc))
        return True

    def _refuse(self, code: str, message: str) -> None:
        self.context.metrics.resumption(code)
        log.info("resume_refused", reason=code)
        link = self.link if self.line is None else self.line
        link.send(error(code, message))
        self._greet()

    def probe(self) -> None:
        """Ask a silent peer whether it is there."""
        if self.line is not None:
            self.line.session.probe()
        else:
            self.link.ping()

    def fail(self, exc: Exception) -> None:
        """Close after a fault of ours."""
        if self.line is not None:
            self.line.session.fail(exc)
        else:
            self.link.close(CloseCode.INTERNAL, "internal error")

    def lost(self) -> None:
        """Take note that the socket was closed: so is what it was attached to."""
        self._stop_holding()
        if self.line is not None:
            self._resumption.end(self.line)

    def broken(self) -> None:
        """Take note that the socket broke: the player may come back with another."""
        self._stop_holding()
        if self.line is not None:
            self._resumption.wait_for(self.line)


class Resumption:
    """The links of one node's players that can resume, attached or waiting."""

    def __init__(
        self,
        *,
        context: Context,
        tokens: ResumeTokens,
        limits: ResumeLimits,
        later: Later,
    ) -> None:
        self.context = context
        self.limits = limits
        self.later = later
        self._tokens = tokens
        self.presence: Presence = _nobody_asks
        """Called when a player's socket broke, and when it has another."""
        self._links: dict[str, ResumableLink] = {}
        self._waiting: dict[ResumableLink, Cancellable] = {}

    def __len__(self) -> int:
        return len(self._links)

    @property
    def waiting(self) -> int:
        """How many players are away."""
        return len(self._waiting)

    def attach(
        self, socket: Link, begin: Callable[[Link], PlayerSession], *, grant: Grant
    ) -> Attachment:
        """Return what a connection with *socket* serves; *begin* makes a new session."""
        return Attachment(self, socket, begin, grant=grant)

    def begin(self, attachment: Attachment, begin: Callable[[Link], PlayerSession]) -> None:
        """Greet a new player and give it the token to come back with."""
        link = ResumableLink(self, secrets.token_urlsafe(16))
        link.session = begin(link)
        link.session.player.extended = True
        link.attachment, attachment.line = attachment, link
        self._links[link.key] = link
        link.session.opened()
        link.send(resume_token(self._tokens.sign(link.key), grace=self.limits.grace))

    def resume(self, attachment: Attachment, request: Resume) -> None:
        """
        Attach a socket to the link it names, and send what was missed.

        Raises:
            ResumeRefused: There is no such link any more, or too much was missed.

        """
        link = self._links.get(self._tokens.verify(request.token) or "")
        if link is not None and link is attachment.line:
            raise ResumeRefused("resume_late", "this connection is not broken")
        if link is None or not _same_user(attachment.grant, link.session.player.grant):
            raise ResumeRefused("resume_expired", "there is no such connection any more")
        if link.ending is not None:
            self._tell_ending(link, attachment)
            return
        missed = link.missed_after(request.received)
        if missed is None:
            link.close(CloseCode.RELEASED, "it came back without what it missed")
            raise ResumeRefused("resume_gap", "too many messages were missed")
        self._move(link, attachment)
        if attachment.grant.credential is Credential.JWT:
            # What its newest token says is what counts, as after a refresh.
            link.session.player.grant = attachment.grant
        attachment.link.send(resumed(link.received))
        for payload in missed:
            attachment.link.send(payload)
        self.presence(link.session.player, is_here=True)
        self.context.metrics.resumption("resumed")
        log.info("player_resumed", peer=link.session.id, missed=len(missed))

    def _tell_ending(self, link: ResumableLink, attachment: Attachment) -> None:
        code, reason = link.ending or (CloseCode.NORMAL, "")
        self.end(link)
        attachment.link.close(code, reason)

    def _move(self, link: ResumableLink, attachment: Attachment) -> None:
        self._stop_waiting(link)
        if attachment.line is not None:
            # It was greeted as somebody new before it could say who it is.
            self.end(attachment.line)
        former = link.attachment
        link.attachment, attachment.line = attachment, link
        if former is not None:
            former.line = None
            former.link.close(CloseCode.RELEASED, "taken over by a newer connection")

    def wait_for(self, link: ResumableLink) -> None:
        """Keep *link*, whose socket broke, for the grace time if there is room."""
        link.detach()
        if link.ending is not None or len(self._waiting) >= self.limits.max_waiting:
            self.end(link)
            return
        log.info("player_away", peer=link.session.id)
        self._waiting[link] = self.later(self.limits.grace, lambda: self._expire(link))
        self.presence(link.session.player, is_here=False)

    def _expire(self, link: ResumableLink) -> None:
        if link.ending is None:
            self.context.metrics.resumption("expired")
            log.info("player_not_back", peer=link.session.id)
        self.end(link)

    def end_soon(self, link: ResumableLink) -> None:
        """End the session of *link*, which was closed while away, after the current step."""
        self.later(0, link.session.lost)

    def end(self, link: ResumableLink) -> None:
        """Forget *link*: its player has left. Twice does no harm."""
        if self._links.pop(link.key, None) is None:
            return
        self._stop_waiting(link)
        if link.attachment is not None:
            link.attachment.line = None
        link.detach()
        link.session.lost()
        link.retire()

    def _stop_waiting(self, link: ResumableLink) -> None:
        timer = self._waiting.pop(link, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """End whatever waits: the server stops."""
        for link in list(self._waiting):
            self.end(link)


def _same_user(newcomer: Grant, former: Grant) -> bool:
    """Return whether a token is not brought by somebody else; only a JWT names anybody."""
    if Credential.JWT not in {newcomer.credential, former.credential}:
        return True
    return newcomer.user == former.user


def socket_of(link: Link) -> Link:
    """Return the link of the socket that *link* has now: itself, unless it can be resumed."""
    link = unlogged(link)
    if isinstance(link, ResumableLink) and link.attachment is not None:
        return link.attachment.link
    return link


def refuse_late(session: PlayerSession, _message: Json) -> None:
    """Refuse a `resume` that is not the first message, or came without `?resume=1`."""
    session.player.extended = True
    session.link.send(error("resume_late", "resume is the first message, after ?resume=1"))


def resume_token(token: str, *, grace: float) -> bytes:
    """Tell a player how to come back, and how many seconds after a break it may."""
    return messages.encode("resumeToken", {"token": token, "graceSeconds": grace})


def resumed(received: int) -> bytes:
    """Tell a player that it goes on, and how many of its messages came."""
    return messages.encode("resumed", {"received": received})


def error(code: str, message: str) -> bytes:
    """Tell a player why its `resume` is of no use."""
    fields = {"code": code, "message": message, "of": Resume.wire_name}
    return messages.encode("error", fields)


def resumption_from(options: ResumeSettings, *, context: Context, secret: str) -> Resumption:
    """Return the table that *options* ask for; *secret* is the cluster's session secret."""
    return Resumption(
        context=context,
        tokens=ResumeTokens(secret.encode()),
        limits=ResumeLimits(
            grace=options.resume_grace,
            max_bytes=options.resume_buffer_bytes,
            max_messages=options.resume_buffer_messages,
            max_waiting=options.max_resuming_players,
        ),
        # The server may be made before the event loop runs.
        later=lambda seconds, act: asyncio.get_running_loop().call_later(seconds, act),
    )
