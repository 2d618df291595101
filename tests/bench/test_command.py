"""`python -m bench`."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from bench import programs
from bench.__main__ import main
from bench.programs import Program

ROOT = Path(__file__).parents[2]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_quick_run_measures_both_servers(tmp_path: Path) -> None:
    """`--quick` goes the whole way: two processes, a table, every figure as JSON."""
    result = tmp_path / "result.json"
    done = bench("--quick", "handshake", "idle", "--json", str(result))
    assert done.returncode == 0, done.stderr
    assert "cpu us per handshake" in done.stdout
    assert "idle 1/1: pycirrus" in done.stderr
    results = orjson.loads(result.read_bytes())["results"]
    figures = results["handshake"]["cpu_us_per_handshake"]
    assert figures["floor"][0] > 0
    assert figures["server"][0] > 0
    assert set(results) == {"handshake", "idle"}


@pytest.mark.skipif(
    sys.platform != "linux", reason="needs a whole network of loopback addresses"
)
def test_everybody_comes_back() -> None:
    """`storm` goes the whole way, and leaves nobody out."""
    done = bench("storm", "--", "40")
    assert done.returncode == 0, done.stderr
    figures = orjson.loads(done.stdout.splitlines()[-1])
    assert (figures["idle"]["back"], figures["restart"]["back"]) == (40, 20)


def test_a_server_that_is_not_there_is_said_in_a_line() -> None:
    """A URL at which nobody listens ends the command with 1, not with a traceback."""
    done = bench("--quick", "steady", "--player_url", "ws://127.0.0.1:9/")
    assert done.returncode == 1
    assert "not measured" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A scenario that does not exist is named, with the way to those that do."""
    with pytest.raises(SystemExit) as ended:
        main(["handshakes"])
    assert ended.value.code == 2
    assert "handshakes (see --list)" in capsys.readouterr().err


def test_the_list_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` has the scenarios and the programs of this tree, and no others."""
    assert main(["--list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[:5] == ["handshake", "saturated", "steady", "idle", "growth"]
    assert names[5:] == list(programs.available())


def test_a_program_gets_its_options_and_gives_its_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What stands behind `--` is for a program of its own, whose exit code is ours."""
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.exit(int(sys.argv[1]))\n", encoding="utf-8")
    monkeypatch.setattr(programs, "ROOT", tmp_path)
    monkeypatch.setattr(programs, "PROGRAMS", {"own": Program("script.py", "")})
    assert main(["own", "--", "7"]) == 7
