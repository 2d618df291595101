"""
Visitors who ask the consultant over sockets of their own; a process of its own.

`python -m bench.chat.visitors --url ws://…` prints `ready` as a JSON line once every
visitor is connected and has had one answer, then asks until its standard input is
closed, and ends with one JSON line: what was asked, what failed, and how long it took.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson
import uvloop

STEP_SECONDS: Final = 60.0
"""What one answer may take before it counts as lost."""

THINGS: Final = (
    ("소파", "sofa"), ("식탁", "dining table"), ("책상", "desk"), ("침대", "bed"),
    ("조명", "lamp"), ("러그", "rug"), ("의자", "chair"), ("책장", "bookcase"),
)  # fmt: skip
ROOMS: Final = (("거실", "living room"), ("침실", "bedroom"), ("서재", "study"))
FEELINGS: Final = (
    ("따뜻한 느낌의", "warm"),
    ("북유럽 스타일의", "scandinavian"),
    ("넓은", "wide"),
)
BUDGETS: Final = (("150만원 이하", "under 1,500,000 won"), ("80만원 이하", "under 800,000 won"))


@dataclass(slots=True)
class Answers:
    """What all visitors saw; times are milliseconds from sending the question."""

    done: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    degraded: int = 0
    first_card: list[float] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Take note of what must not happen."""
        self.faults[what] = self.faults.get(what, 0) + 1

    def forget(self) -> None:
        """Begin anew; faults stay."""
        self.done = self.degraded = 0
        for times in (self.first_card, self.first_token, self.whole):
            times.clear()


def question(dice: random.Random) -> str:
    """Return a question in Korean or English, half of them with a budget."""
    language = dice.randrange(2)
    room, feeling, thing, budget = (
        dice.choice(group)[language] for group in (ROOMS, FEELINGS, THINGS, BUDGETS)
    )
    limit = budget if dice.random() < 0.5 else ""
    words = (
        f"{room}에 둘 {feeling} {thing}"
        if language == 0
        else f"a {feeling} {thing} for the {room}"
    )
    return f"{words}, {limit}" if limit else words


class Visitor:
    """One page with one conversation."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, answers: Answers) -> None:
        self._socket = socket
        self._answers = answers
        self._number = 0

    async def ask(self, text: str) -> None:
        """Ask and read to the end of the answer."""
        self._number += 1
        key = f"q{self._number}"
        asked = {"type": "chat", "id": key, "text": text, "currency": "KRW"}
        began = time.perf_counter()
        await self._socket.send_str(orjson.dumps(asked).decode())
        seen: set[str] = set()
        async with asyncio.timeout(STEP_SECONDS):
            async for frame in self._socket:
                message = orjson.loads(frame.data)
                if message["type"] == "ping":
                    await self._socket.send_str('{"type":"pong"}')
                elif self._take(message, seen, (time.perf_counter() - began) * 1e3):
                    return
        self._answers.fault(f"closed with {self._socket.close_code}")
        raise ConnectionError

    def _take(self, message: dict[str, Any], seen: set[str], elapsed: float) -> bool:
        kind, answers = message["type"], self._answers
        first = kind not in seen
        seen.add(kind)
        if kind in {"chatProducts", "chatPartners"}:
            answers.first_card.append(elapsed)
        elif kind == "chatDelta" and first:
            answers.first_token.append(elapsed)
        elif kind == "chatDone":
            answers.done += 1
            answers.degraded += "degraded" in message
            answers.whole.append(elapsed)
        elif kind in {"chatError", "error"}:
            answers.fault(f"{kind} {message['code']}")
        return kind in {"chatDone", "chatError", "error"}


async def _visit(
    visitor: Visitor, dice: random.Random, pause: float, enough: asyncio.Event
) -> None:
    while not enough.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(dice.uniform(0.5, 1.5) * pause):
                await enough.wait()
        if not enough.is_set():
            await visitor.ask(question(dice))


async def _until_told(answers: Answers, enough: asyncio.Event) -> None:
    """Read commands: `reset` begins anew, the end of the input ends it."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while await reader.readline():
        answers.forget()
    enough.set()


async def visit(url: str, visitors: int, pause: float) -> Answers:
    """Let *visitors* ask, each *pause* seconds after its last answer."""
    answers, enough = Answers(), asyncio.Event()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        sockets = [await http.ws_connect(url, compress=0) for _ in range(visitors)]
        everybody = [Visitor(socket, answers) for socket in sockets]
        dice = [random.Random(n) for n in range(visitors)]  # noqa: S311 - the same each time
        pairs = list(zip(everybody, dice, strict=True))
        await asyncio.gather(*(visitor.ask(question(die)) for visitor, die in pairs))
        answers.forget()
        print('{"event":"ready"}', flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(_until_told(answers, enough))
            for visitor, die in pairs:
                group.create_task(_visit(visitor, die, pause, enough))
        for socket in sockets:
            await socket.close()
    return answers


def main() -> int:
    """Ask until told to stop; print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m bench.chat.visitors")
    parser.add_argument("--url", required=True)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--pause", type=float, default=0.0)
    options = parser.parse_args()
    answers = uvloop.run(visit(options.url, options.visitors, options.pause))
    print(orjson.dumps(answers).decode(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
