"""Phone width, touch, and the room beside the picture."""

import pytest

from tests.web.conftest import OpenViewer
from tests.web.programs import Server, Streamer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]

PHONE = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "locale": "ko-KR",
}

BUTTON_SIZES = """() => [...document.querySelectorAll(".bar > :not(.popover)")]
  .flatMap((each) => each.matches("button") ? [each] : [...each.querySelectorAll("button")])
  .filter((each) => each.checkVisibility())
  .map((each) => [each.offsetWidth, each.offsetHeight])"""

OFFER = """() => window.pixelstreaming.viewer.panel.offer({
  id: "test", title: "Test panel", icon: "chat",
  mount: (room) => room.append(document.createElement("input")),
})"""


async def test_nothing_sticks_out_on_a_phone(server: Server, new_viewer: OpenViewer) -> None:
    """At 360 pixels, in Korean, every sheet and the bar stay inside the window."""
    viewer = await new_viewer(**PHONE)
    await viewer.open(server.url)
    assert await viewer.overflow() == []
    for opener in ["[aria-label^=통계]", "[aria-label=설정]"]:
        await viewer.page.tap(f".bar {opener}")
        await viewer.page.evaluate(
            "Promise.all(document.getAnimations().map((each) => each.finished))"
        )
        assert await viewer.overflow() == []
    assert await viewer.page.get_attribute("html", "lang") == "ko"


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", ["en-US", "ko-KR"])
async def test_the_bar_fits_whatever_stands_in_it(
    lone_server: Server, new_viewer: OpenViewer, width: int, language: str
) -> None:
    """A choice of streamers and two rooms: all in one row, each still to be touched."""
    viewer = await new_viewer(
        **{**PHONE, "viewport": {"width": width, "height": 600}, "locale": language}
    )
    with Streamer(lone_server, "One"), Streamer(lone_server, "Two with a name that is long"):
        await viewer.open(f"{lone_server.url}?StreamerId=One")
        await viewer.page.evaluate(OFFER)
        await viewer.page.touchscreen.tap(100, 100)
        await viewer.eventually("!document.querySelector('.picker').disabled")
        assert await viewer.overflow() == []
        sizes = await viewer.page.evaluate(BUTTON_SIZES)
        assert len(sizes) == 7
        assert min(min(size) for size in sizes) >= 36
        await viewer.page.tap(".picker")
        await viewer.page.tap(".choice:has-text('Two')")
        await viewer.eventually("document.documentElement.dataset.streamer.startsWith('Two')")


async def test_beside_an_open_panel_the_words_of_the_bar_give_way(
    server: Server, new_viewer: OpenViewer
) -> None:
    """On a phone held sideways an open room halves the bar; the streamer's name stays whole."""
    viewer = await new_viewer(**{**PHONE, "viewport": {"width": 740, "height": 360}})
    await viewer.open(server.url)
    await viewer.page.evaluate(OFFER)
    await viewer.page.evaluate("window.pixelstreaming.viewer.panel.open('test')")
    await viewer.page.touchscreen.tap(100, 100)
    name = await viewer.page.evaluate(
        "(({ offsetWidth, scrollWidth }) => [offsetWidth, scrollWidth])"
        "(document.querySelector('.picker .name'))"
    )
    assert name[0] == name[1] > 0
    words = viewer.page.locator(".openers .labelled > span")
    assert {await one.evaluate("(each) => each.offsetWidth") for one in await words.all()} == {
        1
    }


async def test_offers_stand_in_the_order_of_their_names(
    server: Server, new_viewer: OpenViewer
) -> None:
    """Whichever is offered first, the bar is the same at each visit."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    for name in ("zoo", "art", "map"):
        await viewer.page.evaluate(OFFER.replace('"test"', f'"{name}"'))
    openers = viewer.page.locator(".openers button")
    names = [await one.get_attribute("data-opener") for one in await openers.all()]
    assert names == sorted(str(name) for name in names)
    assert {"zoo", "art", "map"} <= set(names)


async def test_a_touch_reaches_the_scene(server: Server, new_viewer: OpenViewer) -> None:
    """A tap on the picture is a touch in the scene, at the same place."""
    viewer = await new_viewer(**PHONE)
    await viewer.open(server.url)
    await viewer.page.touchscreen.tap(*await viewer.place(0.25, 0.5))
    await viewer.scene_saw("TouchStart(", "TouchEnd(")
    assert await viewer.pointer() == pytest.approx((0.25, 0.5), abs=0.01)


async def test_the_panel_takes_no_room_until_something_is_offered(
    server: Server, new_viewer: OpenViewer
) -> None:
    """An offer brings a button, the open panel narrows the picture, clicks still fit."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    assert await viewer.page.locator("[data-opener=test]").count() == 0
    await viewer.page.evaluate(OFFER)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click("[aria-label='Test panel']")
    await viewer.eventually("document.querySelector('.stage').clientWidth < 800")
    await viewer.page.mouse.click(*await viewer.place(0.8, 0.2))
    await viewer.scene_saw("MouseDown(")
    assert await viewer.pointer() == pytest.approx((0.8, 0.2), abs=0.01)
    await viewer.page.evaluate("window.pixelstreaming.viewer.panel.withdraw('test')")
    await viewer.eventually("document.querySelector('.stage').clientWidth === 1024")
    assert await viewer.page.locator("[data-opener=test]").count() == 0


async def test_what_is_typed_in_the_panel_stays_there(
    server: Server, new_viewer: OpenViewer
) -> None:
    """Keys in a panel's field do not steer the scene; after a click on the picture they do."""
    viewer = await new_viewer()
    await viewer.open(server.url)
    await viewer.page.evaluate(OFFER)
    await viewer.page.mouse.move(500, 400)
    await viewer.page.click("[aria-label='Test panel']")
    await viewer.page.fill(".room input", "")
    await viewer.page.type(".room input", "zz")
    await viewer.page.mouse.click(*await viewer.place(0.5, 0.5))
    await viewer.page.keyboard.press("x")
    await viewer.eventually("document.querySelector('.room input').value === 'zz'")
    inputs = await viewer.scene_saw("KeyUp(key=88")
    assert "key=90" not in inputs


async def test_on_a_phone_the_panel_is_a_sheet_below(
    server: Server, new_viewer: OpenViewer
) -> None:
    """In portrait the picture stays whole above the panel."""
    viewer = await new_viewer(**PHONE)
    await viewer.open(server.url)
    await viewer.page.evaluate(OFFER)
    await viewer.page.evaluate("window.pixelstreaming.viewer.panel.open('test')")
    panel = await viewer.page.locator(".panel").bounding_box()
    stage = await viewer.page.locator(".stage").bounding_box()
    assert panel is not None
    assert stage is not None
    assert panel["width"] == 360
    assert stage["y"] + stage["height"] <= panel["y"] + 0.5
    assert await viewer.overflow() == []
