"""Settings for a running instance, by way of a probe."""

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ue5_config.cli import main
from ue5_config.errors import InvalidValue, ProbeError, UnknownSetting
from ue5_config.live import Instance, apply, measure, named_choices, revert
from ue5_config.profiles import Resolution
from ue5_config.translation import Target

MakeTarget = Callable[..., Target]

FAKE = """
import json, pathlib, sys

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
state = pathlib.Path(__file__).with_suffix(".json")
seen = json.loads(state.read_text()) if state.exists() else {"fps": 60, "size": "1920x1080"}
refused = []
commands = json.loads(arguments.get("--commands", "[]"))
for command in commands:
    name, value = command.split(" ", 1)
    if name == "t.MaxFPS":
        seen["fps"] = float(value) or 60
    elif name == "r.SetRes":
        seen["size"] = value
    else:
        refused.append(command)
state.write_text(json.dumps(seen))
width, height = (int(part) for part in seen["size"].split("x"))
print(json.dumps({"event": "a log line"}))
print(json.dumps({
    "framesPerSecond": seen["fps"], "bitrateKbps": 100 * seen["fps"], "roundTripMs": 1.5,
    "jitterMs": None, "width": width, "height": height, "codec": "H264",
    "commandsSent": commands, "commandsRefused": refused,
}))
"""


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    """Return an instance whose probe is a small program that remembers what it was sent."""
    return fake(tmp_path, FAKE)


def fake(folder: Path, program: str) -> Instance:
    """Return an instance with *program* as its probe."""
    path = folder / "probe.py"
    path.write_text(program)
    return Instance(
        url="ws://h:1", streamer="game", seconds=1, probe=(sys.executable, str(path))
    )


def test_measures_before_and_after_and_undoes(instance: Instance, target: MakeTarget) -> None:
    """The size goes back to the one seen, the cap to the engine's default."""
    choices = named_choices({"t.maxfps": "30"}, target())
    size = Resolution(width=640, height=360)
    done = apply(choices, instance, known={}, resolution=size, undo=True)
    assert done.record.commands == ("t.MaxFPS 30", "r.SetRes 640x360")
    assert done.record.undo == ("t.MaxFPS 0", "r.SetRes 1920x1080")
    rates = [seen.frames_per_second for seen in (done.before, done.after, done.undone) if seen]
    assert rates == [60, 30, 60]
    assert [done.before.size, done.after.size] == ["1920x1080", "640x360"]
    assert done.refused == ()


def test_goes_back_to_what_the_project_had(instance: Instance, target: MakeTarget) -> None:
    """Where it is known, rather than to the default."""
    choices = named_choices({"t.MaxFPS": "30"}, target())
    done = apply(choices, instance, known={"t.maxfps": "45"}, undo=True)
    assert done.undone is not None
    assert done.undone.frames_per_second == 45


def test_a_record_can_be_undone_later(instance: Instance, target: MakeTarget) -> None:
    """By another run of the command."""
    done = apply(named_choices({"t.MaxFPS": "30"}, target()), instance, known={})
    back = revert(done.record, instance)
    assert [back.before.frames_per_second, back.after.frames_per_second] == [30, 60]


DIES_ONCE = f"""{FAKE}
if commands == ["t.MaxFPS 30"]:
    sys.exit("connection lost")
"""
"""It has sent what it was given when it ends."""


def test_settings_are_taken_back_when_the_measurement_dies(
    tmp_path: Path, target: MakeTarget
) -> None:
    """With undo nothing stays in force in somebody's running game."""
    instance = fake(tmp_path, DIES_ONCE)
    with pytest.raises(ProbeError, match="connection lost"):
        apply(named_choices({"t.MaxFPS": "30"}, target()), instance, known={}, undo=True)
    assert measure(instance).frames_per_second == 60


def test_a_measurement_that_dies_tells_the_way_back(tmp_path: Path, target: MakeTarget) -> None:
    """Without undo the settings may be in force."""
    instance = fake(tmp_path, DIES_ONCE)
    with pytest.raises(ProbeError, match=r"connection lost; .* undone by: t\.MaxFPS 0"):
        apply(named_choices({"t.MaxFPS": "30"}, target()), instance, known={})


