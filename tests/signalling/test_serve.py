"""The commands, as processes of their own."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest

from signalling.__main__ import COMMANDS, main
from tests.signalling.peers import Peer

DEADLINE = 20.0

FREE_PORTS = ("--player_port", "0", "--streamer_port", "0", "--sfu_port", "0")


@contextlib.asynccontextmanager
async def command(*words: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command of the program; kill it at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "signalling", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def log_event(process: asyncio.subprocess.Process, name: str) -> dict[str, object]:
    """Return the next log line with this event."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        if not line.startswith(b"{"):
            continue
        event: dict[str, object] = orjson.loads(line)
        if event["event"] == name:
            return event
    raise AssertionError(f"no {name} in the log")


async def banner(process: asyncio.subprocess.Process) -> str:
    """Return what a demo says once everything runs."""
    assert process.stdout is not None
    return (await process.stdout.readuntil(b"Ctrl-C ends everything.\n")).decode()


async def test_listening_carries_the_real_ports(tmp_path: Path) -> None:
    """With port 0 the log says where the server listens, and it does."""
    async with command("serve", *FREE_PORTS, cwd=tmp_path) as process:
        event = await log_event(process, "listening")
        for name in ("player_port", "streamer_port", "sfu_port"):
            url = f"http://127.0.0.1:{event[name]}/health"
            async with aiohttp.ClientSession() as http, http.get(url) as response:
                assert response.status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_drains(tmp_path: Path, number: signal.Signals) -> None:
    """A signal closes the players with 1012 when their time is up; the exit code is 0."""
    async with command("serve", *FREE_PORTS, "--drain_timeout", "0.2", cwd=tmp_path) as process:
        port = (await log_event(process, "listening"))["player_port"]
        async with aiohttp.ClientSession() as http:
            player = Peer(await http.ws_connect(f"ws://127.0.0.1:{port}/"))
            await player.hear_type("config")
            process.send_signal(number)
            await log_event(process, "draining")
            async with http.get(f"http://127.0.0.1:{port}/health/ready") as response:
                assert response.status == 503
                assert await response.json() == {"reason": "draining"}
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                await http.ws_connect(f"ws://127.0.0.1:{port}/")
            assert (await player.closed())[0] == 1012
        assert await process.wait() == 0


async def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    """Whoever cannot wait for the players signals twice."""
    async with command("serve", *FREE_PORTS, "--drain_timeout", "600", cwd=tmp_path) as process:
        port = (await log_event(process, "listening"))["player_port"]
        async with aiohttp.ClientSession() as http:
            player = Peer(await http.ws_connect(f"ws://127.0.0.1:{port}/"))
            await player.hear_type("config")
            process.send_signal(signal.SIGINT)
            await log_event(process, "draining")
            process.send_signal(signal.SIGINT)
            await player.closed()
        assert await process.wait() == 0


@pytest.mark.parametrize("option", ["player_port", "streamer_port", "sfu_port"])
async def test_port_in_use(tmp_path: Path, option: str) -> None:
    """A taken port is one line that names the option, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ("serve", *FREE_PORTS, "--host", "127.0.0.1", f"--{option}", port)
        async with command(*words, cwd=tmp_path) as process:
            _, errors = await process.communicate()
    assert process.returncode == 1
    why = os.strerror(errno.EADDRINUSE)
    assert errors.decode() == f"cannot listen on 127.0.0.1:{port}: {why}; see --{option}\n"


async def test_address_that_is_not_ours(tmp_path: Path) -> None:
    """An address of another machine is one line, too."""
    async with command("serve", *FREE_PORTS, "--host", "192.0.2.1", cwd=tmp_path) as process:
        _, errors = await process.communicate()
    assert process.returncode == 1
    why = os.strerror(errno.EADDRNOTAVAIL)
    assert errors.decode() == f"cannot listen on 192.0.2.1:0: {why}; see --host\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--player_port", "eighty"], "player_port: "),
        (["serve", "--player_port", "70000"], "70000"),
        (["serve", "--player_prot", "80"], "did you mean '--player_port'?"),
        (["serve", "--turn-secret-file", "/nowhere"], "turn_secret_file: cannot read /nowhere"),
        (["serve", "--dialect", "klingon"], "'wilbur', 'cirrus' or 'auto'"),
        (["serve", "--config_file", "/nowhere"], "config_file: cannot read /nowhere"),
        (["sevre"], "there are: serve"),
    ],
)
def test_wrong_usage_is_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names option, value and what is allowed; the exit code is 2."""
    assert main(words) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("name", ["serve", "demo", "streamer", "probe"])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command lists its options with what they mean."""
    assert name in COMMANDS
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "--log_level_console" in capsys.readouterr().out


SMALL_DEMO = ("demo", *FREE_PORTS, "--streamer_size", "320x180", "--streamer_fps", "15")


@pytest.mark.media
async def test_demo_plays(tmp_path: Path) -> None:
    """The demo's banner names a page that exists, a probe sees the picture, Ctrl-C ends it."""
    words = (*SMALL_DEMO, "--log_level_console", "info")
    async with command(*words, cwd=tmp_path) as process:
        port = (await log_event(process, "listening"))["player_port"]
        async with command(
            *("probe", "--url", f"ws://127.0.0.1:{port}", "--seconds", "1"),
            cwd=tmp_path,
        ) as probe:
            output, errors = await probe.communicate()
        assert probe.returncode == 0, errors
        assert orjson.loads(output)["framesPerSecond"] > 5
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0


@pytest.mark.media
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_demo_ends_quietly_at_a_terminal(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, or closing the terminal, signals the whole group: not a line is left."""
    async with command(*SMALL_DEMO, "--no-retrieval", cwd=tmp_path) as process:
        await banner(process)
        os.killpg(process.pid, number)
        assert await process.communicate() == (b"\n", b"")
        assert process.returncode == 0


@pytest.mark.media
async def test_nothing_outlives_a_killed_demo(tmp_path: Path) -> None:
    """Even a demo that is killed takes its streamers along: their end of its output closes."""
    async with command(*SMALL_DEMO, "--no-retrieval", cwd=tmp_path) as process:
        await banner(process)
        process.kill()
        await process.communicate()


@pytest.mark.media
async def test_the_banner_says_how_visitors_come_to_a_streamer(tmp_path: Path) -> None:
    """Without matchmaking the demo does not claim that visitors wait in line."""
    options = ("--no-retrieval", "--no-matchmaking", "--streamers", "1")
    async with command(*SMALL_DEMO, *options, cwd=tmp_path) as process:
        said = await banner(process)
    assert "Synthetic streamers playing: 1" in said
    assert "Visitors choose" in said


def test_a_size_no_streamer_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo names its option and what is allowed, before anything starts."""
    assert main(["demo", "--streamer_size", "huge"]) == 2
    assert "streamer_size" in capsys.readouterr().err
