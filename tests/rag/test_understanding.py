"""What sentences are understood as: one table, by rules."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.consultant.budget import read_budget
from rag.consultant.understanding import Wish, understand
from rag.lexicon import default_lexicon

PLACES = frozenset({"서울", "Seoul", "부산", "Busan"})

TABLE = [
    json.loads(line)
    for line in Path(__file__).with_name("utterances.jsonl").read_text("utf-8").splitlines()
]


def said(wish: Wish) -> dict[str, Any]:
    """Return the fields that are not empty, as the table has them."""
    found = {name: getattr(wish, name) for name in Wish.__slots__}
    budget = wish.budget
    if budget is not None:
        ends = {"high": budget.high, "low": budget.low}
        amounts = {k: f"{v.normalize():f}" for k, v in ends.items() if v is not None}
        currency = {"currency": budget.currency} if budget.currency else {}
        found["budget"] = {**amounts, **currency}
    for how in ("text", "language", "first", "anew", "known"):
        del found[how]
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}
    return {k: v for k, v in plain.items() if v not in (None, [], "", False)}


def test_the_table_is_large_enough() -> None:
    """At least 150 different sentences, a third of them in each language."""
    texts = {row["text"] for row in TABLE}
    korean = sum(understand(t, default_lexicon()).language == "ko" for t in texts)
    assert len(texts) >= 150
    assert min(korean, len(texts) - korean) * 3 >= len(texts)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["text"])
def test_sentence(row: dict[str, Any]) -> None:
    """A sentence means what the table says, and nothing else."""
    assert said(understand(row["text"], default_lexicon(), places=PLACES)) == row["wish"]


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """No text breaks the rules; a budget is positive and its ends are in order."""
    wish = understand(text, default_lexicon(), places=PLACES)
    budget = wish.budget
    if budget is not None:
        ends = [end for end in (budget.low, budget.high) if end is not None]
        assert ends == sorted(ends)
        assert all(end > 0 for end in ends)


@given(st.text(alphabet="0123456789,. 천만원억백~에서$kto대-", max_size=40))
def test_any_amount_is_read(text: str) -> None:
    """What only looks like amounts of money does no harm."""
    read_budget(text)


@pytest.mark.parametrize("piece", ["9", "1,", "1.000 ", "만", "일이삼", "500 to ", "가격은 "])
def test_no_text_takes_long(piece: str) -> None:
    """A question of nothing but digits takes no seconds of the processor's time."""
    began = time.thread_time()
    understand((piece * 2_000)[:2_000], default_lexicon(), places=PLACES)
    assert time.thread_time() - began < 1
