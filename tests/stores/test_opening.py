"""Opening the store that the settings name, durability, and stores that cannot be reached."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from stores.documents import Collection, StoreError
from stores.mongo import MongoStore
from stores.settings import StoreSettings, open_document_store
from stores.sqlite import SqliteStore

THINGS = Collection("things")

_WRITER = """
import asyncio, sys
from pathlib import Path
from stores.documents import Collection
from stores.sqlite import SqliteStore

async def main() -> None:
    store = await SqliteStore.open(Path(sys.argv[1]))
    for n in range(10_000):
        await store.put(Collection("things"), [{"_id": f"{n:05}"}])
        print(n, flush=True)

asyncio.run(main())
"""


_SHARER = """
import asyncio, sys
from pathlib import Path
from stores.documents import Collection
from stores.sqlite import SqliteStore

async def main() -> None:
    store = await SqliteStore.open(Path(sys.argv[1]))
    for n in range(50):
        await store.put(Collection("things", ("n",)), [{"_id": f"{sys.argv[2]}{n}", "n": n}])
    await store.close()

asyncio.run(main())
"""


async def test_without_mongo_url_documents_live_in_the_data_directory(tmp_path: Path) -> None:
    """The directory is made; a second opening finds what the first wrote."""
    settings = StoreSettings(data_dir=tmp_path / "new")
    store = await open_document_store(settings)
    await store.put(THINGS, [{"_id": "a"}])
    await store.close()
    again = await open_document_store(settings)
    assert await again.count(THINGS) == 1
    await again.close()


async def test_a_plain_install_says_what_mongo_url_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the extra the error names the package and how to get it."""
    monkeypatch.setitem(sys.modules, "motor.motor_asyncio", None)
    monkeypatch.delitem(sys.modules, "stores.mongo")
    settings = StoreSettings.model_validate({"mongo_url": "mongodb://127.0.0.1:1"})
    with pytest.raises(StoreError, match=r"needs motor.*pycirrus\[mongo\]"):
        await open_document_store(settings)


async def test_with_mongo_url_documents_live_there(tmp_path: Path, mongo_url: str) -> None:
    """The factory connects, and leaves the data directory alone."""
    store = await open_document_store(
        StoreSettings.model_validate({"mongo_url": mongo_url, "data_dir": tmp_path / "none"})
    )
    assert isinstance(store, MongoStore)
    assert not (tmp_path / "none").exists()
    await store.close()


def test_another_scheme_is_refused() -> None:
    """A URL of something else is named as a wrong value, and a password is not shown."""
    with pytest.raises(ValidationError, match="mongodb://"):
        StoreSettings.model_validate({"mongo_url": "http://localhost"})
    shown = repr(StoreSettings.model_validate({"mongo_url": "mongodb://me:secret@host/"}))
    assert "secret" not in shown


async def test_a_server_that_is_not_there_is_a_store_error() -> None:
    """Nothing of the driver escapes."""
    with pytest.raises(StoreError, match="MongoDB"):
        await MongoStore.connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")


@pytest.mark.parametrize("address", ["me:s3cret@host:abc/", "[::1/", "me:sec%zzret@host/", ""])
async def test_an_address_that_is_none_is_a_store_error(address: str) -> None:
    """And shows no password."""
    with pytest.raises(StoreError) as caught:
        await MongoStore.connect(f"mongodb://{address}")
    assert "s3cret" not in str(caught.value)
    assert "zzret" not in str(caught.value)


async def test_the_urls_own_time_limits_count() -> None:
    """Ours are defaults: an operator may be in more of a hurry, or less."""
    with pytest.raises(StoreError, match=r"Timeout: 0\.2s"):
        await MongoStore.connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")


async def test_a_path_that_cannot_be_is_a_store_error(tmp_path: Path) -> None:
    """A file where the directory should be, or one that is no database; the path is named."""
    (tmp_path / "file").write_text("no database, though long enough to be looked at" * 99)
    with pytest.raises(StoreError, match=r"file/documents\.sqlite3"):
        await SqliteStore.open(tmp_path / "file" / "documents.sqlite3")
    with pytest.raises(StoreError, match=r"/file: file is not a database"):
        await SqliteStore.open(tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
async def test_only_we_may_read_the_file(tmp_path: Path) -> None:
    """It holds what people wrote; its log beside it takes the same permissions."""
    store = await SqliteStore.open(tmp_path / "d.sqlite3")
    await store.put(THINGS, [{"_id": "a"}])
    files = await asyncio.to_thread(lambda: [path.stat() for path in tmp_path.iterdir()])
    await store.close()
    assert [file.st_mode & 0o077 for file in files] == [0, 0, 0]


async def test_two_processes_write_one_file(tmp_path: Path) -> None:
    """They open it at the same moment, wait for each other, and nothing is lost."""
    path = tmp_path / "d.sqlite3"
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _SHARER, str(path), name)
        for name in "abc"
    ]
    async with asyncio.timeout(60):
        assert [await writer.wait() for writer in writers] == [0, 0, 0]
    store = await SqliteStore.open(path)
    assert await store.count(THINGS) == 150
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Use after close is a `StoreError`, not something of the thread pool's."""
    store = await SqliteStore.open(tmp_path / "d.sqlite3")
    await store.put(THINGS, [])
    await store.close()
    with pytest.raises(StoreError):
        await store.put(THINGS, [{"_id": "late"}])


async def test_killed_while_writing_every_acknowledged_document_is_there(
    tmp_path: Path,
) -> None:
    """SIGKILL between two writes loses nothing of which `put` returned."""
    path = tmp_path / "d.sqlite3"
    with subprocess.Popen(  # noqa: ASYNC220, S603 - own script; the test waits for it anyhow
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        last = next(line for line in writer.stdout if int(line) >= 20)
        writer.kill()
        last = (writer.stdout.read().split() or [last])[-1]
    store = await SqliteStore.open(path)
    found = [int(d["_id"]) async for d in store.find(THINGS)]
    await store.close()
    assert found[: int(last) + 1] == list(range(int(last) + 1))
