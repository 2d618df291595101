"""A partner steps in: two real Chromiums look at one scene, talk, and pass the input on."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from signalling.guests.tokens import GuestTokens
from tests.web.conftest import OpenViewer
from tests.web.programs import Server, Streamer
from tests.web.test_layout import PHONE
from tests.web.viewer import Viewer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]

BANNER = ".banner"
OPEN_ROOM = "window.pixelstreaming.viewer.panel.open('together')"


SECRET = "a session secret for tests of guests"


@pytest.fixture(scope="module")
def places(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with one instance of one place, whose players need a token."""
    options = (
        "--matchmaking",
        "--player_token=letmein",
        "--guests_per_visitor=1",
        f"--session_secret={SECRET}",
    )
    folder = tmp_path_factory.mktemp("data")
    with (
        Server(str(built_page), *options, f"--data_dir={folder}") as server,
        Streamer(server, "Showroom"),
    ):
        yield server


async def invite(visitor: Viewer, name: str = "") -> str:
    """Make a link on the visitor's page and return it."""
    page = visitor.page
    await page.wait_for_selector("html[data-invites]", state="attached")
    await page.evaluate(OPEN_ROOM)
    await page.get_by_label("Who is it for?").fill(name)
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_role("button", name="Create a link").click()
    return await page.locator(".open-link input").input_value()


async def press(viewer: Viewer, key: str) -> None:
    """Press a key on the picture."""
    await viewer.page.locator(".stage").focus()
    await viewer.page.keyboard.press(key)


async def say(viewer: Viewer, text: str) -> None:
    """Write a message in the room."""
    await viewer.page.evaluate(OPEN_ROOM)
    await viewer.page.fill(".talk textarea", text)
    await viewer.page.press(".talk textarea", "Enter")


async def test_a_partner_steps_in(places: Server, new_viewer: OpenViewer) -> None:
    """Link, picture, words both ways, and keys that count only with the input in hand."""
    visitor, partner = await new_viewer(), await new_viewer()
    await visitor.open(f"{places.url}?token=letmein")
    link = await invite(visitor, "Mina")
    assert link.startswith(f"{places.url}#invite=")
    await partner.page.goto(link)
    await partner.until("playing")
    await partner.moves()
    assert "invite" not in partner.page.url
    await expect(partner.page.locator(BANNER)).to_contain_text("looking along with Ada")
    await expect(visitor.page.locator(BANNER)).to_contain_text("Mina is looking along")
    await say(visitor, "Does the sofa fit?")
    await say(partner, "A lower one would.")
    for page in (visitor.page, partner.page):
        lines = page.locator(".talk .words")
        await expect(lines).to_have_text(["Does the sofa fit?", "A lower one would."])

    await visitor.begin()
    await press(partner, "k")
    await press(visitor, "v")
    saw = await visitor.scene_saw("KeyUp(key=86")
    assert "key=75" not in saw

    await visitor.page.get_by_role("button", name="Hand over the controls").click()
    await expect(partner.page.locator(BANNER)).to_contain_text("You have the controls")
    await expect(visitor.page.locator(BANNER)).to_contain_text("Mina has the controls")
    await partner.begin()
    await press(visitor, "v")
    await press(partner, "k")
    saw = await partner.scene_saw("KeyDown(key=75", "KeyUp(key=75")
    assert "key=86" not in saw
    await partner.page.keyboard.down("w")
    await partner.scene_saw("KeyDown(key=87")

    await visitor.page.get_by_role("button", name="Take back the controls").click()
    await expect(partner.page.locator(BANNER)).to_contain_text("looking along with Ada")
    state = await visitor.ask_scene("reportState")
    assert state["lastKey"] == "KeyUp 87 (W)", "what was held down is let go of"
    await visitor.begin()
    await press(partner, "k")
    await partner.page.mouse.click(*await partner.place(0.5, 0.5))
    await press(visitor, "v")
    saw = await visitor.scene_saw("KeyUp(key=86")
    assert "key=75" not in saw
    assert "MouseDown" not in saw
    await visitor.moves()
    assert visitor.complaints == partner.complaints == []


async def test_a_reload_keeps_room_and_seat(server: Server, new_viewer: OpenViewer) -> None:
    """Guest and visitor reload: both are back, with what was said; the guest waits."""
    visitor, partner = await new_viewer(), await new_viewer()
    await visitor.open(server.url)
    await partner.page.goto(await invite(visitor, "Mina"))
    await partner.until("playing")
    await say(partner, "Here I am.")
    await partner.page.reload()
    await partner.until("playing")
    await expect(visitor.page.locator(BANNER)).to_contain_text("Mina is looking along")
    await visitor.page.goto("about:blank")
    await partner.until("awaiting")
    await partner.page.wait_for_selector("text=Waiting for the visitor")
    await visitor.page.goto(server.url)
    await visitor.until("playing")
    await partner.until("playing")
    await partner.moves()
    await visitor.page.evaluate(OPEN_ROOM)
    await expect(visitor.page.locator(".talk .words")).to_have_text(["Here I am."])


async def test_a_guest_is_sent_away(server: Server, new_viewer: OpenViewer) -> None:
    """One click: the guest's page says so. A link opens for one, and taken back for nobody."""
    visitor, partner, third = await new_viewer(), await new_viewer(), await new_viewer()
    await visitor.open(server.url)
    link = await invite(visitor, "Mina")
    await partner.page.goto(link)
    await partner.until("playing")
    await third.page.goto(link)
    await third.page.wait_for_selector("text=Somebody came by this link already.")
    await visitor.page.get_by_role("button", name="Send Mina away").click()
    await partner.page.wait_for_selector("text=The visitor ended the invitation.")
    await expect(visitor.page.locator(BANNER)).to_be_hidden()
    await third.page.goto("about:blank")
    await third.page.goto(link)
    await third.page.wait_for_selector("text=The invitation was taken back.")
    assert await third.page.get_by_role("button", name="Join again").count() == 0


async def test_links_that_do_not_open(places: Server, new_viewer: OpenViewer) -> None:
    """Forged, out of date, of a visit that is over: the page says which, and plays nothing."""
    viewer = await new_viewer()
    tokens, now = GuestTokens(SECRET), time.time()
    for token, words in [
        ("forged", "was not made here"),
        (tokens.invite("room", "one", expires_at=now - 60), "was not opened in time"),
        (tokens.invite("room", "one", expires_at=now + 60), "The visit that this link"),
    ]:
        # The address differs behind # only: the tab that shows the page already takes it too.
        await viewer.page.goto(f"{places.url}#invite={token}")
        await viewer.page.wait_for_selector(f"text={words}")
        assert "invite" not in viewer.page.url


async def test_the_room_in_korean_on_a_phone(server: Server, new_viewer: OpenViewer) -> None:
    """Banner, people and messages fit an upright phone and speak the visitor's language."""
    visitor = await new_viewer(**{**PHONE, "locale": "en-US"})
    partner = await new_viewer(**{**PHONE, "locale": "ko-KR"})
    await visitor.open(server.url)
    link = await invite(visitor, "김민아 인테리어 디자인 스튜디오")
    assert await visitor.overflow() == []
    await partner.page.goto(link)
    await partner.until("playing")
    await partner.page.wait_for_selector("text=Ada 님과 함께 보고 있습니다")
    await say(partner, "안녕하세요, 디자이너 김민아입니다. 어떤 공간을 보고 계세요?")
    for phone in (visitor, partner):
        await expect(phone.page.locator(".talk .words")).to_have_count(1)
        assert await phone.overflow() == []
