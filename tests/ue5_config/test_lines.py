"""Console lines as people hand them on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ue5_config.errors import InvalidValue, UsageError
from ue5_config.lines import MAX_LINES, parse_lines, understand
from ue5_config.profiles import Profile, Upscaler, UpscalerQuality

names = st.from_regex(r"[a-z]\.[A-Za-z0-9.]{1,12}", fullmatch=True)
words = st.from_regex(r"[A-Za-z0-9.x-]{1,12}", fullmatch=True)


def test_reads_the_forms_that_are_seen() -> None:
    """With a blank, with =, with comments of every kind."""
    text = """
    # from the wiki
    t.MaxFPS 30
    r.VSync=0
    ; off
    // also off
    r.NGX.DLSS.Quality 2  # 2 = Quality mode
    """
    assert parse_lines(text) == {"t.MaxFPS": "30", "r.VSync": "0", "r.NGX.DLSS.Quality": "2"}


@given(st.dictionaries(names, words, max_size=10))
def test_reads_back_what_was_written(settings: dict[str, str]) -> None:
    """Both forms give the same settings."""
    assert (
        parse_lines("\n".join(f"{name} {value}" for name, value in settings.items()))
        == settings
    )
    assert (
        parse_lines("\n".join(f"{name}={value}" for name, value in settings.items()))
        == settings
    )


@pytest.mark.parametrize("text", ["t.MaxFPS", "=30", "t.MaxFPS ="])
def test_refuses_what_is_no_setting(text: str) -> None:
    """A line without a value says nothing."""
    with pytest.raises(UsageError):
        parse_lines(text)


def test_refuses_a_file_of_something_else() -> None:
    """The number of lines is bounded."""
    with pytest.raises(UsageError, match="more than"):
        parse_lines("a 1\n" * (MAX_LINES + 1))


def test_the_references_lines_become_intents() -> None:
    """The cap, DLSS in quality mode, and nothing of what no source defines."""
    raw = {
        "t.MaxFPS": "24",
        "r.NGX.DLSS.Enable": "1",
        "r.NGX.DLSS.Quality": "2",
        "r.TemporalAA.Upscaling": "0",
        "r.VSync": "0",
    }
    understood = understand(Profile(upscaler=Upscaler.TSR, cvars=raw))
    profile = understood.profile
    assert (profile.frame_rate, profile.upscaler) == (24, Upscaler.DLSS)
    assert profile.upscaler_quality is UpscalerQuality.QUALITY
    assert dict(profile.cvars) == {"r.VSync": "0"}
    notes = {note.subject: note.text for note in understood.notes}
    assert "No engine source defines it" in notes["r.TemporalAA.Upscaling"]
    assert "Ultra Quality" in notes["r.NGX.DLSS.Quality"]


@pytest.mark.parametrize(
    ("value", "quality"),
    [
        (-2, UpscalerQuality.ULTRA_PERFORMANCE),
        (-1, UpscalerQuality.PERFORMANCE),
        (0, UpscalerQuality.BALANCED),
        (1, UpscalerQuality.QUALITY),
    ],
)
def test_the_old_modes_are_read_as_the_plugin_meant_them(
    value: int, quality: UpscalerQuality
) -> None:
    """Only 2 is read otherwise."""
    understood = understand(Profile(cvars={"r.NGX.DLSS.Quality": value}))
    assert understood.profile.upscaler_quality is quality


def test_dlss_off_means_tsr() -> None:
    """Somebody has to make the picture."""
    assert understand(Profile(cvars={"r.NGX.DLSS.Enable": 0})).profile.upscaler is Upscaler.TSR


@pytest.mark.parametrize("value", [0, 29.97])
def test_a_cap_that_is_no_whole_rate_stays_as_it_is(value: float) -> None:
    """No cap, or a broken rate, cannot be the rate of the stream."""
    profile = understand(Profile(cvars={"t.MaxFPS": value})).profile
    assert dict(profile.cvars) == {"t.MaxFPS": value}


def test_a_mode_out_of_range_is_refused() -> None:
    """The message names value, range and profile."""
    with pytest.raises(
        InvalidValue, match=r"r\.NGX\.DLSS\.Quality=3 .*-2 to 2 \(profile mine\)"
    ):
        understand(Profile(name="mine", cvars={"r.NGX.DLSS.Quality": 3}))
