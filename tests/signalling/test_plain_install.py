"""A plain install: what the extras bring is not there, and who needs it says so."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

ROOT = Path(__file__).parents[2]

DEADLINE = 20.0

OPTIONAL = (
    *("aioice", "aiortc", "av", "bson", "jiter", "matplotlib", "motor", "numpy", "onnxruntime"),
    *("openai", "PIL", "pinecone", "pymongo", "rich", "simsimd", "tokenizers"),
)
"""What only extras bring, by the name it is imported under."""

WITHOUT = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({OPTIONAL}))  # None: importing it fails
module, *arguments = sys.argv[1:]
sys.argv[1:] = arguments
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@asynccontextmanager
async def plain(*words: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m …` without what the extras bring."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WITHOUT, *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT)},
    )
    try:
        async with asyncio.timeout(DEADLINE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("signalling streamer", "webrtc"),
        ("signalling probe", "webrtc"),
        ("signalling demo", "webrtc"),
        ("signalling serve --retrieval", "rag"),
        ("signalling serve --matchmaking --mongo_url mongodb://127.0.0.1:1/x", "mongo"),
        ("rag search", "rag"),
        ("rag evaluate --help", "rag"),
    ],
)
async def test_a_command_names_the_extra_it_misses(
    tmp_path: Path, words: str, extra: str
) -> None:
    """One line on standard error says how to get it; the exit code is 2."""
    async with plain(*words.split(), cwd=tmp_path) as process:
        _, errors = await process.communicate()
    (line,) = [line for line in errors.decode().splitlines() if not line.startswith("{")]
    assert f"pip install 'pycirrus[{extra}]'" in line
    assert process.returncode == 2


async def test_it_serves_page_and_sessions(tmp_path: Path) -> None:
    """Signalling and matchmaking need no extra."""
    ports = [f"--{role}_port=0" for role in ("player", "streamer", "sfu")]
    words = ("signalling", "serve", "--no_config", "--host=127.0.0.1", "--matchmaking")
    async with plain(*words, *ports, cwd=tmp_path) as process, aiohttp.ClientSession() as http:
        assert process.stdout is not None
        event: dict[str, object] = {}
        while event.get("event") != "listening":
            event = orjson.loads(await process.stdout.readline())
        address = f"http://127.0.0.1:{event['player_port']}"
        async with http.get(f"{address}/") as page:
            assert page.status == 200
        async with http.post(f"{address}/api/sessions", json={}) as session:
            assert session.status == 201
            assert (await session.json())["state"] == "queued"
