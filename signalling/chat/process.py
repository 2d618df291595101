"""
The consultant in a process of its own, so that signalling never waits for it.

Embedding, searching and reading a model's stream take the interpreter for milliseconds
at a time; in this process every forwarded message would wait for that (decision 0250).
"""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from signalling.chat.frames import Message, frame, receive
from signalling.logs import LEVELS
from stores.documents import StoreError

if TYPE_CHECKING:
    from rag.consultant.answering import Send
    from rag.consultant.hearing import Question
    from signalling.settings import ServeSettings

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Seconds before a consultant that ended is started again; each time twice as long."""

STEADY_SECONDS: Final = 60.0
"""One that lived as long is started again at once."""

END_SECONDS: Final = 5.0
"""How long it may take to end before it is killed."""

MAX_CALLS: Final = 256
"""Calls that may wait for an answer of the consultant."""

LAST: Final = frozenset({"chatDone", "chatError"})

log = structlog.get_logger()


class ConsultantError(StoreError):
    """The consultant cannot answer now."""


@dataclass(frozen=True, slots=True)
class _Asked:
    user: str
    question: str
    send: "Send"


class RemoteConsultant:
    """One process's consultant; see `Consultant`. *write* takes frames for it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._numbers = itertools.count()
        self._asked: dict[int, _Asked] = {}
        self._calls: dict[int, asyncio.Future[Any]] = {}

    def __len__(self) -> int:
        """See `Consultant`; questions that will be refused count until they are."""
        return len(self._asked)

    def start(self, user: str, question: "Question", send: "Send") -> None:
        """See `Consultant`."""
        number = next(self._numbers)
        self._asked[number] = _Asked(user, question.id, send)
        self._tell("start", number, user, question)

    def cancel(self, user: str, question_id: str) -> bool:
        """See `Consultant`."""
        for number, asked in self._asked.items():
            if (asked.user, asked.question) == (user, question_id):
                self._tell("cancel", number)
                return True
        return False

    async def history(self, user: str, limit: int) -> orjson.Fragment:
        """See `Consultant`."""
        return orjson.Fragment(await self._call("history", user, limit))

    async def feedback(
        self, user: str, question_id: str, *, product_id: str | None, helpful: bool
    ) -> bool:
        """See `Consultant`."""
        options = {"product_id": product_id, "helpful": helpful}
        return bool(await self._call("feedback", user, question_id, **options))

    async def forget(self, user: str) -> None:
        """See `Consultant`."""
        await self._call("forget", user)

    def wake(self) -> None:
        """Say that the catalogue has changed."""
        self._tell("wake")

    def take(self, message: Message) -> None:
        """Hand on what the process says about a question or a call."""
        kind, number, *rest = message
        if kind == "event":
            self._event(number, rest[0])
            return
        call = self._calls.get(number)
        if call is None or call.done():
            return
        if kind == "result":
            call.set_result(rest[0])
        else:
            reason, part = rest
            of_store = part == "store"
            call.set_exception(ConsultantError(reason) if of_store else RuntimeError(reason))

    def lost(self) -> None:
        """End all that waits: the process is gone."""
        from rag.consultant.events import Error  # noqa: PLC0415 - brought by an extra

        for asked in list(self._asked.values()):
            message = "The consultant had to start again. Ask once more."
            asked.send(Error(asked.question, "unavailable", message, FIRST_PAUSE))
        self._asked.clear()
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ConsultantError("the consultant is gone"))

    def _event(self, number: int, event: Any) -> None:
        asked = self._asked.get(number)
        if asked is None:
            return
        if event.wire_name in LAST:
            del self._asked[number]
        asked.send(event)

    async def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        if len(self._calls) >= MAX_CALLS:
            raise ConsultantError("too many calls wait for the consultant")
        number = next(self._numbers)
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            self._tell("call", number, name, arguments, options)
            return await answer
        finally:
            del self._calls[number]

    def _tell(self, *message: Any) -> None:
        self._write(frame(message))


class ConsultantProcess:
    """Starts the process, and starts it again when it ends."""

    def __init__(self, settings: "ServeSettings") -> None:
        self._settings = settings
        self.consultant: RemoteConsultant | None = None
        """The consultant, while it takes questions."""
        self.was_ready = asyncio.Event()

    async def run(self) -> None:
        """Keep a consultant running until cancelled."""
        pause = FIRST_PAUSE
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            code = await self._once()
            pause = FIRST_PAUSE if clock() - began > STEADY_SECONDS else pause
            log.error("consultant_ended", code=code, again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _once(self) -> int | None:
        """Run one process to its end; return its exit code."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "signalling.chat.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        remote = RemoteConsultant(process.stdin.write)
        try:
            # Options may be secrets: neither arguments nor the environment are.
            process.stdin.write(frame(("options", self._settings, _level(self._settings))))
            await self._read(process.stdout, remote)
        finally:
            self.consultant = None
            remote.lost()
            process.stdin.close()
            await _end(process)
        return process.returncode

    async def _read(self, output: asyncio.StreamReader, remote: RemoteConsultant) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await receive(output)
                if message[0] == "ready":
                    self.consultant = remote
                    self.was_ready.set()
                    log.info("retrieval_ready")
                elif message[0] == "log":
                    _log(*message[1:])
                else:
                    remote.take(message)
                # What has come already is read without waiting: signalling goes first.
                await asyncio.sleep(0)


def _level(settings: "ServeSettings") -> str:
    """Return the least level that any of the server's logs wants."""
    wanted = [settings.log_level_console]
    if settings.log_folder is not None:
        wanted.append(settings.log_level_file)
    return min(wanted, key=LEVELS.__getitem__)


def _log(method: str, fields: dict[str, Any]) -> None:
    getattr(log, method)(fields.pop("event"), **fields)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
