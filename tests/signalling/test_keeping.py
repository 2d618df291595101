"""What the server keeps of people, and for how long."""

import shutil
import time
from pathlib import Path

from stores.documents import Collection
from stores.settings import StoreSettings, open_document_store
from tests.signalling.peers import Start, consultant_ready
from tests.signalling.sessions import open_documents, until

DAY = 86_400.0
TIMES = {"sessions": "ended_at", "chats": "at", "feedback": "at"}
"""The collections that grow with every visitor, and the time in each."""


async def test_what_is_too_old_goes_when_the_server_starts(
    start: Start, tmp_path: Path, showroom: Path
) -> None:
    """Session records, conversations and thumbs, each by its own option."""
    folder = tmp_path / "data"
    shutil.copytree(showroom, folder)
    ages = {"old": 8 * DAY, "new": 6 * DAY}
    before = await open_document_store(StoreSettings(data_dir=folder))
    for name, field in TIMES.items():
        documents = [{"_id": key, field: time.time() - age} for key, age in ages.items()]
        await before.put(Collection(name), documents)
    await before.close()
    client = await start(
        data_dir=folder,
        matchmaking=True,
        retrieval=True,
        session_records_days=7,
        chat_history_days=7,
    )
    await consultant_ready(client)
    async with open_documents(client) as store:

        async def kept() -> list[str]:
            return [d["_id"] for n in TIMES async for d in store.find(Collection(n))]

        async def are_gone() -> bool:
            return "old" not in await kept()

        await until(are_gone)
        assert await kept() == ["new", "new", "new"]
