"""
The consultant's process: `python -m signalling.chat.worker`, started by the server.

It takes its options and everything else from standard input and ends with it. What it
logs goes to the server, which knows where log lines go. Standard output carries only
messages; whatever a library prints goes to standard error.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Mapping, MutableMapping
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from signalling.chat.consulting import consult
from signalling.chat.frames import Message, receive_blocking, send
from signalling.logs import LEVELS
from stores.documents import StoreError
from stores.settings import open_document_store

if TYPE_CHECKING:
    from rag.consultant.chat import Chat
    from rag.consultant.events import Event
    from rag.engine import Engine
    from signalling.settings import ServeSettings

NICENESS: Final = 2
"""Where the cores do not suffice, signalling goes first, but the consultant gets its share."""

END_SECONDS: Final = 3.0
"""How long it may take to end once the server has gone."""

LAST: Final = frozenset({"chatDone", "chatError"})

log = structlog.get_logger()


class Worker:
    """Answers the server; *output* takes frames."""

    def __init__(self, engine: "Engine", output: FileIO) -> None:
        self._engine = engine
        self._output = output
        self._chat: Chat  # from `ready` on; nobody asks before
        self._asked: dict[int, tuple[str, str]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    def ready(self, chat: "Chat") -> None:
        """Say that questions can come."""
        self._chat = chat
        self.tell("ready")

    def tell(self, *message: Any) -> None:
        """Send the server a message; it always reads."""
        send(self._output, message)

    def take(self, message: Message) -> None:
        """Do what the server wants."""
        kind, *arguments = message
        if kind == "wake":
            self._engine.products.indexer.wake()
            self._engine.partners.indexer.wake()
        elif kind == "start":
            self._start(*arguments)
        elif kind == "cancel":
            self._cancel(*arguments)
        else:
            self._call(*arguments)

    def _start(self, number: int, user: str, question: Any) -> None:
        self._asked[number] = (user, question.id)
        self._chat.start(user, question, lambda event: self._pass_on(number, event))

    def _pass_on(self, number: int, event: "Event") -> None:
        if event.wire_name in LAST:
            self._asked.pop(number, None)
        self.tell("event", number, event)

    def _cancel(self, number: int) -> None:
        if number in self._asked:
            self._chat.cancel(*self._asked[number])

    def _call(self, number: int, name: str, arguments: Any, options: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._answer(number, name, arguments, options))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _answer(
        self, number: int, name: str, arguments: Any, options: Mapping[str, Any]
    ) -> None:
        try:
            found = await getattr(self._chat, name)(*arguments, **options)
        except StoreError as exc:
            self.tell("failed", number, str(exc), "store")
        except Exception as exc:
            log.exception("consultant_call_failed", call=name)
            self.tell("failed", number, type(exc).__name__, "")
        else:
            # The server passes a history on as it is: encoding it is our work.
            self.tell("result", number, orjson.dumps(found) if name == "history" else found)


async def work(settings: "ServeSettings", input_: FileIO, output: FileIO) -> None:
    """Be the consultant until *input_* ends."""
    from rag.engine import open_engine  # noqa: PLC0415 - brought by an extra

    store = await open_document_store(settings)
    try:
        async with open_engine(settings, store, settings.data_dir) as engine:
            worker = Worker(engine, output)
            consulting = asyncio.create_task(consult(settings, engine, store, worker.ready))
            ended = _listening(input_, worker)
            await asyncio.wait([consulting, ended], return_when=asyncio.FIRST_COMPLETED)
            consulting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await consulting
    finally:
        await store.close()


def _listening(input_: FileIO, worker: Worker) -> asyncio.Future[None]:
    """Read *input_* in a thread, which every system can; return its end."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def read() -> None:
        while (message := receive_blocking(input_)) is not None:
            loop.call_soon_threadsafe(worker.take, message)
        loop.call_soon_threadsafe(ended.set_result, None)
        threading.Event().wait(END_SECONDS)
        os._exit(0)

    threading.Thread(target=read, name="server", daemon=True).start()
    return ended


def _log_to_server(output: FileIO, level: str) -> None:
    """Send what is logged to the server."""

    def pass_on(
        _logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        fields = {name: _plain(value) for name, value in event.items()}
        send(output, ("log", "error" if method == "exception" else method, fields))
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.format_exc_info, pass_on],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _pipes() -> tuple[FileIO, FileIO]:
    """Return input and output for messages; what is printed goes to standard error."""
    pipes = FileIO(os.dup(0), "rb"), FileIO(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipes


def _give_way() -> None:
    """Leave signalling the first of several cores for itself, and go second on the others."""
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[1:] or cores)
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not on Windows

    return uvloop.new_event_loop()


def main() -> int:
    """Work for the server that started this process."""
    input_, output = _pipes()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server drains first, then closes our input
    _give_way()
    first = receive_blocking(input_)
    if first is None:
        return 0
    _, settings, level = first
    _log_to_server(output, level)
    try:
        with asyncio.Runner(loop_factory=_new_event_loop) as runner:
            runner.run(work(settings, input_, output))
    except Exception:
        log.exception("consultant_failed", data_dir=str(Path(settings.data_dir)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
