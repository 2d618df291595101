"""The operator's page in a real Chromium."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright, expect

from matchmaker.clock import SystemClock
from matchmaker.http import Caller, routes
from matchmaker.memory import MemoryStore
from matchmaker.service import Matchmaker
from matchmaker.settings import MatchmakerSettings
from matchmaker.tokens import SessionTokens

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


async def identify(request: web.Request) -> Caller:
    """Let the token `letmein` be the operator's."""
    admin = request.headers.get("Authorization") == "Bearer letmein"
    return Caller(request.query.get("user", ""), admin)


@pytest.fixture
async def matchmaker() -> AsyncIterator[Matchmaker]:
    """Yield a matchmaker with two hosts, three sessions and two waiters."""
    settings = MatchmakerSettings()
    made = Matchmaker(
        settings,
        store=MemoryStore(settings.rules()),
        clock=SystemClock(),
        tokens=SessionTokens(b"k" * 32, clock=SystemClock()),
    )
    await made.start()
    for host, region in (("gpu-a", "eu"), ("gpu-b", "us")):
        for number in range(2):
            await made.streamer_joined(f"{host}-ue{number}", host=host, region=region)
    for name in ("alice", "bob", "carol"):
        outcome = await made.request(name)
        await made.subscribed(outcome.session.id, f"player-{name}")
    for name in ("dave", "<b>eve</b>", "frank"):
        await made.request(name, region="eu")
    yield made
    await made.close()


@pytest.fixture
async def page(matchmaker: Matchmaker) -> AsyncIterator[Page]:
    """Yield the opened page; it must not log errors."""
    app = web.Application()
    app.add_routes(routes(matchmaker, identify))
    errors: list[str] = []
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = await browser.new_page(viewport={"width": 1200, "height": 900})
        opened.on("pageerror", lambda error: errors.append(str(error)))
        await opened.goto(str(server.make_url("/admin")))
        yield opened
        await browser.close()
    assert errors == []


async def enter(page: Page, token: str) -> None:
    """Type a token."""
    await page.get_by_label("Admin token").fill(token)
    await page.get_by_role("button", name="Open", exact=True).click()


async def test_a_wrong_token_is_refused(page: Page) -> None:
    """And nothing is shown."""
    await enter(page, "guess")
    await expect(page.get_by_role("alert")).to_have_text("The token was not accepted.")
    await expect(page.locator("#board")).to_be_hidden()


async def test_the_operator_sees_and_acts(page: Page, matchmaker: Matchmaker) -> None:
    """Hosts, sessions and queue live; draining and ending take effect at once."""
    await enter(page, "letmein")
    await expect(page.locator("#hosts tr")).to_have_count(2)
    await expect(page.locator("#sessions tr")).to_have_count(6)
    await expect(page.get_by_text("<b>eve</b>")).to_be_visible()
    await page.get_by_role("button", name="Drain gpu-a").click()
    await expect(page.locator("#hosts .draining")).to_have_count(1)
    await page.get_by_role("button", name="End alice").click()
    await expect(page.locator("#sessions .ended")).to_have_count(1)
    session = await matchmaker.store.session_of("alice")
    assert session is not None
    assert session.reason == "operator"
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / "admin.png", full_page=True)
