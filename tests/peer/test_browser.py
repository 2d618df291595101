"""A real Chromium meets the streamer, without anybody's page in between."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from signalling.peer import channel_messages as m
from signalling.peer.datachannel import FROM_STREAMER, TO_STREAMER
from signalling.peer.streamer import run_streamers
from tests.peer.servers import Meeting, Start

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.media,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
DOCUMENTED = Path(__file__).parents[2] / "docs" / "streamer.md"

WATCH = """
async ([url, offers]) => {
  const video = Object.assign(document.createElement("video"), {muted: true, autoplay: true});
  document.body.append(video);
  const connection = new RTCPeerConnection();
  const socket = new WebSocket(url);
  const say = (type, fields) => socket.send(JSON.stringify({type, ...fields}));
  const adopt = (channel) => {
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({data}) => window.received.push(Array.from(new Uint8Array(data)));
    window.channel = channel;
  };
  Object.assign(window, {received: [], connection, video});
  connection.ontrack = ({track}) => {
    if (track.kind === "video") video.srcObject = new MediaStream([track]);
  };
  connection.ondatachannel = ({channel}) => adopt(channel);
  connection.onicecandidate = ({candidate}) => candidate && say("iceCandidate", {candidate});
  const handlers = {
    config: async () => {
      if (!offers) return say("subscribe", {streamerId: "Kiosk"});
      connection.addTransceiver("video", {direction: "recvonly"});
      connection.addTransceiver("audio", {direction: "recvonly"});
      adopt(connection.createDataChannel("cirrus"));
      await connection.setLocalDescription();
      say("offer", {sdp: connection.localDescription.sdp});
    },
    offer: async ({sdp}) => {
      await connection.setRemoteDescription({type: "offer", sdp});
      await connection.setLocalDescription();
      say("answer", {sdp: connection.localDescription.sdp});
    },
    answer: ({sdp}) => connection.setRemoteDescription({type: "answer", sdp}),
    iceCandidate: ({candidate}) => connection.addIceCandidate(candidate),
    ping: ({time}) => say("pong", {time}),
  };
  socket.onmessage = async ({data}) => {
    const message = JSON.parse(data);
    await handlers[message.type]?.(message);
  };
}
"""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """Return a page of a fresh Chromium that has the documented reader."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=CHROMIUM, args=FLAGS, headless=True
        )
        page = context.pages[0]
        await page.evaluate(f"() => {{ window.readFrameNumber = {_documented_reader()} }}")
        yield page
        await context.close()


def _documented_reader() -> str:
    found = re.search(r"```js\n(?://[^\n]*\n)?(.*?)```", DOCUMENTED.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


async def frame_number(page: Page, above: int) -> int:
    """Wait for a frame number above *above* in the picture."""
    handle = await page.wait_for_function(
        "above => { const n = readFrameNumber(video); return n > above ? n : 0; }",
        arg=above, timeout=20_000, polling=100,
    )  # fmt: skip
    return int(await handle.json_value())


async def answers(page: Page, message: m.Message, kind: type[m.Message]) -> Any:
    """Send *message* from the page; wait for the first answer of *kind*."""
    await page.wait_for_function("window.channel?.readyState === 'open'")
    number, data = FROM_STREAMER.id_of(kind), list(TO_STREAMER.serialise(message))
    await page.evaluate("data => channel.send(new Uint8Array(data))", data)
    handle = await page.wait_for_function(
        "number => received.find(message => message[0] === number)", arg=number
    )
    return FROM_STREAMER.parse(bytes(await handle.json_value()))


@pytest.mark.parametrize("offers", [False, True], ids=["answering", "offering"])
@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_chromium_plays_the_scene(
    meeting: Meeting, background: Start, page: Page, codec: str, *, offers: bool
) -> None:
    """The counter advances in the right size, and the data channel answers."""
    background(run_streamers(meeting.streamer(id="Kiosk", codec=codec, fps=30)))
    await meeting.listed("Kiosk")
    url = f"ws://127.0.0.1:{meeting.player_port}/"
    await page.evaluate(WATCH, [url, offers])
    await page.wait_for_function("video.videoWidth === 320 && video.videoHeight === 180")
    first = await frame_number(page, 0)
    assert await frame_number(page, first + 20) > first + 20
    echo = await answers(page, m.TestEcho(text="한글"), m.TestEcho)
    assert echo == m.TestEcho(text="한글")
