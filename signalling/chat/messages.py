"""The consultant's messages: a player asks, cancels, reads back and judges answers."""

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import msgspec
import structlog

from signalling import messages
from signalling.access.identity import Users
from signalling.access.limits import Limits
from signalling.chat.consulting import Consultant
from signalling.chat.metrics import ChatMetrics
from signalling.errors import BadMessage
from signalling.messages import Json
from signalling.registry import Player
from signalling.runner import Tasks
from signalling.session import Handler, PlayerSession
from stores.documents import StoreError

if TYPE_CHECKING:
    from rag.consultant.answering import Send
    from rag.consultant.events import Event
    from rag.consultant.hearing import Question

MAX_PENDING: Final = 4
"""Requests of one player for history or feedback that may be worked on."""

TOO_MANY: Final = "Too many questions from your network: try again in a minute."

RETRY_SECONDS: Final = 5.0
"""In which an address that may ask 300 a minute earns some two dozen questions."""

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=4_000)]
Word = Annotated[str, msgspec.Meta(max_length=64)]
Token = Annotated[str, msgspec.Meta(max_length=512)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{3}$")]
Amount = Annotated[str, msgspec.Meta(max_length=32)] | int

log = structlog.get_logger()


class Chatted(messages.Message, frozen=True, kw_only=True):
    """What all of them may carry."""

    user: Token | None = None
    """The signed id of an anonymous user, as the cookie holds it."""
    user_id: messages.Id | None = None
    """Counts only together with the admin token."""


class Ask(Chatted, frozen=True):
    """A visitor asks the consultant."""

    wire_name: ClassVar[str] = "chat"
    id: Key
    text: Text
    budget: Amount | None = None
    currency: Currency | None = None
    style: Word | None = None
    locale: Word | None = None


class Cancel(Chatted, frozen=True):
    """A visitor has read enough."""

    wire_name: ClassVar[str] = "chatCancel"
    id: Key


class ReadBack(Chatted, frozen=True):
    """A visitor's page wants what was said before."""

    wire_name: ClassVar[str] = "chatHistory"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


class Judge(Chatted, frozen=True):
    """A thumb, for one product or for an answer."""

    wire_name: ClassVar[str] = "chatFeedback"
    id: Key
    helpful: bool
    product_id: messages.Id | None = None


Overhear = Callable[[Player, str, Json], bool]
"""
Told of a question and of each event of its answer; returns whether the event is taken
care of, so that who asked is not sent it.
"""

Act = Callable[[Consultant, PlayerSession, str, Any], Coroutine[Any, Any, None] | None]


class ChatMessages:
    """
    Handlers of these messages; `table` lists them.

    None of them waits: an answer is a task of the consultant's, whatever reads the store
    one of ours. *chat* returns None while the catalogue is still being loaded.
    """

    def __init__(
        self,
        chat: Callable[[], Consultant | None],
        *,
        users: Users,
        limits: Limits,
        currency: str,
        metrics: ChatMetrics,
    ) -> None:
        self._chat = chat
        self._metrics = metrics
        self._users = users
        self._limits = limits
        self._currency = currency
        self._tasks = Tasks()
        self._pending: Counter[str] = Counter()
        self.overhear: Overhear = lambda _player, _wire_name, _fields: False
        """Lets others take part; set by whoever knows who is together."""

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by message type."""
        return {
            Ask.wire_name: self._handler(Ask, self._ask),
            Cancel.wire_name: self._handler(Cancel, _cancel),
            ReadBack.wire_name: self._handler(ReadBack, _read_back),
            Judge.wire_name: self._handler(Judge, self._judge),
        }

    async def close(self) -> None:
        """End what is still worked on."""
        await self._tasks.close()

    def _handler(self, kind: type[Chatted], act: Act) -> Handler:
        def handle(session: PlayerSession, message: Json) -> None:
            asked = _read(session, kind, message)
            if asked is None:
                return
            chat = self._chat()
            if chat is None:
                self._metrics.refused("starting")
                _refuse(session, asked, "starting", "The catalogue is being loaded.", 2.0)
                return
            user = self._users.of(session.player.grant, user=asked.user, user_id=asked.user_id)
            waiting = act(chat, session, user, asked)
            if waiting is not None:
                self._run(session, kind, waiting)

        return handle

    def _run(
        self, session: PlayerSession, kind: type[Chatted], work: Coroutine[Any, Any, None]
    ) -> None:
        player = session.player.id
        if self._pending[player] >= MAX_PENDING:
            work.close()
            _complain(session, kind, "too_many", "earlier messages are still worked on")
            return
        self._pending[player] += 1
        self._tasks(work, lambda error: self._ended(session, kind, error))

    def _ended(
        self, session: PlayerSession, kind: type[Chatted], error: BaseException | None
    ) -> None:
        self._pending[session.player.id] -= 1
        if not self._pending[session.player.id]:
            del self._pending[session.player.id]
        if isinstance(error, StoreError):
            _complain(session, kind, "unavailable", "The store does not answer.")
        elif isinstance(error, Exception):
            log.error("chat_message_failed", type=kind.wire_name, exc_info=error)
            _complain(session, kind, "internal", "Something went wrong here.")

    def _ask(self, chat: Consultant, session: PlayerSession, user: str, asked: Ask) -> None:
        try:
            question = question_of(asked, self._currency)
        except ValueError as exc:
            _complain(session, Ask, "bad_message", f"chat: budget {exc}")
            return
        player = session.player
        if not player.grant.is_admin and not self._limits.may_ask(player.origin.address):
            self._metrics.refused("rate_limited")
            _refuse(session, asked, "rate_limited", TOO_MANY, RETRY_SECONDS)
            return
        passing = self._passing(session, asked)
        chat.start(user, question, self._metrics.observing(passing))

    def _passing(self, session: PlayerSession, asked: Ask) -> "Send":
        """Return what passes events on; who listens hears the question before its answer."""
        begun = False

        def pass_on(event: "Event") -> None:
            nonlocal begun
            if not begun and event.wire_name != "chatError":
                begun = True
                question = {"id": asked.id, "text": asked.text}
                self.overhear(session.player, Ask.wire_name, question)
            self._send(session, event)

        return pass_on

    def _send(self, session: PlayerSession, event: "Event") -> None:
        fields = event.fields()
        if not self.overhear(session.player, event.wire_name, fields):
            # The player outlives its socket: a resumed one gets the rest.
            session.player.link.send(messages.encode(event.wire_name, fields))

    async def _judge(
        self, chat: Consultant, session: PlayerSession, user: str, asked: Judge
    ) -> None:
        known = await chat.feedback(
            user, asked.id, product_id=asked.product_id, helpful=asked.helpful
        )
        if known:
            self._metrics.thumb(helpful=asked.helpful)
        else:
            _complain(session, Judge, "not_found", "That was not recommended to you.")


def question_of(asked: Ask, default_currency: str) -> "Question":
    """Return what the consultant takes; raises ValueError for a budget that is none."""
    from rag.consultant.hearing import Question  # noqa: PLC0415 - brought by an extra
    from rag.money import Money, amount_of  # noqa: PLC0415 - brought by an extra

    budget = None
    if asked.budget not in {None, ""}:
        currency = (asked.currency or default_currency).upper()
        budget = Money(amount_of(asked.budget), currency)
    return Question(
        id=asked.id,
        text=asked.text,
        budget=budget,
        style=asked.style or "",
        locale=asked.locale or "",
    )


def _cancel(chat: Consultant, session: PlayerSession, user: str, asked: Cancel) -> None:
    """End the answer; one that has ended already was told so by its own `chatDone`."""
    if not chat.cancel(user, asked.id):
        session.drop("nothing_to_cancel")


async def _read_back(
    chat: Consultant, session: PlayerSession, user: str, asked: ReadBack
) -> None:
    said = await chat.history(user, asked.limit)
    session.player.link.send(messages.encode("chatHistory", {"messages": said}))


def _refuse(
    session: PlayerSession, asked: Chatted, code: str, message: str, retry_after: float | None
) -> None:
    fields: Json = {"id": getattr(asked, "id", ""), "code": code, "message": message}
    if retry_after is not None:
        fields["retryAfter"] = retry_after
    session.player.link.send(messages.encode("chatError", fields))


def _read(session: PlayerSession, kind: type[Chatted], message: Json) -> Any:
    """Return *message*, or None after saying why it is unusable; the socket stays open."""
    session.player.extended = True
    try:
        return messages.read(kind, message)
    except BadMessage as exc:
        session.drop("BadMessage", type=kind.wire_name)
        _complain(session, kind, "bad_message", exc.reason)
        return None


def _complain(session: PlayerSession, kind: type[Chatted], code: str, message: str) -> None:
    fields = {"code": code, "message": message, "of": kind.wire_name}
    session.player.link.send(messages.encode("error", fields))


# Where the server has no catalogue.


def _not_offered(kind: type[Chatted]) -> Handler:
    def handle(session: PlayerSession, message: Json) -> None:
        asked = _read(session, kind, message)
        if asked is not None:
            _refuse(session, asked, "not_offered", "This server has no consultant.", None)

    return handle


NOT_OFFERED: Final[Mapping[str, Handler]] = {
    kind.wire_name: _not_offered(kind) for kind in (Ask, Cancel, ReadBack, Judge)
}
