"""No secret of the settings, and no token a peer shows, is ever said or written."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from signalling.errors import OptionError
from signalling.options.reading import load
from signalling.settings import ServeSettings
from tests.signalling.tokens import PROXIED, SECRET, UPGRADE, token

SECRETS = {
    "player_token": "player-token-9d1f",
    "streamer_token": "streamer-token-77aa",
    "admin_token": "admin-token-5c5c",
    "session_secret": "session-secret-0e0e",
    "jwt_secret": SECRET,
    "turn_secret": "turn-secret-4b4b",
}

STATIC_CREDENTIAL = "turn-password-1212"
"""Peers are sent it, in `config`; nobody else is."""

PEER_OPTIONS = {
    "iceServers": [
        {"urls": ["stun:127.0.0.1:1"]},
        {"urls": ["turn:127.0.0.1:1"], "username": "u", "credential": STATIC_CREDENTIAL},
    ]
}


@dataclass
class Process:
    """A server in a process of its own, and everything anybody got from it."""

    http: aiohttp.ClientSession
    ports: dict[str, int]
    heard: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    """What one peer was told, or shows, and nobody may read in a log."""

    async def get(self, path: str, **headers: str) -> None:
        """Ask over HTTP and keep the answer, head and body."""
        url = f"http://127.0.0.1:{self.ports['player_port']}{path}"
        async with self.http.get(url, headers=headers) as response:
            self.heard.append(f"{response.headers} {await response.text(errors='replace')}")

    async def upgrade(self, role: str, query: str, **headers: str) -> None:
        """Try an upgrade that is refused and keep the answer."""
        url = f"http://127.0.0.1:{self.ports[f'{role}_port']}/{query}"
        async with self.http.get(url, headers={**UPGRADE, **headers}) as response:
            self.heard.append(f"{response.headers} {await response.text()}")

    @contextlib.asynccontextmanager
    async def socket(self, role: str, query: str) -> AsyncIterator[Any]:
        """Open a socket."""
        url = f"ws://127.0.0.1:{self.ports[f'{role}_port']}/{query}"
        async with self.http.ws_connect(url) as socket:
            yield socket

    async def hear(self, socket: Any, wire_name: str) -> None:
        """Keep what a socket says up to a message of this type."""
        async with asyncio.timeout(10):
            while True:
                text = await socket.receive_str()
                if orjson.loads(text)["type"] == wire_name:
                    break
                self.heard.append(text.replace(STATIC_CREDENTIAL, "(meant for this peer)"))


async def raw(port: int, sent: bytes) -> str:
    """Send bytes that are no request; return what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer.decode(errors="replace")


async def full_session(server: Process, shown: str) -> None:
    """Do everything a peer can do, with good tokens and bad ones."""
    async with (
        server.socket("streamer", f"?token={SECRETS['streamer_token']}") as streamer,
        server.socket("player", f"?token={shown}") as player,
    ):
        await streamer.send_json({"type": "endpointId", "id": "Kiosk"})
        await server.hear(streamer, "endpointIdConfirm")
        await player.send_json({"type": "subscribe", "streamerId": "Kiosk"})
        await player.send_json({"type": "offer", "sdp": "v=0"})
        await server.hear(streamer, "offer")
        for bad in (shown[:-2], 7):
            await player.send_json({"type": "tokenRefresh", "token": bad})
            await server.hear(player, "error")
        await player.send_json({"type": "unknown", "token": shown})
        await player.send_str("not JSON " + shown)
    async with server.socket("player", f"?resume=1&token={shown}") as player:
        while (message := orjson.loads(await player.receive_str()))["type"] != "resumeToken":
            pass
        server.private += [message["token"], "signed-user-3141", "session-token-2718"]
        await player.send_json({"type": "resume", "token": message["token"], "received": 0})
        await player.send_json({"type": "roomOpen", "user": "signed-user-3141"})
        await player.send_json({"type": "sessionResume", "token": "session-token-2718"})
        await player.send_json({"type": "ping", "time": 1})
        await server.hear(player, "pong")
    for role in ("player", "streamer", "sfu"):
        for value in (*SECRETS.values(), shown):
            await server.upgrade(role, f"?token={value}x", **PROXIED)
    await server.upgrade("player", "", Authorization=f"Bearer {shown}x")
    await server.upgrade("player", "", **{"Sec-WebSocket-Protocol": f"bearer, {shown}x"})
    await server.upgrade("player", "", **{"Sec-WebSocket-Protocol": f"other, {shown}x"})
    for path in ("/", "/health/ready", "/metrics", "/api/config", "/nowhere", "/api/players"):
        await server.get(f"{path}?token={shown}x")
        await server.get(path, Authorization=f"Bearer {SECRETS['admin_token']}")
        await server.get(path, Authorization=f"Bearer {SECRETS['admin_token']}x", **PROXIED)
    query = SECRETS["player_token"].encode()
    server.heard.append(await raw(server.ports["player_port"], b"GARBAGE\r\n\r\n"))
    await raw(server.ports["player_port"], b"GET /?token=" + query + b" HTTP/9\r\n\r\n")


