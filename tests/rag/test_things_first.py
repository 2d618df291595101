"""A thing that is asked for comes before what only goes with it."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.entries import Entry
from rag.index.analysis import read_request
from rag.index.embedded import Change, EmbeddedIndex
from rag.lexicon import Lexicon
from rag.rerank import BESIDE, ThingsFirst
from rag.retrieval import Candidate

Make = Callable[..., Entry]
SHOP = {
    "drum": "DELL D4283 printer drum Original",
    "toner": "Canon Laser Printer Toner Cartridge",
    "labels": "레이저 프린터 라벨",
    "printer": "Brother HL-5350DNLT laser printer",
    "korean": "브라더 레이저 프린터",
    "unknown": "Zorbax for laser printers",
}


@pytest.fixture
async def index(tmp_path: Path, lexicon: Lexicon) -> AsyncIterator[EmbeddedIndex]:
    """Make an empty index."""
    opened = EmbeddedIndex(tmp_path / "i.sqlite3", lexicon, model="m", dimensions=4)
    await opened.open()
    yield opened
    await opened.close()


async def order(
    index: EmbeddedIndex, lexicon: Lexicon, make: Make, text: str, names: Mapping[str, str]
) -> list[str]:
    """Index products and rerank them all for a request, found in the order of *names*."""
    entries = [replace(make(key), names=(name,)) for key, name in names.items()]
    await index.apply([Change(e.id, "d", e, np.ones(4, np.float32)) for e in entries], "1")
    found = [Candidate(key, 1.0 - n / 100, n, None) for n, key in enumerate(names)]
    ranked = await ThingsFirst(index).rerank(read_request(text, lexicon), found)
    assert {c.id for c in ranked} == set(names)
    assert all(
        c.score in {f.score, f.score * BESIDE} for f in found for c in ranked if c.id == f.id
    )
    return [c.id for c in ranked]


@pytest.mark.parametrize(
    "text", ["laser printer", "레이저 프린터", "printer", "프린터 추천해줘"]
)
async def test_a_printer_comes_before_toner(
    index: EmbeddedIndex, lexicon: Lexicon, make_entry: Make, text: str
) -> None:
    """In either language; what is no known part keeps its place."""
    ranked = await order(index, lexicon, make_entry, text, SHOP)
    assert ranked == ["printer", "korean", "unknown", "drum", "toner", "labels"]


async def test_who_asks_for_the_part_gets_it(
    index: EmbeddedIndex, lexicon: Lexicon, make_entry: Make
) -> None:
    """Toner for a printer is no printer."""
    ranked = await order(index, lexicon, make_entry, "toner for a laser printer", SHOP)
    assert ranked == list(SHOP)


async def test_a_catalogue_without_the_thing_keeps_its_order(
    index: EmbeddedIndex, lexicon: Lexicon, make_entry: Make
) -> None:
    """Nothing to put first: the parts are the best there is."""
    names = {key: SHOP[key] for key in ("drum", "unknown", "toner", "labels")}
    assert await order(index, lexicon, make_entry, "laser printer", names) == list(names)


async def test_words_that_name_no_thing_change_nothing(
    index: EmbeddedIndex, lexicon: Lexicon, make_entry: Make
) -> None:
    """There is nothing a part could belong to."""
    assert await order(index, lexicon, make_entry, "something black", SHOP) == list(SHOP)
