"""The page plays the synthetic streamer in a real Chromium, and the scene is played with."""

import re

import pytest

from tests.web.conftest import OpenViewer
from tests.web.programs import Server
from tests.web.proxy import below_sub_path

FREEZE = """async () => {
  const canvas = new OffscreenCanvas(320, 180);
  canvas.getContext("2d").fillRect(0, 0, 320, 180);
  const jpeg = await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer();
  const message = new Uint8Array(5 + jpeg.byteLength);
  message[0] = 3;
  new DataView(message.buffer).setInt32(1, jpeg.byteLength, true);
  message.set(new Uint8Array(jpeg), 5);
  const controller = window.pixelstreaming.viewer.player.library.webRtcController;
  controller.onFreezeFrameMessage(message.buffer);
}"""
"""Hands the library a FreezeFrame message as it comes on the data channel."""

ASK_FOR_TEXT = """() => {
  const controller = window.pixelstreaming.viewer.player.library.webRtcController;
  const text = JSON.stringify({ command: "onScreenKeyboard", contents: "서울" });
  const message = new Uint8Array(1 + 2 * text.length);
  message[0] = 2;
  [...text].forEach((each, at) =>
    new DataView(message.buffer).setUint16(1 + 2 * at, each.charCodeAt(0), true));
  controller.onCommand(message.buffer);
}"""
"""Hands the library a Command message as engines send for a focused text field."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_plays_under_a_strict_policy_without_a_complaint(
    server: Server, new_viewer: OpenViewer
) -> None:
    """The counter in the picture advances, and the picture has its size."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.moves(frames=30)
    assert [await viewer.figure("width"), await viewer.figure("height")] == [320, 180]
    assert await viewer.figure("framesDecoded") > 0
    assert await viewer.page.title() == "Showroom – Pixel Streaming"
    assert viewer.complaints == []


async def test_a_click_lands_where_it_was_made(server: Server, new_viewer: OpenViewer) -> None:
    """The scene's pointer is at the clicked place of the picture, bars around it or not."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    for x, y in [(0.25, 0.75), (0.9, 0.1)]:
        await viewer.begin()
        await viewer.page.mouse.click(*await viewer.place(x, y))
        await viewer.scene_saw("MouseDown(", "MouseUp(")
        assert await viewer.pointer() == pytest.approx((x, y), abs=0.01)


async def test_typed_keys_reach_the_scene(server: Server, new_viewer: OpenViewer) -> None:
    """Down, press and up of a key arrive, after a click on a control too."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click(".bar [data-grade]")
    await viewer.page.keyboard.press("q")
    await viewer.scene_saw("KeyDown(key=81", "KeyPress(", "KeyUp(key=81")
    state = await viewer.ask_scene("reportState")
    assert state["lastKey"] == "KeyUp 81 (Q)"


async def test_statistics_show_the_running_stream(
    server: Server, new_viewer: OpenViewer
) -> None:
    """Opened from the bar, the panel has a figure in every row that this stream gives."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click(".bar [data-grade]")
    await viewer.eventually(
        "[...document.querySelectorAll('.statistics dd')].every((each) =>"
        " each.textContent !== '–' || each.previousSibling.textContent.includes('QP'))"
    )
    rows = await viewer.page.locator(".statistics dl > div").all_inner_texts()
    figures = dict(row.split("\n") for row in rows)
    assert figures["Resolution"] == "320 × 180"
    assert figures["Codec"] == "VP8"
    assert figures["Packet loss"] == "0.0 %"
    assert figures["Route"] == "direct (UDP)"
    assert re.fullmatch(r"\d+ fps", figures["Frame rate"])
    assert re.fullmatch(r"[\d.]+ [kM]bit/s", figures["Bitrate"])


async def test_full_screen_is_a_click_away(server: Server, new_viewer: OpenViewer) -> None:
    """The button enters full screen and then offers to leave it."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click("[aria-label='Full screen']")
    await viewer.page.click("[aria-label='Leave full screen']")
    await viewer.eventually("document.fullscreenElement === null")


async def test_controls_fade_and_come_back(server: Server, new_viewer: OpenViewer) -> None:
    """After three quiet seconds the bar is out of the way; a movement brings it back."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.wait_for_selector("html[data-idle]", state="attached")
    await viewer.page.mouse.move(300, 300)
    await viewer.page.wait_for_selector("html:not([data-idle])", state="attached")


async def test_below_a_sub_path(server: Server, new_viewer: OpenViewer) -> None:
    """Behind a proxy that serves it at `/show/room/`, page, files and socket stay there."""
    viewer = await new_viewer()
    asked: list[str] = []
    viewer.page.on("websocket", lambda socket: asked.append(socket.url))
    async with below_sub_path(server.url) as url:
        await viewer.open(url)
        await viewer.moves()
    assert asked == [url.replace("http:", "ws:") + "?resume=1"]
    assert viewer.complaints == []


async def test_microphone_is_heard_in_the_scene(server: Server, new_viewer: OpenViewer) -> None:
    """Switched on in the settings, the (fake) microphone's beeps arrive at the streamer."""
    viewer = await new_viewer(permissions=["microphone"])
    await viewer.open(server.url)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click("[aria-label=Settings]")
    await viewer.page.click("text=Microphone")
    await viewer.until("starting")
    await viewer.until("playing")
    await viewer.moves()
    while not (await viewer.ask_scene("reportAudio"))["heard"]:
        await viewer.moves(frames=5)


async def test_a_freeze_frame_covers_the_picture_and_not_the_controls(
    server: Server, new_viewer: OpenViewer
) -> None:
    """The engine's still picture shows under the strict policy; the bar stays usable."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.evaluate(FREEZE)
    await viewer.page.wait_for_selector("#freezeFrame img", state="visible")
    await viewer.eventually("document.querySelector('#freezeFrame img').naturalWidth === 320")
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click(".bar [data-grade]")
    assert await viewer.page.locator(".statistics").is_visible()
    assert viewer.complaints == []


async def test_text_for_the_scene_can_be_typed(server: Server, new_viewer: OpenViewer) -> None:
    """When the engine asks for a keyboard, a field opens with its text and sends it back."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.evaluate(ASK_FOR_TEXT)
    field = viewer.page.locator(".text-entry input")
    assert await field.input_value() == "서울"
    await field.fill("부산 sofa")
    await viewer.page.keyboard.press("Enter")
    await viewer.scene_saw("TextboxEntry(")
    assert (await viewer.ask_scene("reportState"))["lastKey"] == "Textbox 부산 sofa"
    assert await field.is_hidden()


async def test_a_refused_microphone_is_said(server: Server, new_viewer: OpenViewer) -> None:
    """Without the browser's permission the switch goes back and the page says why."""
    viewer = await new_viewer(permissions=[])
    await viewer.page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () =>"
        " Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    await viewer.open(server.url)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click("[aria-label=Settings]")
    await viewer.page.click("text=Microphone")
    await viewer.page.wait_for_selector("text=The browser does not allow the microphone.")
    assert not await viewer.page.is_checked("[name=microphone]")
    await viewer.moves()
