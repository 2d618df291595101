"""Where options come from, and which wins."""

import json
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from signalling.__main__ import main
from signalling.errors import OptionError
from signalling.options.reading import load
from signalling.serve import settings_from
from signalling.settings import ServeSettings, peer_options, read_config_file
from signalling.version import version


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line beats the environment, that the file, that the default."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"player_port": 1, "streamer_port": 1, "sfu_port": 1}))
    monkeypatch.setenv("SIGNALLING_PLAYER_PORT", "2")
    monkeypatch.setenv("SIGNALLING_STREAMER_PORT", "2")
    settings = settings_from(["--player_port", "3"])
    assert (settings.player_port, settings.streamer_port, settings.sfu_port) == (3, 2, 1)
    assert settings.max_players == 0


def test_no_config(tmp_path: Path) -> None:
    """The file of the working directory can be left unread."""
    (tmp_path / "config.json").write_text('{"player_port": 1}')
    assert settings_from(["--no_config"]).player_port == 80


@pytest.mark.parametrize(
    ("words", "serves"),
    [
        ([], True),
        (["--serve"], True),
        (["--serve", "false"], False),
        (["--serve=false"], False),
        (["--no-serve"], False),
        (["--serve", "--player-port", "5"], True),
    ],
)
def test_flags(words: list[str], *, serves: bool) -> None:
    """A flag stands alone, with true or false, or with no- before it."""
    assert load(ServeSettings, words).serve is serves


def test_dashes_are_underscores() -> None:
    """Both spellings of an option are the same option."""
    assert load(ServeSettings, ["--player-port", "5"]).player_port == 5
    assert load(ServeSettings, ["--player_port=6"]).player_port == 6


def test_cirrus_file(tmp_path: Path) -> None:
    """A Cirrus config.json is read as it is and sets the dialect."""
    path = tmp_path / "cirrus.json"
    path.write_text(
        json.dumps(
            {
                "HttpPort": 8080,
                "StreamerPort": 9000,
                "peerConnectionOptions": '{"iceServers": [{"urls": ["stun:h:1"]}]}',
            }
        )
    )
    settings = settings_from(["--config_file", str(path)])
    assert settings.dialect == "cirrus"
    assert settings.player_port == 8080
    assert settings.peer_options == {"iceServers": [{"urls": ["stun:h:1"]}]}


def test_cirrus_file_does_not_win_over_an_option(tmp_path: Path) -> None:
    """Its dialect is a default."""
    path = tmp_path / "cirrus.json"
    path.write_text('{"HttpPort": 8080, "peerConnectionOptions": ""}')
    settings = settings_from(["--config_file", str(path), "--dialect", "wilbur"])
    assert settings.dialect == "wilbur"
    assert settings.peer_options == {}


def test_unknown_key_names_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key nobody knows is a warning, not an end."""
    logger = CapturingLogger()
    monkeypatch.setattr("signalling.settings.log", logger)
    path = tmp_path / "config.json"
    path.write_text('{"player_prot": 5, "max_players": 3}')
    assert read_config_file(path).values == {"max_players": 3}
    (call,) = logger.calls
    assert call.method_name == "warning"
    assert "did you mean 'player_port'?" in call.kwargs["hint"]


def test_secret_from_a_file(tmp_path: Path) -> None:
    """A secret is read from its file, and is in no representation of the settings."""
    path = tmp_path / "secret"
    path.write_text("north of the wall\n")
    settings = load(ServeSettings, ["--turn_secret_file", str(path)])
    assert settings.turn_secret == "north of the wall"
    assert "north" not in repr(settings)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("session_address", "https://example.com/", "{id}"),
        ("session_address", "ftp://session-{id}.example.com", "https://"),
        ("node_name", "a b", "letters"),
        ("redis_url", "http://example.com", "redis://"),
        ("matchmaker_allow", "10.0.0.0/8,nonsense", "10.0.0.0/8"),
        ("webhook_urls", "example.com/hook", "https://"),
        ("session_secret", "guess", "16 bytes"),
        ("allocation_policy", "full", "'pack' or 'spread'"),
        ("player_keepalive_timeout", "299", "at least 300"),
    ],
)
def test_wrong_values_are_one_line(option: str, value: str, said: str) -> None:
    """The line names the option and what is allowed."""
    with pytest.raises(OptionError) as told:
        load(ServeSettings, [f"--{option}", value])
    line = str(told.value)
    assert option in line
    assert said in line
    assert "\n" not in line


def test_webhooks_need_a_secret() -> None:
    """Without one anybody could sign."""
    words = ["--webhook_urls", "https://example.com/hook"]
    with pytest.raises(OptionError, match="webhook_secret"):
        load(ServeSettings, words)
    assert load(ServeSettings, [*words, "--webhook_secret", "s"]).webhook_urls


@pytest.mark.parametrize("command", ["serve", "demo", "streamer", "probe"])
def test_help_names_the_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What can be typed again, not the name of a file."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: pycirrus {command} ")


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["serve", "--version"]])
def test_version(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The program says which one it is, and ends."""
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == version()


@pytest.mark.parametrize("content", ["", "[]", "{", "nonsense"])
def test_unusable_files(tmp_path: Path, content: str) -> None:
    """A file that is not a JSON object is an error that names it."""
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(OptionError, match=r"config\.json"):
        read_config_file(path)


def test_peer_options_from_a_file(tmp_path: Path) -> None:
    """Peer options may stand in a file of their own."""
    path = tmp_path / "peers.json"
    path.write_text('{"iceServers": []}')
    settings = load(ServeSettings, ["--peer_options_file", str(path)])
    assert peer_options(settings) == {"iceServers": []}
