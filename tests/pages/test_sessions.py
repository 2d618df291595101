"""Epic's pages, unmodified, before a server that gives everybody an instance of their own."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.pages.sites import Process, Site, start_server
from tests.pages.test_pages import FIRST_FRAME_SECONDS, Watched

pytestmark = [pytest.mark.browser, pytest.mark.media]

PAGES = [("5.5", False), ("5.7", False), ("5.7", True), ("5.4", True)]
"""Engine versions, and whether their page sends the offer."""

Serve = Callable[..., Site]
OpenPage = Callable[[], Watched]


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    """Give a stack of what is to be ended with the test."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(pages: Path, tmp_path: Path, stack: contextlib.ExitStack) -> Serve:
    """Give a function that starts a server with matchmaking."""
    common = ("--matchmaking", f"--http_root={pages}", f"--data_dir={tmp_path}")
    return lambda *options: start_server("wilbur", stack, *common, *options)


@pytest.fixture
def open_page(browser: Browser, stack: contextlib.ExitStack) -> OpenPage:
    """Give a function that opens an empty page of a visitor of its own."""

    def open_one() -> Watched:
        page = browser.new_page(viewport={"width": 640, "height": 360})
        stack.callback(page.close)
        return Watched(page)

    return open_one


def streamer(site: Site, name: str) -> Process:
    """Start a streamer."""
    process = Process(
        "streamer",
        f"--url=ws://127.0.0.1:{site.streamer_port}",
        f"--id={name}",
        "--size=320x180",
        "--fps=15",
        "--loopback=always",
    )
    process.wait_for("streamer_identified")
    return process


def plays(watched: Watched) -> None:
    """Wait until the picture moves, from now on."""
    watched.wait_for("page.frameNumber() !== null", seconds=FIRST_FRAME_SECONDS)
    first = watched.page.evaluate("page.frameNumber()")
    watched.wait_for(f"page.frameNumber() !== {first} && page.frameNumber() !== null")


@pytest.mark.parametrize(("version", "offers"), PAGES)
def test_a_page_waits_until_there_is_a_place(
    serve: Serve,
    open_page: OpenPage,
    stack: contextlib.ExitStack,
    version: str,
    *,
    offers: bool,
) -> None:
    """The second page sees nothing while the first plays, and plays when that one is gone."""
    site = serve("--session_grace=0.5")
    stack.callback(streamer(site, "Kiosk").stop)
    first, second = open_page(), open_page()
    first.open(site, version, offers=offers)
    second.page.goto(site.page(version, offers=offers))
    second.page.wait_for_timeout(1500)
    assert second.page.evaluate("page.frameNumber()") is None
    assert first.page.evaluate("page.connections()") == 1
    first.page.close()
    plays(second)
    assert second.complaints == []


@pytest.mark.parametrize(("version", "offers"), PAGES[:3])
def test_a_page_comes_back_when_its_streamer_dies(
    serve: Serve,
    open_page: OpenPage,
    stack: contextlib.ExitStack,
    version: str,
    *,
    offers: bool,
) -> None:
    """It reconnects by itself and is served before who waited: its place is the first."""
    site = serve()
    one = streamer(site, "One")
    first, second = open_page(), open_page()
    first.open(site, version, offers=offers)
    second.page.goto(site.page(version, offers=offers))
    second.page.wait_for_timeout(500)
    one.stop()
    stack.callback(streamer(site, "Two").stop)
    plays(first)
    assert len(first.sockets) >= 2
    assert second.page.evaluate("page.frameNumber()") is None


@pytest.mark.parametrize(("version", "offers"), PAGES[:3])
def test_a_page_is_told_for_good_when_its_time_is_up(
    serve: Serve,
    open_page: OpenPage,
    stack: contextlib.ExitStack,
    version: str,
    *,
    offers: bool,
) -> None:
    """The first page stays away after the end, so the second one has its place."""
    site = serve("--session_max_duration=4", "--session_warning=1")
    stack.callback(streamer(site, "Kiosk").stop)
    first, second = open_page(), open_page()
    first.open(site, version, offers=offers)
    second.page.goto(site.page(version, offers=offers))
    plays(second)
    second.page.wait_for_timeout(1500)
    assert len(first.sockets) == 1
    stands = first.page.evaluate("page.frameNumber()")
    second.page.wait_for_timeout(500)
    assert first.page.evaluate("page.frameNumber()") == stands
