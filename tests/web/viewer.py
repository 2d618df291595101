"""The page as a test sees it: states, picture, what the scene heard."""

import asyncio
import uuid
from typing import Any, Final

from playwright.async_api import ConsoleMessage, Page, Response
from playwright.async_api import TimeoutError as PlaywrightTimeout

FIRST_FRAME_MS: Final = 20_000

ASKED_PATH: Final = "/api/chat"
"""Not found where there is no chat: that is an answer."""

READ_COUNTER: Final = """() => {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  if (canvas.width === 0) return null;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const cell = Math.floor(canvas.width / 64);
  const y = canvas.height - 1 - Math.floor(cell / 2);
  const level = (index) =>
    context.getImageData(index * cell + Math.floor(cell / 2), y, 1, 1).data[1];
  const [white, black] = [level(0), level(1)];
  if (white - black < 64) return null;
  const bit = (index) => (level(index) > (white + black) / 2 ? 1 : 0);
  const number = (first, count) =>
    Array.from({ length: count }, (_, i) => bit(first + i)).reduce((a, b) => 2 * a + b, 0);
  const ones = Array.from({ length: 24 }, (_, i) => bit(2 + i)).reduce((a, b) => a + b, 0);
  return number(26, 6) === ones ? number(2, 24) : null;
}"""
"""Reads the frame number that the synthetic streamer draws into its picture."""

PLACE: Final = """([x, y]) => {
  const video = document.querySelector("video");
  const box = video.getBoundingClientRect();
  const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
  return [
    box.left + (box.width - width) / 2 + x * width,
    box.top + (box.height - height) / 2 + y * height,
  ];
}"""
"""Turns a place in the picture into one on the page."""

ASK_SCENE: Final = """([type, mark]) => new Promise((resolve) => {
  const { library } = window.pixelstreaming.viewer.player;
  const ask = () => library.emitUIInteraction({ mark, type });
  const timer = setInterval(ask, 500); // what is sent before the data channel opens is lost
  library.addResponseEventListener("test", (text) => {
    const answer = JSON.parse(text);
    if (answer.type !== type) return;
    clearInterval(timer);
    resolve(answer);
  });
  ask();
})"""


class Viewer:
    """One opened page with everything it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._mark = ""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", self._on_response)
        page.set_default_timeout(FIRST_FRAME_MS)

    async def open(self, url: str, *, state: str = "playing") -> None:
        """Open the page and wait until it says *state*; a playing scene hears it too."""
        await self.page.goto(url)
        await self.until(state)
        if state == "playing":
            await self.begin()

    async def begin(self) -> None:
        """Mark the scene's list of inputs: what others did before does not count."""
        self._mark = uuid.uuid4().hex[:8]
        await self.ask_scene("reportInputs")

    async def until(self, *states: str) -> None:
        """Wait until the page says one of *states*."""
        selector = ", ".join(f"html[data-state={state}]" for state in states)
        try:
            await self.page.wait_for_selector(selector, state="attached")
        except PlaywrightTimeout as error:
            raise AssertionError(await self._report(states)) from error

    async def _report(self, states: tuple[str, ...]) -> str:
        told = await self.page.evaluate(
            "() => [document.documentElement.dataset.state,"
            " ...(window.pixelstreaming?.log ?? ['no script'])].slice(-30).join('\\n')"
        )
        return f"not {states}: {told}\ncomplaints: {self.complaints}"

    async def counter(self) -> int | None:
        """Return the frame number in the picture, None when it is not readable."""
        number: int | None = await self.page.evaluate(READ_COUNTER)
        return number

    async def moves(self, *, frames: int = 10) -> None:
        """Wait until the picture has gone on by *frames*."""
        async with asyncio.timeout(FIRST_FRAME_MS / 1000):
            first = None
            while first is None:
                first = await self._next_counter()
            while ((await self._next_counter()) or 0) < first + frames:
                pass

    async def _next_counter(self) -> int | None:
        """Wait for the next frame of the video and read its number."""
        await self.page.evaluate(
            "() => new Promise((done) =>"
            " document.querySelector('video').requestVideoFrameCallback(done))"
        )
        return await self.counter()

    async def ask_scene(self, kind: str) -> dict[str, Any]:
        """Return what the synthetic streamer answers over the data channel."""
        async with asyncio.timeout(10):
            answer: dict[str, Any] = await self.page.evaluate(ASK_SCENE, [kind, self._mark])
        return answer

    async def scene_saw(self, *parts: str) -> str:
        """Wait until the scene's list of inputs has all *parts*; return it."""
        async with asyncio.timeout(10):
            while True:
                everything = (await self.ask_scene("reportInputs"))["inputs"]
                first = next(i for i, line in enumerate(everything) if self._mark in line)
                inputs = "\n".join(everything[first:])
                if all(part in inputs for part in parts):
                    return inputs

    async def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the place on the page of *x*, *y* (0 to 1) of the letterboxed picture."""
        left, top = await self.page.evaluate(PLACE, [x, y])
        return left, top

    async def pointer(self) -> tuple[float, float]:
        """Return where the scene has the only player's pointer, 0 to 1 of its picture."""
        (pointer,) = (await self.ask_scene("reportState"))["pointers"].values()
        return pointer["x"], pointer["y"]

    async def figure(self, name: str) -> float:
        """Return one of the page's own statistics, waiting for the first ones."""
        await self.eventually("window.pixelstreaming.viewer.figures !== undefined")
        value: float = await self.page.evaluate(
            "(name) => window.pixelstreaming.viewer.figures[name]", name
        )
        return value

    async def eventually(self, condition: str) -> None:
        """Wait until *condition*, in JavaScript, holds (Playwright's own way needs eval)."""
        async with asyncio.timeout(FIRST_FRAME_MS / 1000):
            await self.page.evaluate(
                "() => new Promise((done) => { const look = () =>"
                f" ({condition}) ? done() : requestAnimationFrame(look); look(); }})"
            )

    async def overflow(self) -> list[str]:
        """Return the elements that stick out of the window, and whether it scrolls."""
        found: list[str] = await self.page.evaluate("""() => {
          const out = [...document.querySelectorAll("body *")]
            .filter((each) => each.checkVisibility({ opacityProperty: true }))
            .filter((each) => {
              const box = each.getBoundingClientRect();
              return box.left < -0.5 || box.right > innerWidth + 0.5
                || box.top < -0.5 || box.bottom > innerHeight + 0.5;
            })
            .map((each) => each.outerHTML.slice(0, 120));
          const { scrollWidth, scrollHeight } = document.documentElement;
          return scrollWidth > innerWidth || scrollHeight > innerHeight
            ? [...out, `the page scrolls: ${scrollWidth}x${scrollHeight}`] : out;
        }""")
        return found

    def _on_console(self, message: ConsoleMessage) -> None:
        about = message.location.get("url", "")
        if message.type in {"error", "warning"} and not about.endswith(ASKED_PATH):
            self.complaints.append(message.text)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith(ASKED_PATH):
            self.complaints.append(f"{response.status} {response.url}")
