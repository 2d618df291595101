"""The page built from source, a server with one streamer, and a real Chromium."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.web.programs import Server, Streamer
from tests.web.viewer import Viewer

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
SOURCE = Path(__file__).parents[2] / "web"
BUILD_SECONDS = 120

POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; object-src 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'"
)
"""The Content-Security-Policy under which the page works; docs/page.md."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream",
]

OpenViewer = Callable[..., Awaitable[Viewer]]


@pytest.fixture(scope="session")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the page as the sources are now, under the strict policy."""
    folder = tmp_path_factory.mktemp("page")
    if not (SOURCE / "node_modules").is_dir():
        _run("npm", "ci", "--ignore-scripts")
    _run("node", "build.mjs", f"--outdir={folder}")
    index = folder / "index.html"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    index.write_text(index.read_text().replace("<head>", f"<head>{meta}"))
    return folder


@pytest.fixture(scope="session")
def server(built_page: Path) -> Iterator[Server]:
    """Give a server with one streamer, `Showroom`, that no test ends."""
    with Server(str(built_page)) as server, Streamer(server, "Showroom"):
        yield server


@pytest.fixture
def lone_server(built_page: Path) -> Iterator[Server]:
    """Give a server of the test's own, without streamers."""
    with Server(str(built_page)) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Give one Chromium for all tests; each opens its own context."""
    if CHROMIUM is None:
        missing = "no chromium here: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_viewer(browser: Browser) -> AsyncIterator[OpenViewer]:
    """Give a function that opens an empty page in a fresh context."""
    contexts = []

    async def open_viewer(**options: Any) -> Viewer:
        defaults = {"viewport": {"width": 1024, "height": 768}, "locale": "en-US"}
        context = await browser.new_context(**{**defaults, **options})
        contexts.append(context)
        return Viewer(await context.new_page())

    yield open_viewer
    for context in contexts:
        await context.close()


def _run(*command: str) -> None:
    beside_python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(  # noqa: S603 - our own build
        command,
        cwd=SOURCE,
        env={**os.environ, "PATH": beside_python},  # a Node from PyPI is there
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
