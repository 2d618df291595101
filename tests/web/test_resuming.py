"""A network that breaks under the signalling costs the visitor nothing."""

import asyncio

import pytest

from tests.web.conftest import OpenViewer
from tests.web.network import network
from tests.web.programs import LogLine, Server, Streamer
from tests.web.viewer import Viewer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.asyncio(loop_scope="session"),
]

RECORD_STATES = """() => {
  window.states = [];
  new MutationObserver(() => window.states.push(document.documentElement.dataset.state))
    .observe(document.documentElement, { attributeFilter: ["data-state"] });
}"""

ASK_FOR_LIST = """() => new Promise((resolve) => {
  const { player } = window.pixelstreaming.viewer;
  player.on("streamerList", ({ ids }) => resolve(ids));
  player.send({ type: "listStreamers" });
})"""

FREEZES = """async () => {
  const { library } = window.pixelstreaming.viewer.player;
  const { peerConnection } = library.webRtcController.peerConnectionController;
  const stats = [...(await peerConnection.getStats()).values()];
  return stats.find((each) => each.type === "inbound-rtp" && each.kind === "video").freezeCount;
}"""


CUTS = 5


async def told(server: Server, event: str) -> LogLine:
    """Wait for a log line, and let the network carry on meanwhile."""
    return await asyncio.to_thread(server.wait_for, event)


async def goes_on(viewer: Viewer) -> None:
    """Assert that picture, input and signalling work."""
    await viewer.moves()
    assert await viewer.page.evaluate(ASK_FOR_LIST) == ["Showroom"]
    await viewer.begin()
    await viewer.page.mouse.click(*await viewer.place(0.5, 0.5))
    await viewer.scene_saw("MouseDown(")


async def test_a_cut_connection_is_not_noticed(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """Cut hard five times, the page plays on in the same state without a freeze."""
    viewer = await new_viewer()
    with Streamer(lone_server, "Showroom"):
        async with network(lone_server.player_port) as line:
            await viewer.open(line.url)
            await viewer.moves()
            await viewer.page.evaluate(RECORD_STATES)
            for _ in range(CUTS):
                line.cut()
                await told(lone_server, "player_resumed")
                await viewer.moves(frames=3)
            await goes_on(viewer)
            assert await viewer.page.evaluate("window.states") == []
            # Cuts that stopped the picture would do so every time; a busy machine does once.
            assert await viewer.page.evaluate(FREEZES) < CUTS / 2


async def test_a_lost_network_is_not_noticed(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """What was said while the network was away for a while arrives when it is back."""
    viewer = await new_viewer()
    with Streamer(lone_server, "Showroom"):
        async with network(lone_server.player_port) as line:
            await viewer.open(line.url)
            await viewer.page.evaluate(RECORD_STATES)
            line.fail()
            await told(lone_server, "player_away")
            await viewer.moves(frames=30)
            line.recover()
            await goes_on(viewer)
            assert await viewer.page.evaluate("window.states") == []
            assert await viewer.page.evaluate(FREEZES) == 0


async def test_without_resuming_it_comes_back_by_itself(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """With `?resume=0` a cut ends the picture at once, and the page starts it again."""
    viewer = await new_viewer()
    with Streamer(lone_server, "Showroom"):
        async with network(lone_server.player_port) as line:
            await viewer.open(f"{line.url}?resume=0")
            line.cut()
            await viewer.until("reconnecting")
            await viewer.until("playing")
            await goes_on(viewer)


async def test_a_page_that_leaves_while_away_says_goodbye_later(
    lone_server: Server, new_viewer: OpenViewer
) -> None:
    """It holds no place on the server once it can say so."""
    viewer = await new_viewer()
    with Streamer(lone_server, "Showroom"):
        async with network(lone_server.player_port) as line:
            await viewer.open(line.url)
            line.fail()
            await told(lone_server, "player_away")
            await viewer.page.evaluate("window.pixelstreaming.viewer.player.drop()")
            line.recover()
            assert (await told(lone_server, "disconnected"))["code"] == 1006
            # The streamer may have turned it out first: its media ended.
            assert (await told(lone_server, "disconnected"))["code"] in {1000, 1011}