def test_the_record_is_kept_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that what dies midway can be undone by it."""
    instance, record = fake(tmp_path, DIES_ONCE), tmp_path / "record.json"
    common = ["apply", "--probe", shlex.join(instance.probe), "--seconds", "1"]
    given = ["--url", "ws://h", "--set", "t.MaxFPS 30", "--record", str(record)]
    assert main([*common, *given]) == 1
    assert "connection lost" in capsys.readouterr().err
    assert measure(instance).frames_per_second == 30
    assert main([*common, "--undo-from", str(record)]) == 0
    assert measure(instance).frames_per_second == 60


def test_a_record_that_cannot_be_kept_stops_before_anything_is_sent(
    instance: Instance, tmp_path: Path
) -> None:
    """What could not be undone later is not applied."""
    record = tmp_path / "none" / "record.json"
    given = ["--url", "ws://h", "--set", "t.MaxFPS 30", "--record", str(record)]
    probe = ["--probe", shlex.join(instance.probe), "--seconds", "1"]
    assert main(["apply", *probe, *given]) == 1
    assert measure(instance).frames_per_second == 60


def test_what_the_instance_refuses_is_told(instance: Instance, target: MakeTarget) -> None:
    """By command."""
    choices = named_choices({"r.VSync": "0", "t.MaxFPS": "30"}, target())
    done = apply(choices, instance, known={})
    assert [one.command for one in done.refused] == ["r.VSync 0"]


def test_what_was_not_sent_counts_as_refused(tmp_path: Path, target: MakeTarget) -> None:
    """A data channel that never opened takes no commands."""
    silent = fake(tmp_path, 'print(\'{"framesPerSecond": 1, "commandsSent": []}\')')
    done = apply(named_choices({"t.MaxFPS": "30"}, target()), silent, known={})
    assert [(one.command, one.reason) for one in done.refused] == [("t.MaxFPS 30", "not sent")]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('no streamer')", r"failed \(1\): no streamer"),
        ("import sys; sys.exit(3)", r"failed \(3\): it said nothing"),
        ("print('{}')", "printed no measurement"),
        ('print(\'{"framesPerSecond": "many"}\')', "framesPerSecond"),
    ],
)
def test_a_probe_that_fails_is_told(program: str, message: str, tmp_path: Path) -> None:
    """In one line, with what it said last."""
    with pytest.raises(ProbeError, match=message):
        measure(fake(tmp_path, program))


def test_a_probe_that_is_not_there_is_told() -> None:
    """By its name."""
    with pytest.raises(ProbeError, match="/no/probe cannot be run"):
        measure(Instance(url="ws://h", probe=("/no/probe",)))


def test_a_probe_that_hangs_is_given_up() -> None:
    """Every wait is bounded."""

    def hang(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(arguments, options["timeout"])

    with pytest.raises(ProbeError, match="did not end within 70 s"):
        measure(Instance(url="ws://h"), run=hang)


def test_more_commands_than_the_probe_takes_are_refused() -> None:
    """The probe's own bound."""
    with pytest.raises(ProbeError, match="65 commands are more than 64"):
        measure(Instance(url="ws://h"), ["t.MaxFPS 30"] * 65)


def test_only_settings_of_a_running_instance_can_be_applied(target: MakeTarget) -> None:
    """The others are read at start."""
    with pytest.raises(UnknownSetting, match="read at start only"):
        named_choices({"PixelStreaming2.Encoder.Codec": "VP8"}, target())
    with pytest.raises(InvalidValue, match=r"t\.MaxFPS=-1"):
        named_choices({"t.MaxFPS": "-1"}, target())


def test_a_value_without_a_way_back_is_refused(instance: Instance, target: MakeTarget) -> None:
    """Before anything is sent."""
    choices = named_choices({"r.SetRes": "640x360"}, target())
    with pytest.raises(InvalidValue, match="no known value"):
        apply(choices, instance, known={})


