"""`save`: the options of a start, for the next one."""

import json
import stat
from pathlib import Path

import pytest

from signalling.errors import OptionError
from signalling.options.saving import save
from signalling.serve import settings_from


def test_what_was_given_is_saved(tmp_path: Path) -> None:
    """Only what was given is saved, and the next start reads the same."""
    path = tmp_path / "config.json"
    given = ["--config_file", str(path), "--player_port", "8080", "--save", "--cors"]
    save(settings_from(given), path)
    assert json.loads(path.read_text()) == {"player_port": 8080, "cors": True}
    again = settings_from(["--config_file", str(path)])
    assert (again.player_port, again.cors) == (8080, True)


def test_a_file_of_cirrus_becomes_one_of_ours(tmp_path: Path) -> None:
    """Its keys are saved under our names, paths relative to the file as they were."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"HttpPort": 8080, "LogToFile": True, "HTTPSKeyFile": "k.pem"}))
    before = settings_from(["--config_file", str(path)])
    save(before, path)
    saved = json.loads(path.read_text())
    assert saved["log_folder"] == "logs"
    assert saved["ssl_key_path"] == "k.pem"
    assert saved["dialect"] == "cirrus"
    after = settings_from(["--config_file", str(path)])
    assert before.model_dump() == after.model_dump()


def test_secrets(tmp_path: Path) -> None:
    """A secret of a file stays there; another is readable by the owner only."""
    (tmp_path / "turn").write_text("from-file")
    path = tmp_path / "config.json"
    secrets = ["--turn_secret_file", str(tmp_path / "turn"), "--admin_token", "given"]
    settings = settings_from(["--no_config", *secrets])
    assert settings.turn_secret == "from-file"
    save(settings, path)
    assert json.loads(path.read_text()) == {"turn_secret_file": "turn", "admin_token": "given"}
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


def test_folder_is_missing(tmp_path: Path) -> None:
    """A file that cannot be written is one line."""
    with pytest.raises(OptionError, match=r"^save: cannot write"):
        save(settings_from(["--no_config"]), tmp_path / "nowhere" / "config.json")
