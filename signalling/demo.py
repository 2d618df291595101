"""`demo`: a server and synthetic streamers on one machine, to look at in a browser."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from signalling.options.reading import load
from signalling.peer.settings import SizeText
from signalling.serve import Stop, configure_logs, listening_server, on_hangup, run
from signalling.settings import ServeSettings

STREAMER_END_SECONDS: Final = 5.0
"""How long the streamers may take to end before they are killed."""

BANNER: Final = """
  Open  http://localhost:{player}/  in a browser.

  Synthetic streamers playing: {count} ({size}, {fps} pictures a second).
  {places}
  A real project joins with the launch argument
      UE 5.6 on    -PixelStreamingConnectionURL=ws://127.0.0.1:{streamer}
      UE 5.5       -PixelStreamingSignallingURL=ws://127.0.0.1:{streamer}
      before       -PixelStreamingURL=ws://127.0.0.1:{streamer}

  Ctrl-C ends everything.
"""

PLACES: Final = {
    True: "Each visitor gets one, more wait in line (--no-matchmaking lets everybody choose).",
    False: "Visitors choose among them (--matchmaking gives each visitor one).",
}
"""How visitors come to a streamer, with matchmaking and without."""


class DemoSettings(ServeSettings):
    """The options of `serve`, with defaults to play with, and those of its streamers."""

    model_config = SettingsConfigDict(cli_prog_name="pycirrus demo")

    player_port: int = Field(8080, ge=0, le=65535)
    """The port for players and the page; any free one where this is taken."""

    streamer_port: int = Field(8888, ge=0, le=65535)
    """The port for streamers; any free one where this is taken."""

    sfu_port: int = Field(8889, ge=0, le=65535)
    """The port for SFUs; any free one where this is taken."""

    drain_timeout: float = Field(0, ge=0)
    """Seconds that players have to finish after Ctrl-C."""

    log_level_console: Literal["debug", "info", "warning", "error"] = "warning"
    """The least level that is logged."""

    matchmaking: bool = True
    """Give every visitor an instance of their own; who finds none free waits in line."""

    retrieval: bool = True
    """Search products: catalogue and partners at /api/catalogue and /api/partners."""

    demo_catalogue: bool = True
    """Load the demonstration catalogue of furniture."""

    streamers: int = Field(2, ge=1, le=16)
    """Synthetic streamers to run."""

    streamer_size: SizeText = "1280x720"
    """The size of their picture."""

    streamer_fps: int = Field(30, ge=1, le=60)
    """Their pictures a second."""


def main(arguments: Sequence[str]) -> int:
    """
    Run the demo until SIGTERM or SIGINT; return the exit code.

    Raises:
        OptionError: An option cannot be used.

    """
    settings = with_free_ports(load(DemoSettings, arguments))
    output = configure_logs(settings)
    try:
        return run(demo(settings), settings)
    finally:
        output.close()


async def demo(settings: DemoSettings) -> int:
    """Run server and streamers until told to stop; 1 if the streamers end before."""
    stop = Stop()
    async with (
        listening_server(settings) as (server, player_port),
        streamers(settings, server.streamer_port) as process,
    ):
        on_hangup(stop.tell)  # the terminal was closed
        print(_banner(settings, player_port, server.streamer_port), flush=True)
        ended = asyncio.create_task(process.wait())
        told = asyncio.create_task(stop.told.wait())
        await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not stop.told.is_set():
            print(f"the streamers ended with code {process.returncode}", file=sys.stderr)
            return 1
        await stop.drain(server)
    return 0


@contextlib.asynccontextmanager
async def streamers(
    settings: DemoSettings, port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the streamers in a process of their own, which ends with this one at the latest."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "signalling.peer.attached"),
        *("--url", f"ws://127.0.0.1:{port}", "--id", "Showroom"),
        *("--count", str(settings.streamers), "--size", settings.streamer_size),
        *("--fps", str(settings.streamer_fps), "--log_level_console", "warning"),
        "--allow_commands",
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the server, which then ends them
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STREAMER_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def with_free_ports(settings: DemoSettings) -> DemoSettings:
    """Return *settings* with 0, any free port, in place of each port that is taken."""
    names = ("player_port", "streamer_port", "sfu_port")
    taken = {name: 0 for name in names if not _is_free(settings.host, getattr(settings, name))}
    return settings.model_copy(update=taken)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _banner(settings: DemoSettings, player_port: int, streamer_port: int) -> str:
    return BANNER.format(
        player=player_port,
        streamer=streamer_port,
        count=settings.streamers,
        places=PLACES[settings.matchmaking],
        size=settings.streamer_size,
        fps=settings.streamer_fps,
    )
