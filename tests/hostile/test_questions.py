"""No question takes the consultant long to read, since all others wait meanwhile."""

import itertools
import time

import pytest

from rag.consultant.understanding import LONGEST, read_request, understand
from rag.lexicon import default_lexicon

PARTS = (
    "0", "1", "1,", "1.", "1 ", "1,000", "1x", "1-", "1~", "a", "a ", "a-", "a.", "$", "$1 ",
    "₩", "만", "1만", "천", "백만 ", "일", "억", "1억 ", "원", "1원 ", "가", "가 ", "소파 ",
    "말고 ", " ", "\n", ".", ",", "-", "~", "(", "<", "[", '"', "under ", "at least ", "not ",
    "between 1 and ", "no ", "without ", "cheaper ", "in total ", "10cm ", "1 x 1 ", "sofa ",
)  # fmt: skip

BEFORE = ("", "1", "만", "under ")

MOST_SECONDS = 1.0
"""On a busy machine; what takes it at this length grows with a power of it."""


@pytest.mark.parametrize("before", BEFORE)
def test_reading_is_quick(before: str) -> None:
    """Whatever is said again and again, reading it costs milliseconds."""
    lexicon = default_lexicon()
    for size, part in itertools.product((LONGEST // 4, LONGEST), PARTS):
        text = ((before + part) * size)[:size]
        for read in (understand, read_request):
            since = time.process_time()
            read(text, lexicon)
            assert time.process_time() - since < MOST_SECONDS, (read.__name__, part, size)
