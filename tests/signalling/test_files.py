"""Open files."""

import asyncio
import sys
from pathlib import Path

import orjson
import pytest

DEADLINE = 20.0

SERVE = "-m signalling serve --no_config --player_port 0 --streamer_port 0 --sfu_port 0"


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for another process's limits")
async def test_serve_takes_as_many_files_as_it_may(tmp_path: Path) -> None:
    """A server that is started with a low soft limit raises it to the hard one."""
    import resource  # noqa: PLC0415 - not on Windows

    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f"ulimit -Sn 64; exec {sys.executable} {SERVE}"),
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        async with asyncio.timeout(DEADLINE):
            assert process.stdout is not None
            while orjson.loads(await process.stdout.readline())["event"] != "listening":
                pass
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard
    finally:
        process.kill()
        await process.communicate()