def test_the_command_reports_and_keeps_a_record(
    instance: Instance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Table, record, and the way back by the record."""
    probe = shlex.join(instance.probe)
    record = tmp_path / "record.json"
    common = ["apply", "--engine", "5.6", "--seconds", "1", "--probe", probe]
    given = ["--url", "ws://h", "--set", "t.MaxFPS 30", "--resolution", "640x360"]
    assert main([*common, *given, "--record", str(record)]) == 0
    shown = capsys.readouterr().out
    assert "> t.MaxFPS 30" in shown
    assert "frames/s                60.0        30.0" in shown
    assert main([*common, "--undo-from", str(record), "--json"]) == 0
    undone = json.loads(capsys.readouterr().out)
    assert undone["after"]["framesPerSecond"] == 60
    assert undone["commands"] == ["t.MaxFPS 0", "r.SetRes 1920x1080"]


def test_a_profile_is_applied_as_far_as_it_can_be(
    instance: Instance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refusals fail the command and are listed; the project says where to go back to."""
    (tmp_path / "DefaultEngine.ini").write_text("[SystemSettings]\nt.MaxFPS=50\n")
    arguments = ["apply", "--engine", "5.6", "--url", "ws://h", "--profile", "reference"]
    arguments += ["--probe", shlex.join(instance.probe), "--seconds", "1", "--json"]
    assert main([*arguments, "--config", str(tmp_path)]) == 1
    done = json.loads(capsys.readouterr().out)
    assert "t.MaxFPS 30" in done["commands"]
    assert "t.MaxFPS 50" in done["undo"]
    assert "PixelStreaming2.WebRTC.Fps 30" in done["commands"]
    assert not [
        one for one in done["commands"] if one.startswith("PixelStreaming2.Encoder.Codec")
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "ws://h"], "nothing to apply"),
        (["--set", "t.MaxFPS 30"], "--url is missing"),
        (["--undo-from", "/none.json"], "cannot be read"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit code 2."""
    assert main(["apply", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@asynccontextmanager
async def running(*words: str, until: bytes) -> AsyncIterator[bytes]:
    """Run `python -m signalling …` until a line has *until* in it; stop it afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "signalling",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = b""
            while until not in line:
                line = await process.stdout.readline()
                assert line, f"{words[0]} ended"
        yield line
    finally:
        process.terminate()
        async with asyncio.timeout(20):
            await process.communicate()


@pytest.mark.media
@pytest.mark.slow
@pytest.mark.parametrize("allowed", ["true", "false"])
async def test_against_the_real_server_and_a_synthetic_streamer(
    allowed: str, tmp_path: Path
) -> None:
    """Cap and size change what a real player sees, where the instance allows commands."""
    pytest.importorskip("aiortc")
    host = ["--host", "127.0.0.1", "--sfu_port", "0", "--data_dir", str(tmp_path)]
    ports = ["--player_port", "0", "--streamer_port", "0", "--serve", "false"]
    async with running("serve", *host, *ports, until=b'"listening"') as line:
        listening = json.loads(line)
        peer = ["--url", f"ws://127.0.0.1:{listening['streamer_port']}", "--id", "game"]
        small = ["--size", "320x180", "--fps", "30", "--loopback", "always"]
        commands = ["--allow_commands", allowed]
        async with running("streamer", *peer, *small, *commands, until=b"streamer_"):
            code, done = await _apply(listening["player_port"])
    # Wide margins: the machine may be busy, and 8 is still told from 30.
    assert done["before"]["framesPerSecond"] > 14
    if allowed == "true":
        assert code == 0
        assert 4 < done["after"]["framesPerSecond"] < 12
        assert (done["after"]["width"], done["after"]["height"]) == (160, 90)
        assert done["undone"]["framesPerSecond"] > 14
        assert done["undone"]["width"] == 320
    else:
        assert code == 1
        assert done["after"]["width"] == 320
        refused = [one["command"] for one in done["after"]["commandsRefused"]]
        assert refused == ["t.MaxFPS 8", "r.SetRes 160x90"]


async def _apply(player_port: int) -> tuple[int, dict[str, Any]]:
    probe = shlex.join([sys.executable, "-m", "signalling", "probe", "--loopback", "always"])
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "ue5_config", "apply", "--json", "--undo", "--seconds", "2"],
        *["--url", f"ws://127.0.0.1:{player_port}", "--streamer", "game", "--probe", probe],
        *["--engine", "5.6", "--set", "t.MaxFPS 8", "--resolution", "160x90"],
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode or 0, json.loads(output)
