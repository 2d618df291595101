"""Sizes and model numbers, in every usual spelling."""

import pytest

from rag.entries import Entry, Facts
from rag.index.analysis import columns_of, read_request
from rag.lexicon import Lexicon
from rag.measures import measure_terms, model_terms


@pytest.mark.parametrize(
    ("spellings", "term"),
    [
        (["64gb", "64 GB", "64-GB", "64기가"], "m64gb"),
        (["27 inch", '(27")', "27-inch", "27인치", "27.0 in", "27''"], "m27in"),
        (["1.5kVA", "1500 VA", "1,5 kVA"], "m1500va"),
        (["6 AC outlet(s)", "6-Outlet", "6구 멀티탭"], "m6outlet"),
        (["5.0m", "5 m", "5미터"], "m5m"),
        (["10 x 15 cm", "10x15cm", "10×15"], "m10x15"),
        (["2.4 GHz"], "m2p4ghz"),
    ],
)
def test_a_size_is_one_term_however_written(spellings: list[str], term: str) -> None:
    """Units in English, in Korean and as signs."""
    for text in spellings:
        assert term in list(measure_terms(text)), text


@pytest.mark.parametrize("text", ["802.11b", "mini", "A4", "1234567 GB", "m5", "5morning"])
def test_other_words_and_numbers_are_no_sizes(text: str) -> None:
    """A standard's number, a word that begins like a unit, a number without one."""
    assert list(measure_terms(text)) == []


def test_a_model_number_is_one_term_with_and_without_hyphens() -> None:
    """Words without a digit, bare numbers and sizes are none."""
    assert list(model_terms("brother TN-430, tn430 LC1100-HYC")) == [
        "ntn430",
        "ntn430",
        "nlc1100hyc",
    ]
    assert list(model_terms("three-seater 2110 64GB 17-inch -5 A4")) == []


def test_entries_and_requests_meet_in_the_same_terms(lexicon: Lexicon) -> None:
    """What one writes as a sign the other writes as a word, in either language."""
    facts = Facts("USD", 1)
    entry = Entry("m", ('AOC 27B2H monitor 68.6 cm (27")',), "", (), "64 GB", "", facts)
    columns = columns_of(entry, lexicon)
    assert {"m27in", "n27b2h"} <= set(columns.concepts.split())
    assert "m64gb" in columns.body_concepts.split()
    terms = read_request("27인치 모니터 27-b2h", lexicon).terms
    assert '"m27in"' in terms
    assert '"n27b2h"' in terms
