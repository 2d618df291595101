"""The probe's end of the data channel."""

import asyncio
from collections.abc import Callable
from typing import Any

from signalling.peer import channel_messages as m
from signalling.peer.conversation import Conversation
from signalling.peer.datachannel import FROM_STREAMER


class Channel:
    """An open data channel whose other end is the test."""

    readyState = "open"  # noqa: N815 - aiortc's name

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        self.sent = asyncio.Event()

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        """Keep *handler*."""
        self.handlers[event] = handler

    def send(self, data: bytes) -> None:
        """Tell the test."""
        assert data
        self.sent.set()

    def answer(self) -> None:
        """Answer a latency test."""
        self.handlers["message"](FROM_STREAMER.serialise(m.LatencyTest(text="{}")))


async def test_a_cancellation_that_comes_with_an_echo_still_counts() -> None:
    """Measuring ends, whatever arrives in the same moment; it once went on for ever."""
    conversation, channel = Conversation(clock=lambda: 0.0), Channel()
    conversation.adopt(channel)  # type: ignore[arg-type]
    measuring = asyncio.create_task(conversation.measure())
    await channel.sent.wait()
    channel.answer()
    # The waiter inside is done by the next step of the loop, its task not yet awake.
    await asyncio.sleep(0)
    measuring.cancel()
    done, _ = await asyncio.wait([measuring], timeout=1)
    assert done
    assert measuring.cancelled()
