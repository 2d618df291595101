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
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert await matchmaker.find(user="alice")
    await page.get_by_role("button", name="End alice").click()
    await page.get_by_role("dialog").get_by_role("button", name="End").click()
    await expect(page.locator("#sessions .ended")).to_have_count(1)
    session = await matchmaker.store.session_of("alice")
    assert session is not None
    assert session.reason == "operator"
    await picture(page, "admin")


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot where a folder for them is named."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def test_a_thousand_instances_can_be_searched(page: Page, matchmaker: Matchmaker) -> None:
    """Some rows at a time, filtered by words and state, sorted by any column."""
    for host in range(250):
        for number in range(4):
            name, region = f"host-{host:03}", ("eu", "us", "kr")[host % 3]
            await matchmaker.streamer_joined(f"{name}-ue{number}", host=name, region=region)
    for number in range(300):
        outcome = await matchmaker.request(f"visitor-{number:03}")
        await matchmaker.subscribed(outcome.session.id, f"player-{number}")
    await enter(page, "letmein")
    rows, count = page.locator("#hosts tr"), page.locator("section", has=page.locator("#hosts"))
    await expect(rows).to_have_count(25)
    await expect(count.locator(".count")).to_have_text("252")
    await picture(page, "admin-many")
    await page.get_by_role("button", name="Show more hosts").click()
    await expect(rows).to_have_count(125)
    await page.get_by_label("Filter").fill("host-07")
    await expect(rows).to_have_count(10)
    await expect(count.locator(".count")).to_have_text("10 of 252")
    await page.get_by_role("button", name="Drain host-077").click()
    await page.get_by_label("State of hosts").select_option("draining")
    await expect(rows).to_have_count(1)
    await page.get_by_label("State of hosts").select_option("")
    await page.get_by_label("Filter").fill("")
    await (
        page.locator("#hosts-title")
        .locator("xpath=../..")
        .get_by_role("button", name="Host", exact=True)
        .dblclick()
    )
    await expect(rows.first).to_contain_text("host-249")
    await picture(page, "admin-sorted")
    await page.set_viewport_size({"width": 390, "height": 844})
    await picture(page, "admin-phone")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_rows_stay_while_they_say_the_same(page: Page, matchmaker: Matchmaker) -> None:
    """So that a click or a selection is not lost to the next round; changes are drawn."""
    await enter(page, "letmein")
    row = await page.locator("#hosts tr").first.element_handle()
    async with page.expect_response("**/api/scale"):
        pass
    await expect(page.locator("#state")).to_contain_text("As of")
    assert row is not None
    assert await row.evaluate("row => row.isConnected")
    await matchmaker.streamer_joined("late", host="gpu-a", region="eu")
    await expect(page.locator("#hosts tr").first).to_contain_text("late")
