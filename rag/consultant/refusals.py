"""What a visitor does not want: `no leather or velvet`, `가죽말고`. No I/O."""

import re
from typing import Final

from rag.lexicon import Lexicon, Mention

_NEAR: Final = 40  # characters before a word in which it can be ruled out
_JOINED: Final = re.compile(r"(?<=[가-힣])(?=말고|빼고|제외|아닌|싫[어다은])")
"""Where a refusal is written together with what it refuses: `가죽말고`."""
_UNWANTED_AFTER: Final = re.compile(
    r"\s?(?:은|는|이|가|을|를|으로|로|도)?\s?"
    r"(?:말고|빼고|제외하고|제외|아닌|없는|없이|싫(?:어|고|은|다)|별로|안\s?돼|안\s?좋아|"
    r"필요\s?없|원하지\s?않|하지\s?마)[가-힣]*"
)
_UNWANTED_BEFORE: Final = re.compile(
    r"\b(?:no|not|without|except|avoid|nothing|anything but|instead of|other than|rather than|"
    r"hate|dislike|(?:is|are|was|were|does|do|wo)n'?t(?: (?:be|have))?|"
    r"(?:don'?t|do not|doesn'?t|does not) (?:want|like|need|have))\s+"
    r"(?:(?:in|a|an|any|the|made of|anything|something|too|very|so|really)\s+)*$",
    re.IGNORECASE,
)
_OR_BEFORE: Final = re.compile(
    r"[\w-]+(?:\s+(?:or|nor)\s+[\w-]+)*(?P<joint>\s+(?:or|nor)\s+(?:any\s+)?)$", re.IGNORECASE
)
_OR_AFTER: Final = re.compile(r"(?:이?나|이?랑|하고|와|과)$")
"""How several things are refused at once: `leather or velvet`, `가죽이나 벨벳`."""


def apart(text: str) -> str:
    """Return a text in which no refusal is written together with what it refuses."""
    return _JOINED.sub(" ", text)


def without_refused(text: str, lexicon: Lexicon) -> tuple[str, tuple[str, ...]]:
    """Return the text without what it rules out (`no leather`), and the names of that."""
    names: list[str] = []
    next_is_out = False
    for mention in reversed(lexicon.read(text)):
        if mention.concept is None:
            continue
        begin = _begin_of_refusal(text, mention)
        after = _UNWANTED_AFTER.match(text, mention.end)
        listed = _OR_AFTER.search(text[mention.start : mention.end])
        next_is_out = after is not None or (next_is_out and listed is not None)
        if begin is not None or next_is_out:
            names.insert(0, mention.concept.name)
            begin = mention.start if begin is None else begin
            end = after.end() if after else mention.end
            text = f"{text[:begin]} {text[end:]}"
    text = text.strip()
    return text, tuple(dict.fromkeys(names))


def _begin_of_refusal(text: str, mention: Mention) -> int | None:
    """Return where `no leather` begins, or `or velvet` after it; None for no refusal."""
    near = max(0, mention.start - _NEAR)
    said = text[near : mention.start]
    before = _UNWANTED_BEFORE.search(said)
    if before is not None:
        return near + before.start()
    listed = _OR_BEFORE.search(said)
    if listed is None or _UNWANTED_BEFORE.search(said[: listed.start()]) is None:
        return None
    return near + listed.start("joint")
