"""Full text from memory: the same as FTS5 says itself, whatever changes meanwhile."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.entries import Entry, Where
from rag.index import embedded
from rag.index import terms as kept_terms
from rag.index.analysis import Reading, read_request
from rag.index.embedded import Change, EmbeddedIndex
from rag.index.terms import WEIGHTS
from rag.lexicon import Lexicon

Make = Callable[..., Entry]
NOTHING = np.ones(4, np.float32)
FILE = "i.sqlite3"
REQUESTS = ("red chair", "modern chair for the kitchen", "빨간 의자", "lamp chair red blue")


@pytest.fixture
async def index(tmp_path: Path, lexicon: Lexicon) -> AsyncIterator[EmbeddedIndex]:
    """Make an empty index."""
    opened = EmbeddedIndex(tmp_path / FILE, lexicon, model="m", dimensions=4)
    await opened.open()
    yield opened
    await opened.close()


async def write(index: EmbeddedIndex, entries: Sequence[Entry]) -> None:
    """Put entries whose vectors say nothing."""
    changes = [Change(e.id, f"{e.names}", e, NOTHING) for e in entries]
    await index.apply(changes, "1")


def chairs(make: Make, numbers: Sequence[int]) -> list[Entry]:
    """Return chairs of several colours and lengths of name."""
    colours = ("red", "blue", "green")
    return [
        replace(
            make(f"{n:03}"),
            names=(f"{colours[n % 3]} {'kitchen ' * (n % 4)}chair",),
            body="a lamp beside it" if n % 5 == 0 else "",
        )
        for n in numbers
    ]


def by_fts5(path: Path, reading: Reading) -> dict[str, float]:
    """Ask FTS5 itself for the whole request at once."""
    db = sqlite3.connect(path)
    query = (
        f"SELECT facts.id, -bm25(words, {WEIGHTS}) FROM words "  # noqa: S608 - of constants
        "JOIN facts ON facts.n = words.rowid WHERE words MATCH ?"
    )
    found = dict(db.execute(query, (" OR ".join(reading.terms),)).fetchall())
    db.close()
    return found


async def agree(index: EmbeddedIndex, path: Path, lexicon: Lexicon) -> None:
    """Assert that every request finds what FTS5 finds, with its scores."""
    for text in REQUESTS:
        reading = read_request(text, lexicon)
        expected = by_fts5(path, reading)
        found = {s.id: s.score for s in await index.matching(reading, Where(), 1_000)}
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


async def test_scores_are_those_of_fts5(
    index: EmbeddedIndex, tmp_path: Path, lexicon: Lexicon, make_entry: Make
) -> None:
    """BM25 of a request is the sum of its terms'."""
    await write(index, chairs(make_entry, range(60)))
    await agree(index, tmp_path / FILE, lexicon)


async def test_what_changed_is_found_as_it_is_now(
    index: EmbeddedIndex, lexicon: Lexicon, make_entry: Make
) -> None:
    """Kept terms learn of new items and forget removed ones, the newest number's too."""
    await write(index, chairs(make_entry, range(60)))
    red = read_request("red", lexicon)
    before = {s.id for s in await index.matching(red, Where(), 1_000)}
    assert before == {f"{n:03}" for n in range(0, 60, 3)}
    await index.remove(["059", "057"])
    changed = replace(make_entry("000"), names=("blue chair",))
    await write(index, [changed, *chairs(make_entry, [60])])
    after = {s.id for s in await index.matching(red, Where(), 1_000)}
    assert after == (before | {"060"}) - {"057", "000"}


async def test_terms_are_counted_again_when_much_has_changed(
    index: EmbeddedIndex, tmp_path: Path, lexicon: Lexicon, make_entry: Make
) -> None:
    """A word that became common is worth less from then on."""
    await write(index, chairs(make_entry, range(20)))
    await agree(index, tmp_path / FILE, lexicon)
    await write(index, chairs(make_entry, range(20, 200)))
    await agree(index, tmp_path / FILE, lexicon)


async def test_what_is_kept_has_a_bound(
    index: EmbeddedIndex,
    tmp_path: Path,
    lexicon: Lexicon,
    make_entry: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The term that was not used longest goes, and is asked again when it is wanted."""
    monkeypatch.setattr(kept_terms, "MOST_KEPT", 30)
    await write(index, chairs(make_entry, range(60)))
    for _ in range(2):
        await agree(index, tmp_path / FILE, lexicon)


async def test_a_narrow_filter_starves_nothing(
    index: EmbeddedIndex, lexicon: Lexicon, make_entry: Make
) -> None:
    """What it allows is found, however many better ones it does not."""
    other = replace(make_entry("997", currency="USD"), names=("chair",))
    await write(index, [*chairs(make_entry, range(500)), other])
    reading = read_request("red chair for the kitchen", lexicon)
    found = await index.matching(reading, Where({"USD": 1}), 5)
    assert [s.id for s in found] == ["997"]


async def test_changing_everything_again_and_again_takes_no_more_memory(
    index: EmbeddedIndex,
    tmp_path: Path,
    lexicon: Lexicon,
    make_entry: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows of what an item was are given up when they are the most, and nothing is lost."""
    monkeypatch.setattr(embedded, "_SPARE", 10)
    red = read_request("red chair", lexicon)
    for _ in range(12):
        await write(index, chairs(make_entry, range(60)))
        assert len(await index.matching(red, Where(), 1_000)) == 60
        assert len(await index.nearest(NOTHING, Where(), 1_000)) == 60
        assert len(index._tables.rows) <= 60 * 3
    await agree(index, tmp_path / FILE, lexicon)
