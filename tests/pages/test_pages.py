"""Epic's pages of UE 5.2 to 5.7 in Chromium, before a real server and streamer."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.sites import Site

pytestmark = [pytest.mark.browser, pytest.mark.media]

FIRST_FRAME_SECONDS = 20.0
"""How long the first picture may take on a busy machine."""

NEXT_SECONDS = 10.0
"""How long whatever comes after it may take."""

POLL_MS = 50

ANSWERING = ["5.2", "5.3", "5.4", "5.5", "5.6", "5.7"]
OFFERING = ["5.2", "5.3", "5.4", "5.6", "5.7"]
"""5.5 cannot offer."""

CASES = [
    *(("auto", version, False) for version in ANSWERING),
    *(("auto", version, True) for version in OFFERING),
    ("cirrus", "5.2", False),
    ("cirrus", "5.4", False),
    ("cirrus", "5.4", True),
    ("wilbur", "5.5", False),
    ("wilbur", "5.7", False),
    ("wilbur", "5.4", True),
    ("wilbur", "5.7", True),
]


KNOWN_COMPLAINTS = {
    # Epic's libraries do not know this message of their own engine.
    "DataChannelLatencyTest",
    # Pages of 5.2 miss a field that engines from 5.3 on no longer send.
    "didn't contain at least an id and a byteLength",
}
"""What the libraries say of the data channel's Protocol message, whatever the server."""


class Watched:
    """A page and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.sockets: list[str] = []
        page.on("websocket", lambda socket: self.sockets.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self._hear(line.type, line.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not any(known in text for known in KNOWN_COMPLAINTS):
            self.complaints.append(text)

    def open(self, site: Site, version: str, *, offers: bool) -> None:
        """Open a version's page and wait for its picture to move."""
        self.page.goto(site.page(version, offers=offers))
        self.wait_for("page.frameNumber() !== null", seconds=FIRST_FRAME_SECONDS)
        first = self.page.evaluate("page.frameNumber()")
        self.wait_for(f"page.frameNumber() > {first}")

    def wait_for(self, expression: str, *, seconds: float = NEXT_SECONDS) -> None:
        """
        Wait until *expression* holds.

        Playwright's own waiting evaluates text inside the page, which the
        server's Content-Security-Policy forbids.
        """
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, (expression, self.complaints)
            self.page.wait_for_timeout(POLL_MS)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """Give a fresh page."""
    page = browser.new_page(viewport={"width": 640, "height": 360})
    yield Watched(page)
    page.close()


@pytest.mark.parametrize(("dialect", "version", "offers"), CASES)
def test_page_plays(
    sites: Callable[[str], Site],
    watched: Watched,
    dialect: str,
    version: str,
    *,
    offers: bool,
) -> None:
    """The picture moves, the data channel answers, and nothing is complained about."""
    watched.open(sites(dialect), version, offers=offers)
    page = watched.page
    assert page.evaluate("document.querySelector('video').videoWidth") == 320
    watched.wait_for("page.seen.settings > 0")
    page.evaluate("page.ask('reportState')")
    watched.wait_for("page.seen.responses.length > 0")
    statistics = page.evaluate("page.videoStatistics()")
    assert statistics["framesDecoded"] > 0
    assert statistics["freezeCount"] == 0
    assert page.evaluate("page.connections()") == 1
    assert watched.complaints == []
    if version == "5.7":
        assert page.evaluate("page.playerId()")
    if dialect == "cirrus":
        watched.wait_for("page.seen.playerCount === 1")
