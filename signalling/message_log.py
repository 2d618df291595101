"""
Logs every message, for those who set `console_messages`.

The sessions know nothing of it: their table and link are wrapped, so that a
server that does not log messages does not pay for it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import orjson
import structlog

from signalling import messages
from signalling.disclosure import HIDDEN, redacted
from signalling.errors import CloseCode
from signalling.messages import Json
from signalling.options.logs import Detail
from signalling.registry import Link, Origin
from signalling.session import Session, Table

log = structlog.get_logger()

SessionT = TypeVar("SessionT", bound=Session)

Describe = Callable[[Json], Json]
"""Returns what of a message is logged."""


def _basic(message: Json) -> Json:
    return {"type": message["type"]}


def _shown(message: Json) -> Json:
    """Return *message* without secrets; whoever reads a signed `user` could be that user."""
    shown: Json = redacted(message)
    return {**shown, "user": HIDDEN} if "user" in shown else shown


def _verbose(message: Json) -> Json:
    return {"type": message["type"], "message": _shown(message)}


def _formatted(message: Json) -> Json:
    text = orjson.dumps(_shown(message), option=orjson.OPT_INDENT_2).decode()
    return {"type": message["type"], "message": text}


DESCRIPTIONS: Final[dict[Detail, Describe]] = {
    "basic": _basic,
    "verbose": _verbose,
    "formatted": _formatted,
}


class LoggedLink:
    """A link that logs what is sent over it."""

    __slots__ = ("_describe", "_link", "session")

    def __init__(self, link: Link, describe: Describe) -> None:
        self._link = link
        self._describe = describe
        self.session: Session | None = None
        """Whose it is; nothing is sent before that is known."""

    def send(self, payload: bytes) -> None:
        """See `Link`."""
        message = messages.parse(payload)
        log.info("message_sent", **_who(self.session), **self._describe(message))
        self._link.send(payload)

    def ping(self) -> None:
        """See `Link`."""
        self._link.ping()

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Link`."""
        self._link.close(code, reason)


def unlogged(link: Link) -> Link:
    """Return the link itself, whether it is logged or not."""
    return link._link if isinstance(link, LoggedLink) else link  # noqa: SLF001 - ours


def logged(
    new_session: Callable[[Link, Origin], SessionT], detail: Detail
) -> Callable[[Link, Origin], SessionT]:
    """Return *new_session*, with every message of its sessions logged in *detail*."""
    describe = DESCRIPTIONS[detail]

    def new_logged_session(link: Link, origin: Origin) -> SessionT:
        logged_link = LoggedLink(link, describe)
        session = new_session(logged_link, origin)
        session.table = _logged_table(session.table, describe)
        logged_link.session = session
        return session

    return new_logged_session


def _logged_table(table: Table, describe: Describe) -> Table:
    return Table(
        handled={name: _logged(one, describe) for name, one in table.handled.items()},
        forwarded={name: _logged(one, describe) for name, one in table.forwarded.items()},
        anytime=table.anytime,
    )


def _logged(action: Callable[..., Any], describe: Describe) -> Callable[..., Any]:
    def log_and_act(session: Session, message: Json, *raw: bytes) -> Any:
        log.info("message_received", **_who(session), **describe(message))
        return action(session, message, *raw)

    return log_and_act


def _who(session: Session | None) -> Json:
    return {} if session is None else {"role": session.role, "peer": session.id}
