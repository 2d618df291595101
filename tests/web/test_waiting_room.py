"""Where the server gives out places, the page waits in line, plays, and says when it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import OpenViewer
from tests.web.programs import Server, Streamer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def give_places(built_page: Path, tmp_path: Path) -> Iterator[Server]:
    """Give a server that gives out places, without streamers."""
    options = ("--matchmaking", f"--data_dir={tmp_path}", "--queue_push_interval=0.1")
    with Server(str(built_page), *options) as server:
        yield server


async def test_two_visitors_share_one_scene_in_turn(
    give_places: Server, new_viewer: OpenViewer
) -> None:
    """The second waits in line, sees its place, and plays when the first leaves."""
    first, second, third = await new_viewer(), await new_viewer(), await new_viewer()
    with Streamer(give_places, "Showroom"):
        await first.open(give_places.url)
        await second.open(give_places.url, state="queued")
        await second.page.wait_for_selector("text=You are next")
        await third.open(give_places.url, state="queued")
        await third.page.wait_for_selector("text=You are number 2 in line")
        assert await third.page.locator(".place").inner_text() == "2"
        await first.page.evaluate(
            "window.pixelstreaming.viewer.player.send({ type: 'sessionRelease' })"
        )
        await second.until("playing")
        await second.moves()
        await third.page.wait_for_selector("text=You are next")
        await first.page.wait_for_selector("text=It was given back")
        await first.page.click("text=Join again")
        await first.page.wait_for_selector("text=You are number 2 in line")
    assert not any("Uncaught" in line for line in second.complaints)


async def test_the_waiting_room_in_korean_on_a_phone(
    give_places: Server, new_viewer: OpenViewer
) -> None:
    """It fits an upright phone and speaks the visitor's language."""
    viewer = await new_viewer(viewport=PHONE, locale="ko-KR")
    await viewer.open(give_places.url, state="queued")
    await viewer.page.wait_for_selector("text=다음 차례입니다")
    assert await viewer.overflow() == []


async def test_who_loses_the_scene_waits_at_the_head_with_the_last_picture(
    give_places: Server, new_viewer: OpenViewer
) -> None:
    """The page keeps its socket, shows its place, and plays the next instance."""
    viewer = await new_viewer()
    with Streamer(give_places, "One"):
        await viewer.open(give_places.url)
        await viewer.moves()
    await viewer.until("queued")
    await viewer.page.wait_for_selector("text=You are next")
    assert await viewer.page.locator(".still").is_visible()
    with Streamer(give_places, "Two"):
        await viewer.until("playing")
        await viewer.moves()


async def test_a_reload_keeps_the_place(give_places: Server, new_viewer: OpenViewer) -> None:
    """The same visitor gets the same session, ahead of who waits."""
    viewer, waiter = await new_viewer(), await new_viewer()
    with Streamer(give_places, "Showroom"):
        await viewer.open(give_places.url)
        await waiter.open(give_places.url, state="queued")
        await viewer.page.reload()
        await viewer.until("playing")
        await viewer.moves()
        await waiter.until("queued")


async def test_the_end_is_warned_of_and_said(
    built_page: Path, tmp_path: Path, new_viewer: OpenViewer
) -> None:
    """A line counts down; then the page says why it ended, and offers to come back."""
    limits = ("--session_max_duration=5", "--session_warning=4.5", f"--data_dir={tmp_path}")
    viewer = await new_viewer()
    with (
        Server(str(built_page), "--matchmaking", *limits) as server,
        Streamer(server, "Showroom"),
    ):
        await viewer.open(server.url)
        await viewer.page.wait_for_selector("text=Your session ends soon")
        assert (await viewer.page.locator(".ending-clock").inner_text()).endswith(" s")
        await viewer.until("ended")
        await viewer.page.wait_for_selector("text=Your time is used up")
        await viewer.page.click("text=Join again")
        await viewer.until("playing")


async def test_input_keeps_the_session(
    built_page: Path, tmp_path: Path, new_viewer: OpenViewer
) -> None:
    """The warning of idleness goes with the first move; without one the session ends."""
    limits = ("--session_idle_timeout=6", "--session_warning=4", f"--data_dir={tmp_path}")
    viewer = await new_viewer()
    with (
        Server(str(built_page), "--matchmaking", *limits) as server,
        Streamer(server, "Showroom"),
    ):
        await viewer.open(server.url)
        warning = viewer.page.locator("text=Are you still there?")
        await warning.wait_for()
        await viewer.page.mouse.move(200, 200)
        await warning.wait_for(state="hidden")
        await warning.wait_for()
        await viewer.until("ended")
        await viewer.page.wait_for_selector("text=There was no input for a while")
