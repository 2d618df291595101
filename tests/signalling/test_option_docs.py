"""The manual of options."""

from pathlib import Path

from signalling.options.reference import page
from signalling.settings import ServeSettings

MANUAL = Path(__file__).parents[2] / "docs" / "options.md"


def test_every_option_says_what_it_does() -> None:
    """`--help` and the manual have a sentence for each option."""
    fields = ServeSettings.model_fields.items()
    assert [name for name, option in fields if not option.description] == []


def test_manual_is_current() -> None:
    """docs/options.md is what `python -m signalling.options.reference` prints."""
    assert MANUAL.read_text(encoding="utf-8") == page(ServeSettings)


def test_every_option_is_in_it() -> None:
    """No option is left out, whichever class it is in."""
    manual = page(ServeSettings)
    assert [name for name in ServeSettings.model_fields if f"| `{name}` |" not in manual] == []
