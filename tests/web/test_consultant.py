"""The whole of it: a visitor, the real consultant, and a product seen in the video."""

import colorsys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from signalling.peer.scene import colour_of
from tests.web.conftest import OpenViewer
from tests.web.programs import Server, Streamer
from tests.web.test_layout import PHONE
from tests.web.viewer import Viewer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]

FIELD = ".composer textarea"
ANSWER_MS = 20_000

INDEX_SECONDS = 120
"""What embedding the demonstration catalogue may take; some five on an idle machine."""

SHARE_OF_HUE = """(hue) => {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  const [width, height] = [video.videoWidth, video.videoHeight];
  [canvas.width, canvas.height] = [width * 0.2, height * 0.3];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, -width * 0.4, -height * 0.31);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let alike = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
    const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
    if (most - least < 0.3 * most) continue;
    const sixth = most === r ? (g - b) / (most - least)
      : most === g ? 2 + (b - r) / (most - least) : 4 + (r - g) / (most - least);
    const away = Math.abs(((sixth * 60 - hue + 540) % 360) - 180);
    if (away < 15) alike += 1;
  }
  return (4 * alike) / data.length;
}"""
"""Returns the share of the middle of the picture that has about this hue, in degrees."""


@pytest.fixture(scope="module")
def showroom(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with the demonstration catalogue and a scene."""
    folder = tmp_path_factory.mktemp("showroom")
    options = ("--retrieval", "--demo_catalogue", f"--data_dir={folder}")
    with Server(str(built_page), *options) as server, Streamer(server, "Showroom"):
        server.wait_for("retrieval_ready", seconds=INDEX_SECONDS)
        yield server


async def _enter(server: Server, new_viewer: OpenViewer, **options: Any) -> Viewer:
    viewer = await new_viewer(**options)
    await viewer.open(server.url)
    await viewer.page.wait_for_selector(".openers button", state="attached")
    await viewer.page.evaluate("window.pixelstreaming.viewer.panel.open('chat')")
    return viewer


async def _ask(page: Page, text: str) -> None:
    """Type a question and wait for the end of its answer."""
    turns = await page.locator(".turn").count()
    await page.fill(FIELD, text)
    await page.press(FIELD, "Enter")
    await expect(page.locator(".turn")).to_have_count(turns + 1)
    await expect(page.locator(".turn:last-child .turn-foot")).to_be_visible(timeout=ANSWER_MS)


async def _prices(page: Page) -> list[int]:
    texts = await page.locator(".turn:last-child .product-price").all_text_contents()
    return [int("".join(c for c in text if c.isdigit())) for text in texts]


async def _pictures_are_there(viewer: Viewer) -> None:
    """Wait until each picture of the last turn's open cards has been drawn."""
    pictures = "document.querySelectorAll('.turn:last-child > .products img')"
    drawn = "(all) => all.length > 0 && all.every((each) => each.naturalWidth > 0)"
    await viewer.eventually(f"({drawn})([...{pictures}])")


def _hue(asset: str) -> float:
    """Return the hue in which the scene draws a product, in degrees."""
    red, green, blue = (part / 255 for part in colour_of(asset))
    return 360 * colorsys.rgb_to_hsv(red, green, blue)[0]


async def _asset_of(page: Page, card: str) -> str:
    """Return the asset of a card's product, as the catalogue has it."""
    picture = await page.locator(f"{card} img").get_attribute("src")
    product = str(picture).rsplit("/", 1)[-1].removesuffix(".svg")
    row = await page.request.get(page.url.split("?")[0] + f"api/catalogue/{product}")
    return str((await row.json())["ueAsset"])


async def _until_seen(viewer: Viewer, hue: float, *, at_least: float) -> None:
    """Wait until a body of this hue stands in the middle of the video."""
    await viewer.eventually(f"({SHARE_OF_HUE})({hue}) >= {at_least}")


async def _show(viewer: Viewer, card: str) -> str:
    """Press a card's button and wait for the scene's word; return the product's asset."""
    page = viewer.page
    await page.click(f"{card} .show")
    name = await page.locator(f"{card} h3").inner_text()
    await expect(page.locator(".product[data-shown] h3")).to_have_text(name)
    product = (await viewer.ask_scene("reportState"))["product"]
    assert product["name"] == name
    return str(product["asset"])


async def _figure(viewer: Viewer, server: Server, line: str) -> bool:
    answer = await viewer.page.request.get(f"{server.url}metrics")
    return line in await answer.text()


async def test_a_sofa_for_the_living_room(showroom: Server, new_viewer: OpenViewer) -> None:
    """Cards inside the budget, words, the sofa in the video, a thumb, and partners."""
    viewer = await _enter(showroom, new_viewer, locale="ko-KR")
    page = viewer.page
    await _ask(page, "거실에 둘 따뜻한 느낌의 소파, 150만원 이하")
    prices = await _prices(page)
    assert prices
    assert max(prices) <= 1_500_000
    await _pictures_are_there(viewer)
    name = await page.locator(".turn:last-child .product h3").first.inner_text()
    await expect(page.locator(".turn:last-child .answer")).to_contain_text(name)
    card = ".turn:last-child > .products .product:first-child"
    hue = _hue(await _asset_of(page, card))
    before = await page.evaluate(SHARE_OF_HUE, hue)
    assert _hue(await _show(viewer, card)) == hue
    await _until_seen(viewer, hue, at_least=max(0.1, 2 * before))
    await page.click(".turn-foot [aria-label='도움이 됐어요']")
    await _ask(page, "더 저렴한 걸로")
    cheaper = await _prices(page)
    assert cheaper
    assert max(cheaper) < max(prices)
    await _ask(page, "서울에서 작은 아파트를 맡길 디자이너를 찾아줘")
    await expect(page.locator(".turn:last-child .partner").first).to_contain_text("서울")
    assert await _figure(viewer, showroom, 'signalling_chat_feedback_total{helpful="yes"} 1.0')
    assert viewer.complaints == []


async def test_in_english_on_a_phone(showroom: Server, new_viewer: OpenViewer) -> None:
    """The same on a narrow screen; the consultant itself shows what it is asked to show."""
    options = {**PHONE, "locale": "en-US"}
    viewer = await _enter(showroom, new_viewer, **options)
    page = viewer.page
    await _ask(page, "a warm sofa for the living room under 1,500,000 won")
    assert max(await _prices(page)) <= 1_500_000
    await _pictures_are_there(viewer)
    await _ask(page, "show me the second one")
    product = (await viewer.ask_scene("reportState"))["product"]
    await expect(page.locator(".product[data-shown] h3").first).to_have_text(product["name"])
    await _until_seen(viewer, _hue(product["asset"]), at_least=0.1)
    await _ask(page, "find me a designer in Seoul for a small apartment")
    await expect(page.locator(".turn:last-child .partner").first).to_contain_text("Seoul")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert viewer.complaints == []
