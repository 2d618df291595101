"""Options of streamer and probe."""

import pytest

from signalling.errors import OptionError
from signalling.options.reading import load
from signalling.peer.scene import Size
from signalling.peer.settings import ProbeSettings, StreamerSettings, parse_size


def test_sizes_are_made_even() -> None:
    """4:2:0 video has no odd sides."""
    assert parse_size("641x361") == Size(640, 360)


@pytest.mark.parametrize(
    "text", ["", "640", "640x", "0x0", "63x63", "1922x1080", "-1x5", "axb"]
)
def test_other_sizes_are_refused(text: str) -> None:
    """Malformed, too small, too large."""
    with pytest.raises(ValueError, match="a size is"):
        parse_size(text)


def test_several_streamers_have_several_ids() -> None:
    """The first keeps the name."""
    assert StreamerSettings(id="Kiosk", count=3).ids() == ["Kiosk", "Kiosk2", "Kiosk3"]


@pytest.mark.parametrize(
    ("kind", "arguments", "complaint"),
    [
        (StreamerSettings, ["--size", "big"], "size: a size is WIDTHxHEIGHT"),
        (StreamerSettings, ["--fps", "600"], "fps: "),
        (StreamerSettings, ["--codec", "AV1"], "codec: "),
        (StreamerSettings, ["--url", "http://x"], "url: "),
        (StreamerSettings, ["--cout", "2"], "did you mean '--count'"),
        (ProbeSettings, ["--commands", "t.MaxFPS 5"], "commands: "),
        (ProbeSettings, ["--commands", "[1]"], "commands: "),
    ],
)
def test_a_wrong_option_is_one_line(
    kind: type[StreamerSettings] | type[ProbeSettings], arguments: list[str], complaint: str
) -> None:
    """That names the option."""
    with pytest.raises(OptionError) as caught:
        load(kind, arguments)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_environment_sets_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """By SIGNALLING_ and the option's name; the command line comes first."""
    monkeypatch.setenv("SIGNALLING_FPS", "15")
    monkeypatch.setenv("SIGNALLING_ID", "Kiosk")
    settings = load(StreamerSettings, ["--fps", "20", "--allow-commands"])
    assert (settings.fps, settings.id, settings.allow_commands) == (20, "Kiosk", True)


def test_commands_are_a_list() -> None:
    """As the command line and a program in between give them."""
    settings = load(ProbeSettings, ["--commands", '["t.MaxFPS 5","r.SetRes 640x360"]'])
    assert settings.command_list() == ("t.MaxFPS 5", "r.SetRes 640x360")
