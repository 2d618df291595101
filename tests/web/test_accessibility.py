"""The page by the rules of axe-core, in each of the states a visitor comes to."""

from typing import Any

import pytest

from tests.web.conftest import SOURCE, OpenViewer
from tests.web.consultant import SOFAS
from tests.web.programs import Server
from tests.web.test_chat import ATELIER, Room, enter
from tests.web.test_layout import PHONE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]

RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join(" "))]);
}"""


async def violations(room: Room) -> list[Any]:
    """Return the rules that the page breaks now, with the elements that do."""
    axe = SOURCE / "node_modules" / "axe-core" / "axe.min.js"
    await room.page.evaluate(axe.read_text("utf-8"))
    found: list[Any] = await room.page.evaluate(RUN)
    return found


@pytest.mark.parametrize(
    "options",
    [{}, {**PHONE, "locale": "ko-KR"}],
    ids=["desktop", "phone in Korean"],
)
async def test_the_chat_by_the_rules(
    server: Server, new_viewer: OpenViewer, options: dict[str, Any]
) -> None:
    """Empty, thinking, with cards and partners, and after a refusal: no rule is broken."""
    room = await enter(server, new_viewer, options=options)
    assert await violations(room) == []
    await room.ask()
    assert await violations(room) == []
    room.consultant.say("chatProducts", products=SOFAS)
    room.consultant.say("chatDelta", text="These two are warm.")
    room.consultant.say("chatDone", timings={})
    await room.ask("Find me a designer in Seoul")
    room.consultant.say("chatPartners", partners=[ATELIER])
    room.consultant.say("chatDone", timings={})
    await room.ask("And a lamp?")
    room.consultant.say("chatError", code="rate_limited", message="", retryAfter=9)
    await room.page.wait_for_selector(".fault")
    assert await violations(room) == []


async def test_the_way_by_keyboard(server: Server, new_viewer: OpenViewer) -> None:
    """Tab goes over the buttons of a card in the order in which they are read."""
    room = await enter(server, new_viewer)
    await room.ask()
    room.consultant.say("chatProducts", products=SOFAS[:1])
    room.consultant.say("chatDone", timings={})
    await room.page.wait_for_selector(".turn-foot .thumb")
    await room.page.locator(".chat-log").focus()
    names: list[str] = []
    for _ in range(4):
        await room.page.keyboard.press("Tab")
        names.append(await room.page.evaluate("document.activeElement.innerText || ''"))
        names[-1] += await room.page.evaluate(
            "document.activeElement.getAttribute('aria-label') || ''"
        )
    assert "Show in scene" in names[0]
    assert names[1].endswith(": helpful")
    assert names[2].endswith(": not helpful")
