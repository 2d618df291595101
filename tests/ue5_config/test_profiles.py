"""Profiles: built in, and users' own."""

from pathlib import Path

import pytest

from ue5_config.errors import InvalidProfile, UnknownProfile
from ue5_config.profiles import (
    BUILT_IN,
    MAX_PROFILE_BYTES,
    Codec,
    Profile,
    Resolution,
    find_profile,
    load_profiles,
)


def test_there_are_five_built_in() -> None:
    """The names the command line takes."""
    assert set(BUILT_IN) == {"reference", "quality", "balanced", "density", "software"}


def test_the_reference_is_given_by_its_own_lines() -> None:
    """What they become is told when they are translated."""
    assert dict(BUILT_IN["reference"].cvars) == {
        "t.MaxFPS": 30,
        "r.NGX.DLSS.Enable": 1,
        "r.NGX.DLSS.Quality": 2,
        "r.TemporalAA.Upscaling": 0,
    }


def test_software_needs_no_encoder_session() -> None:
    """Its codec is encoded on the CPU."""
    assert not BUILT_IN["software"].codec.in_hardware
    assert Codec.AV1.in_hardware


def test_reads_a_users_file(tmp_path: Path) -> None:
    """Its profiles join the built-in ones and may replace them."""
    path = tmp_path / "mine.toml"
    path.write_text('[kiosk]\nframe_rate = 24\nresolution = "800x600"\n[density]\n')
    kiosk = find_profile("kiosk", file=path)
    assert (kiosk.name, kiosk.frame_rate) == ("kiosk", 24)
    assert kiosk.resolution == Resolution(width=800, height=600)
    assert find_profile("density", file=path).scalability is None
    assert find_profile("balanced", file=path) == BUILT_IN["balanced"]


def test_a_file_with_one_profile_is_that_profile(tmp_path: Path) -> None:
    """`--profile mine.toml` needs no table."""
    path = tmp_path / "mine.toml"
    path.write_text('frame_rate = 24\n[cvars]\n"r.VSync" = 0\n')
    profile = find_profile(str(path))
    assert (profile.name, profile.frame_rate, dict(profile.cvars)) == (
        "mine",
        24,
        {"r.VSync": 0},
    )


def test_a_file_with_several_needs_a_name(tmp_path: Path) -> None:
    """Which one is meant cannot be guessed."""
    path = tmp_path / "mine.toml"
    path.write_text("[a]\n[b]\n")
    with pytest.raises(InvalidProfile, match="a, b"):
        find_profile(str(path))


def test_an_unknown_profile_is_told_with_those_there_are() -> None:
    """The message lists them."""
    with pytest.raises(UnknownProfile, match="'fast' is not one of balanced, density"):
        find_profile("fast")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[p]\nframe_rate = 0", "profile 'p'.*frame_rate=0.*greater than or equal to 1"),
        ("[p]\nframe_rat = 30", "profile 'p'.*frame_rat=30.*not permitted"),
        ('[p]\ncodec = "H265"', "profile 'p'.*codec='H265'.*'H264'"),
        ('[p]\nresolution = "big"', "profile 'p'.*resolution"),
        (
            "[p]\nmin_bitrate_kbps = 900\nmax_bitrate_kbps = 100",
            "min_bitrate_kbps=900 is above",
        ),
        ("[p]\nmin_quality = 80\nmax_quality = 20", "min_quality=80 is above max_quality=20"),
        ("[p", "no TOML file"),
    ],
)
def test_a_wrong_profile_is_told_with_its_key_and_value(
    tmp_path: Path, text: str, message: str
) -> None:
    """Profile, key, value and range stand in one line."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InvalidProfile, match=message) as caught:
        load_profiles(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_a_profile_is_refused(tmp_path: Path) -> None:
    """Missing, or larger than any page of settings."""
    with pytest.raises(InvalidProfile, match="cannot be read"):
        load_profiles(tmp_path / "none.toml")
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * (MAX_PROFILE_BYTES + 1))
    with pytest.raises(InvalidProfile, match="larger"):
        load_profiles(path)


def test_profiles_cannot_be_changed() -> None:
    """They are shared between instances."""
    with pytest.raises(ValueError, match="frozen"):
        Profile().frame_rate = 60  # type: ignore[misc]
