"""The data channel from the probe's side: round trips, console commands, questions."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiortc import RTCDataChannel

from signalling.peer import channel_messages as m
from signalling.peer.datachannel import FROM_STREAMER, TO_STREAMER, MalformedMessageError

ECHO_SECONDS = 0.25
"""Time between two round trips."""

ECHO_LOST_SECONDS = 2.0
"""A round trip that takes longer is given up."""

MAX_ROUND_TRIPS = 1000
"""Round trips kept, the latest: four minutes of them."""

ANSWER_SECONDS = 5.0
"""Longest wait for the answers to console commands or a question; UE gives none."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """Console commands that were sent, and those the streamer refused."""

    sent: list[str]
    refused: list[str]


class Conversation:
    """
    A player's end of the data channel, from before it is there.

    *clock* returns seconds that only grow. Round trips are kept in seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._channel: RTCDataChannel | None = None
        self._opened = asyncio.Event()
        self._settings: asyncio.Future[dict[str, Any]] = asyncio.Future()
        self._responses: asyncio.Queue[dict[str, Any]] = asyncio.Queue(256)
        self._echoed = asyncio.Event()
        self.round_trips: deque[float] = deque(maxlen=MAX_ROUND_TRIPS)

    def adopt(self, channel: RTCDataChannel) -> None:
        """Speak on *channel*."""
        self._channel = channel
        channel.on("message", self._on_message)
        channel.on("open", self._opened.set)
        if channel.readyState == "open":
            self._opened.set()

    def send(self, message: m.Message) -> None:
        """Send *message*; without an open channel it is lost."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(TO_STREAMER.serialise(message))

    async def measure(self) -> None:
        """Measure round trips until cancelled."""
        await self._opened.wait()
        while True:
            await self._round_trip()
            await asyncio.sleep(ECHO_SECONDS)

    async def _round_trip(self) -> None:
        self._echoed.clear()
        sent = self._clock()
        # What every UE answers; TestEcho is for its own tests.
        self.send(m.LatencyTest(text=orjson.dumps({"StartTime": round(sent * 1000)}).decode()))
        try:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes with the echo.
            async with asyncio.timeout(ECHO_LOST_SECONDS):
                await self._echoed.wait()
        except TimeoutError:
            return
        self.round_trips.append(self._clock() - sent)

    async def run_commands(self, commands: tuple[str, ...]) -> CommandOutcome:
        """
        Send console *commands* and collect the refusals for `ANSWER_SECONDS`.

        UE refuses all when its initial settings say so and answers none.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                settings = await asyncio.shield(self._settings)
        except TimeoutError:
            return CommandOutcome(sent=[], refused=[])
        for command in commands:
            text = orjson.dumps({"ConsoleCommand": command}).decode()
            self.send(m.Command(text=text))
        if not _allows_commands(settings):
            return CommandOutcome(sent=list(commands), refused=list(commands))
        return CommandOutcome(sent=list(commands), refused=await self._refusals(len(commands)))

    async def _refusals(self, expected: int) -> list[str]:
        answers: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while len(answers) < expected:
                    answers.append(await self._response("command"))
        except TimeoutError:
            log.info("commands_unanswered", answered=len(answers), sent=expected)
        return [str(one.get("command")) for one in answers if not one.get("accepted")]

    async def ask(self, action: str) -> dict[str, Any]:
        """Send a descriptor of *action*; return the response, empty when none comes."""
        text = orjson.dumps({"action": action}).decode()
        self.send(m.UIInteraction(text=text))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._response(action)
        except TimeoutError:
            return {}

    async def _response(self, kind: str) -> dict[str, Any]:
        while True:
            response = await self._responses.get()
            if response.get("type") == kind:
                return response

    def _on_message(self, data: bytes | str) -> None:
        try:
            message = FROM_STREAMER.parse(data if isinstance(data, bytes) else data.encode())
        except MalformedMessageError as error:
            log.warning("channel_message_malformed", reason=str(error))
            return
        if isinstance(message, m.LatencyTest):
            self._echoed.set()
        elif isinstance(message, m.InitialSettings) and not self._settings.done():
            self._settings.set_result(_object(message.text))
        elif isinstance(message, m.Response):
            self._keep(_object(message.text))

    def _keep(self, response: dict[str, Any]) -> None:
        if self._responses.full():
            self._responses.get_nowait()
        self._responses.put_nowait(response)


def _allows_commands(settings: dict[str, Any]) -> bool:
    """UE before 5.0 does not say; then they may be."""
    pixel_streaming = settings.get("PixelStreaming")
    if not isinstance(pixel_streaming, dict):
        return True
    return pixel_streaming.get("AllowPixelStreamingCommands") is not False


def _object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
