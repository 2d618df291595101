"""TURN end to end: coturn, the server's credentials, media through the relay only."""

import asyncio
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from signalling.ice import turn_credentials
from tests.signalling.peers import Start, eventually

pytest.importorskip("aiortc")

from signalling.peer.probe import ProbeError, probe
from signalling.peer.settings import ProbeSettings, StreamerSettings
from signalling.peer.streamer import run_streamers

COTURN = shutil.which("turnserver")

TURN_SECRET = "a secret that coturn and the server share"

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(COTURN is None, reason="needs coturn's turnserver"),
]

Background = Callable[[Coroutine[Any, Any, Any]], None]

RELAY_PORTS = 20
"""Enough for the two ends of a few sessions."""


START_SECONDS = 20
"""Coturn opens its ports within a second; on a busy machine it may take longer."""

STARTS = 3
"""Between finding a port free and coturn's taking it, somebody else may."""


def free_ports(count: int) -> int:
    """Return the first of *count* ports in a row; that one is free for TCP and UDP just now."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
        ):
            datagrams.bind(("127.0.0.1", 0))
            port = int(datagrams.getsockname()[1])
            try:
                stream.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port + count < 65_535:
            return port


@pytest.fixture
async def turn_url(tmp_path: Path) -> AsyncIterator[str]:
    """Give the URL of a coturn of our own on loopback."""
    for attempt in range(STARTS):
        port = free_ports(1)
        process = await start_coturn(port, tmp_path)
        if await listens(port, process):
            break
        await end(process)
        assert attempt < STARTS - 1, (tmp_path / "coturn.log").read_text(encoding="utf-8")
    yield f"turn:127.0.0.1:{port}?transport=udp"
    await end(process)


async def start_coturn(port: int, folder: Path) -> asyncio.subprocess.Process:
    """Start coturn on *port*; what it says goes to `coturn.log` in *folder*."""
    relay = free_ports(RELAY_PORTS)
    with (folder / "coturn.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            str(COTURN), "-n", "--no-cli", "--no-tls", "--no-dtls",
            "--listening-ip=127.0.0.1", f"--listening-port={port}",
            "--relay-ip=127.0.0.1", f"--min-port={relay}", f"--max-port={relay + RELAY_PORTS}",
            "--use-auth-secret", f"--static-auth-secret={TURN_SECRET}", "--realm=test",
            "--allow-loopback-peers", "--log-file=stdout", f"--pidfile={folder / 'turn.pid'}",
            f"--userdb={folder / 'turndb'}",
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip


async def end(process: asyncio.subprocess.Process) -> None:
    """End *process*, whether or not it has ended by itself."""
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def listens(port: int, process: asyncio.subprocess.Process) -> bool:
    """Return whether coturn takes connections in time; it opens TCP beside UDP."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return True
    except TimeoutError:
        return False
    return False


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    """Return what starts work that ends with the test."""
    tasks: list[asyncio.Task[Any]] = []
    yield lambda work: tasks.append(asyncio.create_task(work))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class TestRelay:
    """A probe that may use nothing but the relay."""

    async def watch(
        self, start: Start, background: Background, **options: Any
    ) -> dict[str, Any]:
        """Return what a relay-only probe measures of a streamer, both on a new server."""
        client = await start(**options)
        background(
            run_streamers(
                StreamerSettings(
                    url=client.running.url("streamer"),
                    id="Kiosk", size="320x180", fps=15, loopback="always",
                )
            )
        )  # fmt: skip
        await eventually(lambda: "Kiosk" in client.server.registry.streamers)
        settings = ProbeSettings(
            url=client.running.url("player"), seconds=1, relay=True, loopback="always"
        )
        return await probe(settings)

    async def test_video_comes_through(
        self, start: Start, background: Background, turn_url: str
    ) -> None:
        """The server's credentials open the relay to both ends, which may use nothing else."""
        servers = {"iceServers": [{"urls": [turn_url]}], "iceTransportPolicy": "relay"}
        figures = await self.watch(
            start, background, peer_options=servers, turn_secret=TURN_SECRET
        )
        assert figures["width"] == 320
        assert figures["framesPerSecond"] > 5

    async def test_foreign_secret(
        self, start: Start, background: Background, turn_url: str
    ) -> None:
        """Credentials that another secret signed give no relay candidate."""
        servers = {"iceServers": [{"urls": [turn_url]}]}
        with pytest.raises(ProbeError, match="no relay candidate"):
            await self.watch(start, background, peer_options=servers, turn_secret="another")

    @pytest.mark.parametrize(("age", "fault"), [(60, "no relay candidate"), (-60, "")])
    async def test_expired_credential(
        self, start: Start, background: Background, turn_url: str, age: int, fault: str
    ) -> None:
        """A credential whose time is over gives none; the same one in its time does."""
        name, password = turn_credentials(
            TURN_SECRET, peer_id="p", expires_at=int(time.time()) - age
        )
        server = {"urls": [turn_url], "username": name, "credential": password}
        watching = self.watch(start, background, peer_options={"iceServers": [server]})
        if fault:
            with pytest.raises(ProbeError, match=fault):
                await watching
        else:
            assert (await watching)["framesPerSecond"] > 5
