"""Whatever bytes anybody sends on any port: the server goes on, and nobody else notices."""

import asyncio
import contextlib

import pytest

from signalling.errors import CloseCode
from tests.hostile.arena import ROLES, Arena, frame, upgrade
from tests.hostile.corpus import FRAMES, HTTP, PATHS, TEXTS, wrong_fields
from tests.signalling.peers import DEADLINE

pytestmark = [pytest.mark.parametrize("role", ROLES)]

TOO_BIG = b"\x88\x02" + int(CloseCode.TOO_BIG).to_bytes(2, "big")

CLOSE_FRAMES = {
    "reserved bit 1": CloseCode.FRAMING,
    "opcode 3": CloseCode.FRAMING,
    "long ping": CloseCode.FRAMING,
    "fragmented ping": CloseCode.FRAMING,
    "continuation of nothing": CloseCode.FRAMING,
    "close of one byte": CloseCode.FRAMING,
    "close with a bad code": CloseCode.FRAMING,
    "fragments that grow": CloseCode.TOO_BIG,
    "huge length": CloseCode.TOO_BIG,
}


async def test_texts(under_attack: Arena, role: str) -> None:
    """Text that is no message: each in a socket of its own, ended and reset."""
    for payload in TEXTS.values():
        for first in (0x81, 0x82):
            data = upgrade() + frame(payload, first=first)
            await under_attack.attack(role, data)
            await under_attack.attack_and_reset(role, data)
        await under_attack.canary.sings()


async def test_wrong_fields(under_attack: Arena, role: str) -> None:
    """Every known message with every field wrong in every way, many to a socket."""
    for number, payload in enumerate(wrong_fields(role)):
        path = b"/?resume=1" if number % 2 else b"/"
        data = upgrade(path) + frame(payload)
        if number % 3:
            await under_attack.attack(role, data)
        else:
            await under_attack.attack_and_reset(role, data)
    await under_attack.canary.sings()
    everything = b"".join(frame(payload) for payload in wrong_fields(role))
    await under_attack.attack(role, upgrade() + everything)


async def test_frames(under_attack: Arena, role: str) -> None:
    """Bytes that are no frames, or odd ones, are answered by the code that says so."""
    for name, data in FRAMES.items():
        await under_attack.attack(role, upgrade() + data)
        if name in CLOSE_FRAMES:
            said = await under_attack.closes(role, upgrade() + data)
            code = int(CLOSE_FRAMES[name]).to_bytes(2, "big")
            assert b"\x88\x02" + code in said, (name, said[-60:])
        await under_attack.attack_and_reset(role, upgrade(b"/?resume=1") + data)
        await under_attack.canary.sings()


async def test_http(under_attack: Arena, role: str) -> None:
    """Requests that are none get an error or a closed connection, never a traceback."""
    for name, data in HTTP.items():
        said = await under_attack.attack(role, data)
        assert b" 500 " not in said[:20], (name, said[:300])
        assert b"Traceback" not in said, name
        if data and not data.isspace():
            await under_attack.attack(role, data[: len(data) // 2])
        await under_attack.canary.sings()


async def test_paths(under_attack: Arena, role: str) -> None:
    """No path leads out of the page's folder."""
    for path in PATHS:
        request = b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: x\r\n"
        said = await under_attack.attack(role, request + b"Connection: close\r\n\r\n")
        assert b"root:" not in said, path
        assert b"[core]" not in said, path
        assert b" 500 " not in said[:20], (path, said[:300])


async def test_resets(under_attack: Arena, role: str) -> None:
    """A connection may be reset after any byte of greeting and message."""
    data = upgrade(b"/?resume=1") + frame(b'{"type":"subscribe","streamerId":"Kiosk"}')
    data += frame(b"\x03\xe8", first=0x88)
    for size in range(0, len(data), 3):
        async with under_attack.connect(role) as (_, writer):
            writer.write(data[:size])
            await asyncio.sleep(0)
    await under_attack.canary.sings()


async def test_fifty_megabytes(under_attack: Arena, role: str) -> None:
    """A message of 50 MB, in one frame and in fragments, is cut off at the limit."""
    rest = b"x" * 1_000_000
    whole = b"\x81\xff" + (50_000_000).to_bytes(8, "big") + b"mask"
    for head, chunk in ((whole, rest), (frame(b"{", first=0x01), frame(rest, first=0x00))):
        async with under_attack.connect(role) as (reader, writer):
            writer.write(upgrade() + head)
            told = asyncio.create_task(_last_words(reader))
            with contextlib.suppress(ConnectionError):
                for _ in range(50):
                    writer.write(chunk)
                    await writer.drain()
            assert TOO_BIG in await told
        await under_attack.canary.sings()


async def _last_words(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(DEADLINE):
        return await reader.read()
