"""`serve`: runs a server until it is told to stop."""

import asyncio
import contextlib
import errno
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from signalling import logs
from signalling.app import SERVER, Server, create_app
from signalling.console import Console, listening_to_stdin
from signalling.disclosure import shown_options
from signalling.files import raise_file_limit
from signalling.listening import listening
from signalling.log_rate import LineRate
from signalling.options.epic import called, from_arguments
from signalling.options.reading import load
from signalling.options.saving import save
from signalling.settings import ServeSettings, read_config_file

DEFAULT_CONFIG: Final = Path("config.json")

PORTS: Final = (
    "player_port", "https_port", "streamer_port", "sfu_port", "matchmaker_http_port",
)  # fmt: skip
"""Options of what is listened on."""

log = structlog.get_logger()


def settings_from(arguments: Sequence[str]) -> ServeSettings:
    """
    Return the options of `serve` from command line, environment and file.

    Raises:
        OptionError: One of them cannot be used.

    """
    words = from_arguments(arguments)
    names = called(word.removeprefix("--").partition("=")[0] for word in arguments)
    first = load(ServeSettings, words, called=names)
    path = config_path(first)
    if first.no_config or not _is_there(first, path):
        return first
    found = read_config_file(path)
    names = {**found.called, **names}
    return load(ServeSettings, words, file=found.values, called=names)


def config_path(settings: ServeSettings) -> Path:
    """Return where the configuration file is, or would be."""
    return settings.config_file or DEFAULT_CONFIG


def _is_there(settings: ServeSettings, path: Path) -> bool:
    """Return whether to read *path*; one that `save` is to write need not be there yet."""
    must_be = settings.config_file is not None and not settings.save
    return must_be or path.is_file()


def main(arguments: Sequence[str]) -> int:
    """
    Serve until SIGTERM or SIGINT; return the exit code.

    Raises:
        OptionError: An option cannot be used.

    """
    settings = _prepared(arguments)
    output = configure_logs(settings)
    raise_file_limit()
    try:
        if settings.log_config:
            log.info("configuration", options=shown_options(settings))
        return run(serve(settings, output), settings)
    finally:
        output.close()


def run(work: Coroutine[Any, Any, int], settings: ServeSettings) -> int:
    """Return what *work* returns, or 1 with a line about a port that cannot be listened on."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except OSError as exc:
        print(cannot_listen(settings, exc), file=sys.stderr)
        return 1


def cannot_listen(settings: ServeSettings, error: OSError) -> str:
    """Return a line about a port that is taken or forbidden, with the option to change."""
    if error.filename is None:
        return f"cannot listen: {error}"
    port = error.filename.rpartition(":")[2]
    options = [name for name in PORTS if str(getattr(settings, name)) == port]
    is_port = isinstance(error, PermissionError) or error.errno == errno.EADDRINUSE
    option = options[0] if options and is_port else "host"
    return f"cannot listen on {error.filename}: {error.strerror}; see --{option}"


def _prepared(arguments: Sequence[str]) -> ServeSettings:
    """Return the options, with what is odd about them logged, and saved if they say so."""
    output = logs.configure("info", for_good=False)
    try:
        settings = settings_from(arguments)
        if settings.save:
            save(settings, config_path(settings))
        return settings
    finally:
        output.close()


def configure_logs(settings: ServeSettings) -> logs.Logs:
    """
    Log as *settings* say; close the result at the end.

    Raises:
        OptionError: The folder for log files cannot be used.

    """
    return logs.configure(
        settings.log_level_console,
        folder=settings.log_folder,
        file_level=settings.log_level_file,
        rate=LineRate(settings.log_lines_per_second, settings.log_lines_burst),
    )


async def serve(settings: ServeSettings, output: logs.Logs) -> int:
    """
    Serve until told to stop, then drain; a second signal ends at once.

    Raises:
        OSError: A port is in use or may not be used.

    """
    stop = Stop()
    async with listening_server(settings) as (server, _):
        on_hangup(server.reload)
        server.metrics.watch_log(output.rate.left_out)
        with _console(server, stop):
            await stop.told.wait()
        await stop.drain(server)
    return 0


@contextlib.asynccontextmanager
async def listening_server(settings: ServeSettings) -> AsyncIterator[tuple[Server, int]]:
    """
    Run a server inside the context; gives it and its player port.

    Raises:
        OSError: A port is in use or may not be used.

    """
    app = create_app(settings)
    server = app[SERVER]
    async with listening(app, settings.host, settings.player_port) as port:
        log.info(
            "listening",
            host=settings.host,
            player_port=port,
            **({"https_port": server.https_port} if server.https_port else {}),
            streamer_port=server.streamer_port,
            sfu_port=server.sfu_port,
        )
        spare_collector()
        yield server, port


def spare_collector() -> None:
    """
    Take what is loaded by now out of the garbage collector's sight.

    It stays to the end, and looking through it again and again would hold up everybody
    for some hundred milliseconds at a time.
    """
    gc.collect()
    gc.freeze()


def on_hangup(action: Callable[[], None]) -> None:
    """Call *action* at each SIGHUP; Windows has no such signal."""
    with contextlib.suppress(NotImplementedError, AttributeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, action)


def _console(server: Server, stop: "Stop") -> contextlib.AbstractContextManager[None]:
    """Return a context in which letters on standard input are answered, if wanted."""
    if not server.settings.stdin:
        return contextlib.nullcontext()
    console = Console(
        server.settings,
        server.registry,
        quit_=stop.tell,
        write=lambda text: print(text, end="", flush=True),
    )
    return listening_to_stdin(console)


class Stop:
    """Takes SIGTERM and SIGINT: the first asks to stop, the second to stop at once."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self._urgent = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.tell)
            except NotImplementedError:
                # Windows: the handler runs between two of the loop's steps.
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.tell))

    def tell(self) -> None:
        """Ask to stop; the second time, at once."""
        (self._urgent if self.told.is_set() else self.told).set()

    async def drain(self, server: Server) -> None:
        """Drain *server*; cut every connection at the second signal."""
        working = asyncio.create_task(server.drain())
        urgent = asyncio.create_task(self._urgent.wait())
        await asyncio.wait({working, urgent}, return_when=asyncio.FIRST_COMPLETED)
        for task in (working, urgent):
            task.cancel()
        await asyncio.gather(working, urgent, return_exceptions=True)
        if self._urgent.is_set():
            server.cut()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where there is one."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not on Windows

    return uvloop.new_event_loop()
