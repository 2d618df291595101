"""The built-in page in a real Chromium, under the policy it is sent with."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from signalling.http.page import BUILT_IN
from signalling.listening import listening
from signalling.peer.settings import StreamerSettings
from signalling.peer.streamer import run_streamers
from tests.signalling.peers import Client, Start

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")

FIRST_FRAME_MS = 30_000

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
]

NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

PLAYS = "() => [...document.querySelectorAll('video')].some((video) => video.videoWidth > 0)"

pytestmark = pytest.mark.browser


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """Give an empty tab that takes note of every violation."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    assert (BUILT_IN / "index.html").is_file(), "run `make page` first"
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS
        )
        tab = await browser.new_page()
        await tab.add_init_script(NOTE_VIOLATIONS)
        yield tab
        await browser.close()


@contextlib.asynccontextmanager
async def streaming(client: Client) -> AsyncIterator[None]:
    """Run a small streamer inside the context."""
    url = client.running.url("streamer")
    small: dict[str, Any] = {"size": "320x180", "fps": 15, "loopback": "always"}
    task = asyncio.create_task(run_streamers(StreamerSettings(url=url, id="Kiosk", **small)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.media
@pytest.mark.parametrize("path", ["/", "/stream/"])
async def test_page_plays_under_its_policy(start: Start, page: Page, path: str) -> None:
    """A picture comes, also below a sub-path, and nothing is done that the policy forbids."""
    client = await start(base_path="/stream")
    async with streaming(client):
        response = await page.goto(client.running.http(path))
        assert response is not None
        assert "trusted-types" in response.headers["content-security-policy"]
        await page.wait_for_function(PLAYS, timeout=FIRST_FRAME_MS)
        assert await page.evaluate("window.violations") == []
        await page.close()


@pytest.mark.parametrize("allowed", [True, False])
async def test_embedding(start: Start, page: Page, *, allowed: bool) -> None:
    """Another site's page shows this one only if frame_ancestors names it."""
    frames: list[str] = []

    async def shop(_request: web.Request) -> web.Response:
        return web.Response(text=frames[0], content_type="text/html")

    app = web.Application()
    app.router.add_get("/", shop)
    async with listening(app, "127.0.0.1", 0) as port:
        site = f"http://127.0.0.1:{port}"
        client = await start(frame_ancestors=site if allowed else "'self'")
        frames.append(f'<iframe src="{client.running.http("/")}"></iframe>')
        await page.goto(f"{site}/")
        shown = await page.frames[1].evaluate("document.querySelector('link') !== null")
        await page.close()
    assert shown is allowed
