"""The operator's page before a running server: what it shows, and what its buttons do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import OpenViewer
from tests.web.programs import Server, Streamer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest.fixture
def operated(built_page: Path, tmp_path: Path) -> Iterator[Server]:
    """Give a server with places and an operator."""
    options = ("--matchmaking", "--admin_token=letmein", f"--data_dir={tmp_path}")
    with Server(str(built_page), *options) as server:
        yield server


async def enter(page: Page, server: Server) -> None:
    """Open the operator's page."""
    await page.goto(f"{server.url}admin")
    await page.fill("#token", "letmein")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#board:not([hidden])")


async def confirm(page: Page, label: str) -> None:
    """Say that it is meant."""
    await page.get_by_role("dialog").get_by_role("button", name=label).click()


async def test_an_operator_sees_and_ends_sessions(
    operated: Server, new_viewer: OpenViewer
) -> None:
    """Who plays and who waits is live; ended by a click, the visitor reads by whom."""
    playing, waiting, operator = await new_viewer(), await new_viewer(), await new_viewer()
    with Streamer(operated, "Showroom"):
        await playing.open(operated.url)
        await waiting.open(operated.url, state="queued")
        page = operator.page
        await enter(page, operated)
        row = page.locator("tr", has_text="active")
        await expect(row).to_contain_text("Showroom")
        await expect(page.locator("tr", has_text="queued")).to_have_count(1)
        await row.get_by_role("button", name="End").click()
        await confirm(page, "End")
        await playing.page.wait_for_selector("text=An operator ended it")
        await waiting.until("playing")
    assert operator.complaints == []


async def test_an_operator_sends_a_visitor_away(
    operated: Server, new_viewer: OpenViewer
) -> None:
    """Kicked, the visitor is told so, and the place is kept as after a broken connection."""
    playing, operator = await new_viewer(), await new_viewer()
    with Streamer(operated, "Showroom"):
        await playing.open(operated.url)
        await enter(operator.page, operated)
        row = operator.page.locator("tr", has_text="active")
        await row.get_by_role("button", name="Kick").click()
        await confirm(operator.page, "Kick")
        await playing.page.wait_for_selector("text=An operator ended it")
        await expect(operator.page.locator("#sessions .grace")).to_have_count(1)
    assert operator.complaints == []


async def test_what_fails_stays_readable(operated: Server, new_viewer: OpenViewer) -> None:
    """A button that came too late says why, and the next round does not wipe it away."""
    playing, operator = await new_viewer(), await new_viewer()
    page = operator.page
    with Streamer(operated, "Showroom"):
        await playing.open(operated.url)
        await enter(page, operated)
        row = page.locator("tr", has_text="active")
        await page.route(
            "**/api/players/*",
            lambda route: route.fulfill(
                status=404, json={"error": {"code": "no_such_player", "message": "Nobody."}}
            ),
        )
        await row.get_by_role("button", name="Kick").click()
        await confirm(page, "Kick")
        await expect(page.locator("#trouble")).to_contain_text("Nobody.")
        async with page.expect_response("**/api/scale"):
            pass
        await expect(page.locator("#trouble")).to_contain_text("Nobody.")


async def test_a_drained_host_takes_no_visitor(
    operated: Server, new_viewer: OpenViewer
) -> None:
    """One click keeps new sessions away, another lets them in."""
    operator, viewer = await new_viewer(), await new_viewer()
    with Streamer(operated, "Showroom"):
        page = operator.page
        await enter(page, operated)
        await page.get_by_role("button", name="Drain").click()
        await page.wait_for_selector("#hosts .draining")
        await viewer.open(operated.url, state="queued")
        await page.get_by_role("button", name="Open").click()
        await viewer.until("playing")


async def test_the_operators_page_fits_a_phone(
    operated: Server, new_viewer: OpenViewer
) -> None:
    """Rows become cards, and nothing is wider than the page."""
    operator = await new_viewer(viewport={"width": 390, "height": 844})
    with Streamer(operated, "Showroom"):
        await enter(operator.page, operated)
        await operator.page.wait_for_selector("text=Showroom")
        width = await operator.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