async def run_server(folder: Path, shown: str) -> tuple[str, Process]:
    """Run the program for a full session; return its output and what peers heard."""
    file = folder / "config.json"
    options = {**SECRETS, "peer_options": PEER_OPTIONS, "data_dir": str(folder)}
    ports = {"player_port": 0, "streamer_port": 0, "sfu_port": 0, "drain_timeout": 0}
    options |= {"rest_api": True, "console_messages": "verbose"}
    file.write_bytes(orjson.dumps({**options, **ports, "log_level_console": "debug"}))
    program = (sys.executable, "-X", "dev", "-m", "signalling", "serve", "--config_file", file)
    process = await asyncio.create_subprocess_exec(
        *map(str, program),
        "--host=127.0.0.1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = []
    try:
        async with asyncio.timeout(60):
            while b'"listening"' not in (line := await process.stdout.readline()):
                assert line, b"".join(output).decode()
                output.append(line)
            listening = orjson.loads(line)
            async with aiohttp.ClientSession() as http:
                server = Process(http, listening)
                await full_session(server, shown)
            process.terminate()
            output.extend([line, await process.stdout.read()])
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
    return b"".join(output).decode(), server


@pytest.mark.slow
async def test_no_secret_is_said_or_written(tmp_path: Path) -> None:
    """After a full session no secret and no token is in any log line or answer."""
    shown = token(sub="ada")
    output, server = await run_server(tmp_path, shown)
    heard = server.heard
    assert "upgrade_refused" in output
    assert "forwarded" in output
    assert len(heard) > 40
    said = {**SECRETS, "static": STATIC_CREDENTIAL, "shown": shown, "part": shown[:-2]}
    for name, secret in said.items():
        assert secret not in output, name
        assert not [answer for answer in heard if secret in answer], name
    assert [word for word in server.private if word in output] == []
    assert not re.search(r"Traceback|Warning", output), output


def test_settings_do_not_show_their_secrets() -> None:
    """Neither repr nor str of the settings holds a secret."""
    settings = ServeSettings(**SECRETS, peer_options=PEER_OPTIONS)
    for secret in (*SECRETS.values(), STATIC_CREDENTIAL):
        assert secret not in repr(settings)
        assert secret not in str(settings)


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "turn_secret"])
def test_empty_secret_files_are_refused(tmp_path: Path, name: str) -> None:
    """A file that holds nothing would leave open what was meant to be closed."""
    file = tmp_path / "empty"
    file.write_text("\n")
    with pytest.raises(OptionError, match=f"{name}_file holds nothing"):
        load(ServeSettings, [f"--{name}_file={file}"], file=SECRETS | {name: ""})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("jwt_secret", "too-short-a-secret"),
        ("jwks_url", "http://user:too-short-a-secret@example.com/keys"),
        ("peer_options", '{"iceServers": [{"credential": "too-short-a-secret"'),
    ],
)
def test_complaints_repeat_no_secret(option: str, value: str) -> None:
    """The line about a wrong option names it, but not its value where that is secret."""
    with pytest.raises(OptionError) as caught:
        load(ServeSettings, [f"--{option}={value}"], file=SECRETS | {option: value})
    for secret in ("too-short-a-secret", *SECRETS.values()):
        assert secret not in str(caught.value)
