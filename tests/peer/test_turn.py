"""Video through coturn and nothing else."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from signalling.peer.probe import ProbeError, probe
from signalling.peer.streamer import run_streamers
from tests.peer.servers import LOCAL, PATIENCE, OpenMeeting, Start

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed"),
]

SECRET = "shared-with-coturn"


@asynccontextmanager
async def coturn(directory: Path) -> AsyncIterator[int]:
    """Run coturn with a shared secret on a free port; give the port."""
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls",
        f"--listening-ip={LOCAL}", f"--relay-ip={LOCAL}", f"--listening-port={port}",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=test",
        "--allow-loopback-peers", "--log-file=stdout", f"--userdb={directory / 'turndb'}",
        f"--pidfile={directory / 'pid'}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _listens(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOCAL, 0))
        return int(sock.getsockname()[1])


async def _listens(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection(LOCAL, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def turn_options(port: int, secret: str, transport: str) -> dict[str, Any]:
    """Return server options that send peers to coturn with credentials by *secret*."""
    url = f"turn:{LOCAL}:{port}?transport={transport}"
    return {"turn_secret": secret, "peer_options": {"iceServers": [{"urls": [url]}]}}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_relayed_player_sees_video(
    open_meeting: OpenMeeting, background: Start, tmp_path: Path, transport: str
) -> None:
    """Relay only, with the credentials of the server's config message."""
    async with (
        coturn(tmp_path) as port,
        open_meeting(**turn_options(port, SECRET, transport)) as meeting,
    ):
        background(run_streamers(meeting.streamer()))
        figures = await probe(meeting.probe(relay=True))
    assert figures["framesDecoded"] > 3


async def test_a_wrong_credential_gets_no_relay(
    open_meeting: OpenMeeting, background: Start, tmp_path: Path
) -> None:
    """The probe says so instead of waiting."""
    async with (
        coturn(tmp_path) as port,
        open_meeting(**turn_options(port, "another secret", "udp")) as meeting,
    ):
        background(run_streamers(meeting.streamer()))
        with pytest.raises(ProbeError, match="no relay candidate"):
            await probe(meeting.probe(relay=True))
