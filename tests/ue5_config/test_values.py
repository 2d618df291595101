"""Values of settings, as people and ini files write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ue5_config.values import (
    Rule,
    Scalar,
    ValueType,
    quality_of_quantiser,
    quantiser_of_quality,
    spell,
)

SWITCH = Rule(type=ValueType.INT, minimum=0, maximum=1)
PRESET = Rule(type=ValueType.ENUM, choices=("LowQuality", "Default"))
URL = Rule(type=ValueType.URL)


@pytest.mark.parametrize(
    ("rule", "value", "read"),
    [
        (SWITCH, "1", 1),
        (SWITCH, "True", 1),
        (SWITCH, True, 1),
        (SWITCH, "2", None),
        (SWITCH, "0.5", None),
        (SWITCH, "", None),
        (Rule(type=ValueType.FLOAT), "66.7", 66.7),
        (Rule(type=ValueType.FLOAT), "nan", None),
        (Rule(type=ValueType.FLOAT), "inf", None),
        (Rule(type=ValueType.BOOL), "no", False),
        (Rule(type=ValueType.BOOL), "maybe", None),
        (Rule(type=ValueType.FLAG), "True", True),
        (PRESET, "LOW_QUALITY", "LowQuality"),
        (PRESET, "best", None),
        (URL, "ws://host:8888/?token=x", "ws://host:8888/?token=x"),
        (URL, "wss://host", "wss://host"),
        (URL, "http://host", None),
        (URL, "ws://", None),
        (URL, 'ws://h/"', None),
        (URL, "", ""),
        (Rule(type=ValueType.STRING), "two\nlines", None),
        (Rule(type=ValueType.STRING, pattern="[0-9]+"), "12", "12"),
        (Rule(type=ValueType.STRING, pattern="[0-9]+"), "x", None),
    ],
)
def test_reads_values_by_their_rule(rule: Rule, value: Scalar, read: Scalar | None) -> None:
    """What fits becomes the rule's type, what does not becomes None."""
    assert rule.read(value) == read


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (SWITCH, "int from 0 to 1"),
        (Rule(type=ValueType.FLOAT, minimum=0), "float from 0 to any"),
        (PRESET, "one of LowQuality, Default"),
        (URL, "a ws:// or wss:// URL"),
        (Rule(type=ValueType.INT), "int"),
    ],
)
def test_says_what_is_allowed(rule: Rule, words: str) -> None:
    """Error messages use these words."""
    assert str(rule) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "True"), (False, "False"), (30, "30"), (66.7, "66.7"), (30.0, "30"), ("x", "x")],
)
def test_spells_values_as_the_engine_does(value: Scalar, text: str) -> None:
    """Booleans are capitalised and whole floats have no point."""
    assert spell(value) == text


def test_quality_and_quantiser_turn_round() -> None:
    """Quantiser 0 is quality 100; in between the engine rounds down."""
    assert (quality_of_quantiser(0), quality_of_quantiser(51)) == (100, 0)
    assert quality_of_quantiser(20) == 60
    assert quality_of_quantiser(90) == 0
    assert (quantiser_of_quality(100), quantiser_of_quality(0)) == (0, 51)


@given(st.integers(0, 51))
def test_a_quantiser_survives_the_way_to_quality_and_back(quantiser: int) -> None:
    """Rounding down on the way there is made good by rounding to the nearest back."""
    assert abs(quantiser_of_quality(quality_of_quantiser(quantiser)) - quantiser) <= 1
