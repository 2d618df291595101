"""The command line: options, forms of output, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ue5_config.cli import main
from ue5_config.commands.common import defaults
from ue5_config.commands.table import markdown
from ue5_config.errors import UsageError
from ue5_config.settings_table import TABLE

ROOT = Path(__file__).parents[2]
WHERE = ["--engine", "5.6", "--plugin", "PixelStreaming2"]
WHO = ["--signalling-url", "ws://10.0.0.5:8888", "--streamer-id", "game-1"]
RENDER = ["render", "--profile", "reference", *WHERE, *WHO]


def test_renders_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Files, both launch lines, and what there is to know."""
    assert main(RENDER) == 0
    shown = capsys.readouterr().out
    assert "# Config/DefaultEngine.ini\n[SystemSettings]\nt.MaxFPS=30\n" in shown
    assert "-PixelStreamingConnectionURL=ws://10.0.0.5:8888" in shown
    assert "# - r.TemporalAA.Upscaling: left out" in shown


def test_renders_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object on standard output and nothing else."""
    assert main([*RENDER, "--json", "--gpu-index", "2", "--container"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["environment"]["NVIDIA_VISIBLE_DEVICES"] == "2"


def test_renders_files_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second time there is nothing to write, and the diff is empty."""
    assert main([*RENDER, "--out", str(tmp_path)]) == 0
    assert "wrote" in capsys.readouterr().out
    assert main([*RENDER, "--out", str(tmp_path)]) == 0
    assert "up to date" in capsys.readouterr().out
    assert main([*RENDER, "--diff", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_options_may_be_written_with_underscores(capsys: pytest.CaptureFixture[str]) -> None:
    """As those of the server."""
    assert main(["render", "--signalling_url=ws://h:1", "--streamer_id", "a_b", "--json"]) == 0
    words = json.loads(capsys.readouterr().out)["launch"]["arguments"]
    assert "-PixelStreamingID=a_b" in words


def test_lines_of_a_guide_are_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a file and from the command line, which goes above."""
    path = tmp_path / "lines.txt"
    path.write_text("t.MaxFPS 24 # film\nr.TemporalAA.Upscaling 0\n")
    given = ["--lines", str(path), "--set", "r.VSync 0", "--set", "t.MaxFPS 25"]
    assert main([*RENDER, *given, "--resolution", "800x600", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    values = {one["name"]: one["value"] for one in found["settings"]}
    assert (values["t.MaxFPS"], values["r.VSync"]) == (25, 0)
    assert values["PixelStreaming2.WebRTC.Fps"] == 25
    assert "-ResX=800" in found["launch"]["arguments"]


def test_a_check_fails_only_on_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 with errors, 0 with warnings, and a count in the last line."""
    assert main(["check", str(tmp_path), *WHERE]) == 1
    assert capsys.readouterr().out.endswith("1 error, 0 warning, 0 info\n")
    engine = "[SystemSettings]\nt.MaxFPS=60\nr.TemporalAA.Upscaling=0\n"
    (tmp_path / "DefaultEngine.ini").write_text(engine)
    assert main(["check", str(tmp_path), *WHERE, "--launch", "-RenderOffscreen", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {one["rule"] for one in found} >= {"undefined-name", "resolution-not-forced"}


def test_a_check_knows_the_gpu(tmp_path: Path) -> None:
    """By name, or by the number itself."""
    (tmp_path / "DefaultEngine.ini").write_text("[SystemSettings]\nt.MaxFPS=60\n")
    nine = ["check", str(tmp_path), *WHERE, "--instances", "9"]
    assert main(nine) == 1
    assert main([*nine, "--gpu", "NVIDIA L4"]) == 0
    assert main([*nine, "--gpu", "NVIDIA L4", "--encoder-sessions", "4"]) == 1


def test_capacity_compares_before_with_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file says how many instances ran, and which configuration."""
    (tmp_path / "one.csv").write_text("utilization.gpu [%]\n100 %\n99 %\n")
    (tmp_path / "two.csv").write_text("instances,gpu\n1,29\n2,48\n3,67\n")
    before, after = f"before:1={tmp_path / 'one.csv'}", f"after:3={tmp_path / 'two.csv'}"
    assert main(["capacity", before, after, "--unit-cost", "1.2"]) == 0
    shown = capsys.readouterr().out
    assert "before: 1 user" in shown
    assert "after: 4 users" in shown
    assert "1 → 4 users; a user costs 25 % of before" in shown
    assert main(["capacity", before, after, "--json", "--gpu", "GeForce RTX 4090"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["before"], found["after"], found["factor"]) == (1, 4, 4.0)


def test_the_references_arithmetic_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Both readings, and that only measuring tells which."""
    assert main(["capacity", "--reference"]) == 0
    shown = capsys.readouterr().out
    assert "4 users ask for 116 %" in shown
    assert "a user takes 7.25 %" in shown
    assert main(["capacity", "--reference", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["readings"]) == 2


def test_capacity_draws(tmp_path: Path) -> None:
    """Where matplotlib is installed."""
    pytest.importorskip("matplotlib")
    samples = tmp_path / "load.csv"
    samples.write_text("instances,gpu\n1,29\n2,48\n3,67\n")
    picture = tmp_path / "load.svg"
    assert main(["capacity", str(samples), "--plot", str(picture)]) == 0
    assert picture.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["paint"], "invalid choice: 'paint'"),
        (["render", *WHERE], "--signalling-url, --streamer-id"),
        (["render", *WHO, "--engine", "5.2"], "'5.2' is not one of 5.3"),
        (["render", *WHO, "--engine", "5.4", "--plugin", "PixelStreaming2"], "5.5 and later"),
        (["render", *WHO, "--profile", "fast"], "'fast' is not one of"),
        (["render", *WHO, "--set", "nonsense"], "is no setting"),
        (["render", *WHO, "--resolution", "big"], "is no WIDTHxHEIGHT"),
        (["render", *WHO, "--environment", "x"], "is no NAME=VALUE"),
        (["render", *WHO, "--lines", "/none.txt"], "cannot be read"),
        (["render", *WHO, "--config-file", "/none.json"], "cannot be read"),
        (["check", "/none", *WHERE], "is no folder"),
        (["check", ".", *WHERE, "--instances", "0"], "no whole number above 0"),
        (["check", ".", *WHERE, "--gpu", "Voodoo"], "GPU 'Voodoo' is not known"),
        (["capacity"], "name files of samples, or --reference"),
        (["capacity", "/none.csv"], "cannot be read"),
        (["capacity", "--reference", "--headroom", "1"], "not between 0 and 0.99"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, without a traceback."""
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_a_file_in_the_way_is_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What fails while working is code 1."""
    path = tmp_path / "file"
    path.write_text("")
    assert main([*RENDER, "--out", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "DefaultEngine.ini").write_bytes(b"\xff\xff\xff")
    assert main([*RENDER, "--out", str(tmp_path)]) == 1
    assert "DefaultEngine.ini is not utf-8" in capsys.readouterr().err


def test_defaults_come_from_environment_and_file(tmp_path: Path) -> None:
    """The environment goes above the file, and keys of others are left alone."""
    path = tmp_path / "config.json"
    path.write_text('{"player_port": 80, "ue5_engine": "5.7", "ue5_profile": "density"}')
    found = defaults(path, {"SIGNALLING_UE5_PROFILE": "quality", "SIGNALLING_PLAYER_PORT": "1"})
    assert (found.ue5_engine, found.ue5_profile) == ("5.7", "quality")


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"ue5_encoder_sessions": 0}', '{"ue5_encoder_sessions": "x"}']
)
def test_a_wrong_configuration_is_told(content: str, tmp_path: Path) -> None:
    """With key and value."""
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(UsageError):
        defaults(path, {})


def test_the_command_reads_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As every command of the server does."""
    monkeypatch.setenv("SIGNALLING_UE5_ENGINE", "5.4")
    monkeypatch.setenv("SIGNALLING_UE5_PLUGIN", "PixelStreaming")
    monkeypatch.setenv("SIGNALLING_UE5_DLSS", "none")
    assert main(["render", *WHO, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["engine"], found["plugin"], found["dlssPlugin"]) == (
        "5.4",
        "PixelStreaming",
        "none",
    )
    monkeypatch.setenv("SIGNALLING_UE5_DLSS", "maybe")
    assert main(["render", *WHO]) == 2


def test_runs_as_a_module() -> None:
    """With its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "ue5_config", "render", "--engine", "4.27"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("ue5_config: ")


def test_the_page_of_settings_is_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/ue5-settings.md is generated and up to date."""
    assert main(["settings"]) == 0
    page = ROOT / "docs" / "ue5-settings.md"
    assert page.read_text(encoding="utf-8") == capsys.readouterr().out


def test_the_page_of_settings_has_every_row() -> None:
    """Also renamed and undefined names."""
    page = "\n".join(markdown())
    for row in (*TABLE.setting, *TABLE.renamed, *TABLE.undefined):
        assert row.name in page


def test_imports_nothing_of_the_server() -> None:
    """The package stands alone; the probe is another process."""
    code = (
        "import sys, ue5_config.cli; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "{'signalling', 'matchmaker', 'rag', 'stores', 'matplotlib', 'numpy'}])"
    )
    done = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
