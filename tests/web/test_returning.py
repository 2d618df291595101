"""Whatever ends, the page says so in words, and comes back by itself where it should."""

import signal

import pytest
from playwright.async_api import WebSocketRoute

from tests.web.conftest import OpenViewer
from tests.web.programs import Server, Streamer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]


STILL_LIGHT = """() => {
  const still = document.querySelector(".still");
  const { data } = still.getContext("2d").getImageData(0, 0, still.width, still.height);
  return data.reduce((sum, level) => sum + level, 0) / data.length;
}"""
"""The mean level of the kept picture; of a black one a quarter of 255, for its opacity."""

DARK = 70


async def test_returns_after_the_streamer_restarts(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """The last picture stays, the page waits for this streamer, and input works again."""
    viewer = await new_viewer()
    with Streamer(lone_server, "Showroom"):
        await viewer.open(lone_server.url)
        await viewer.moves()
    await viewer.until("waiting")
    assert await viewer.page.locator(".still").is_visible()
    await viewer.page.wait_for_selector("text=Waiting for Showroom")
    with Streamer(lone_server, "Showroom"):
        await viewer.until("playing")
        await viewer.moves()
        await viewer.begin()
        await viewer.page.mouse.click(*await viewer.place(0.5, 0.5))
        await viewer.scene_saw("MouseDown(")
        assert await viewer.page.locator(".still").is_hidden()
    assert not any("Uncaught" in complaint for complaint in viewer.complaints)


async def test_returns_after_the_server_restarts(
    built_page: object, new_viewer: OpenViewer
) -> None:
    """The last picture stays however often the page tries in vain; then it plays again."""
    viewer = await new_viewer()
    with Server(str(built_page)) as first, Streamer(first, "Showroom"):
        await viewer.open(first.url)
        await viewer.moves()
    await viewer.until("reconnecting")
    phase = "window.pixelstreaming.viewer.session.phase"
    at = await viewer.page.evaluate(f"{phase}.at")
    await viewer.page.click("text=Try now")
    await viewer.eventually(f"{phase}.at > {at}")
    assert await viewer.page.locator(".still").is_visible()
    assert await viewer.page.evaluate(STILL_LIGHT) > DARK
    ports = {"player_port": first.player_port, "streamer_port": first.streamer_port}
    with Server(str(built_page), **ports) as second, Streamer(second, "Showroom"):
        await viewer.until("playing")
        await viewer.moves()


async def test_waits_for_the_first_streamer(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """Opened before any streamer runs, the page says so and starts by itself."""
    viewer = await new_viewer()
    await viewer.open(lone_server.url, state="waiting")
    await viewer.page.wait_for_selector("text=Waiting for a scene")
    with Streamer(lone_server, "Late"):
        await viewer.until("playing")
    assert viewer.complaints == []


async def test_a_second_streamer_is_a_choice(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """The visitor is asked, the choice is kept for the next visit, and can be changed."""
    viewer = await new_viewer()
    with Streamer(lone_server, "One"), Streamer(lone_server, "Two"):
        await viewer.open(lone_server.url, state="choosing")
        await viewer.page.click(".choice:has-text('Two')")
        await viewer.until("playing")
        assert viewer.page.url.endswith("?StreamerId=Two")
        await viewer.page.goto(lone_server.url)
        await viewer.until("playing")
        assert (await viewer.ask_scene("reportState"))["streamerId"] == "Two"
        await viewer.page.mouse.move(500, 400)
        await viewer.page.click(".picker")
        await viewer.page.click(".picker-sheet .choice:has-text('One')")
        await viewer.page.wait_for_selector("html[data-state=playing][data-streamer=One]")
        await viewer.moves()
        assert (await viewer.ask_scene("reportState"))["streamerId"] == "One"
    assert not any("Uncaught" in complaint for complaint in viewer.complaints)


async def test_a_streamer_in_the_address_is_the_one(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """`?StreamerId=` is waited for though another is there, which is offered meanwhile."""
    viewer = await new_viewer()
    with Streamer(lone_server, "One"):
        await viewer.open(f"{lone_server.url}?StreamerId=Two", state="waiting")
        await viewer.page.wait_for_selector(".choice:has-text('One')")
        with Streamer(lone_server, "Two"):
            await viewer.until("playing")
            assert (await viewer.ask_scene("reportState"))["streamerId"] == "Two"


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (4001, "", "Your time is used up."),
        (4005, "", "Your access has expired."),
        (1001, "Closing time", "Reason: Closing time"),
    ],
)
async def test_an_end_is_told_and_can_be_undone(
    server: Server, new_viewer: OpenViewer, code: int, reason: str, words: str
) -> None:
    """A final close frame stops the page with words; the button starts it again."""
    viewer = await new_viewer()
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    await viewer.page.route_web_socket("**/*", pass_on)
    await viewer.open(server.url)
    await sockets[-1].close(code=code, reason=reason)
    await viewer.until("ended")
    await viewer.page.wait_for_selector(f"text={words}")
    await viewer.page.click("text=Join again")
    await viewer.until("playing")
    await viewer.moves()


async def test_a_stopped_picture_is_told(lone_server: Server, new_viewer: OpenViewer) -> None:
    """A streamer that hangs is named after a few seconds, until it goes on."""
    viewer = await new_viewer()
    with Streamer(lone_server, "Showroom") as streamer:
        await viewer.open(lone_server.url)
        await viewer.moves()
        streamer.send_signal(signal.SIGSTOP)
        try:
            await viewer.page.wait_for_selector("text=The picture has stopped")
        finally:
            streamer.send_signal(signal.SIGCONT)
        await viewer.page.wait_for_selector("text=The picture has stopped", state="hidden")


async def test_sound_waits_for_the_first_click(server: Server, new_viewer: OpenViewer) -> None:
    """Where no sound is allowed yet, the picture plays at once and a click brings it."""
    viewer = await new_viewer()
    await viewer.page.add_init_script(autoplay_needs("this.muted || clicked"))
    await viewer.open(server.url)
    await viewer.moves()
    assert await viewer.page.evaluate("document.querySelector('video').muted")
    await viewer.page.wait_for_selector("text=Click for sound")
    await viewer.page.mouse.click(400, 400)
    await viewer.page.wait_for_selector("text=Click for sound", state="hidden")
    assert not await viewer.page.evaluate("document.querySelector('video').muted")


async def test_a_browser_that_wants_a_click_gets_one(
    server: Server, new_viewer: OpenViewer
) -> None:
    """Where the browser plays nothing unasked, a large button starts the picture."""
    viewer = await new_viewer()
    await viewer.page.add_init_script(autoplay_needs("clicked"))
    await viewer.open(server.url, state="blocked")
    await viewer.page.click("[aria-label=Play]")
    await viewer.until("playing")
    await viewer.moves()


def autoplay_needs(condition: str) -> str:
    """Return a script after which media plays under *condition* only, as browsers do."""
    return f"""
      let clicked = false;
      addEventListener("pointerdown", () => {{ clicked = true; }}, true);
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () {{
        return {condition} ? play.call(this)
          : Promise.reject(new DOMException("no gesture", "NotAllowedError"));
      }};"""
