"""A process of its own that asks for places, for the race test; see test_race.py."""

import asyncio
import json
import os
import signal
import sys

from matchmaker.model import Demand, Rules, SessionRequest
from matchmaker.redis_store import RedisStore


async def main(url: str, prefix: str, node: str, users: str, die_after: str) -> None:
    """Ask for a place for each user at once; optionally die in the middle."""
    store = RedisStore(url, Rules(), node=node, prefix=prefix)
    await store.tick(now=1_000.0)
    sys.stdin.readline()
    answers = 0

    async def ask(user: str) -> str:
        nonlocal answers
        request = SessionRequest(
            id=f"{node}-{user}", user=user, demand=Demand.of(), holder=f"{node}/{user}"
        )
        answer = await store.request(request, now=1_000.0)
        answers += 1
        if answers == int(die_after):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer.session.id if answer.session else answer.code

    got = await asyncio.gather(*(ask(user) for user in users.split(",")))
    await store.close()
    print(json.dumps(got))  # noqa: T201 - that is its answer


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
