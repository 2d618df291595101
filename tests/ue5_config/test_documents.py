"""What the pages show is what the commands print."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from ue5_config.cli import main

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = Path(__file__).parent / "samples"
TARGET: Final = "--engine 5.6 --plugin PixelStreaming2"
INSTANCE: Final = "--signalling-url ws://10.0.0.5:8888 --streamer-id game-1"


def page(name: str) -> str:
    """Return a page of the documentation."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the Config folder that the page on `check` shows."""
    shown = re.search(r"```ini\n(.*?)```", page("ue5-check"), re.DOTALL)
    assert shown is not None
    for name, text in re.findall(
        r"; Config/(\S+)\n(.*?)(?=\n; Config/|\Z)", shown[1], re.DOTALL
    ):
        (tmp_path / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return tmp_path


def printed(command: str, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what a command prints."""
    main([*shlex.split(command), *words])
    return capsys.readouterr().out


def test_what_check_says(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On two pages."""
    launch = '--launch "-RenderOffscreen -PixelStreamingURL=ws://10.0.0.5:8888"'
    shown = printed(f"check {TARGET} {launch}", capsys, str(project))
    assert f"```\n{shown}```" in page("ue5-check")
    assert f"```\n{shown}```" in page("ue5-four-users")


def test_what_render_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """The reference for 5.6."""
    shown = printed(f"render --profile reference {TARGET} {INSTANCE} --gpu-index 0", capsys)
    assert f"```\n{shown}```" in page("ue5-four-users")


def test_what_the_diff_shows(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the same project."""
    shown = printed(
        f"render --profile density {TARGET} {INSTANCE} --diff", capsys, str(project)
    )
    assert f"```\n{shown}```" in page("ue5-render")


def test_what_capacity_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of made-up samples, and of the reference's figures."""
    monkeypatch.chdir(SAMPLES)
    files = "before:1=before-1.csv after:1=after-1.csv after:2=after-2.csv after:3=after-3.csv"
    shown = printed(f"capacity {files} --gpu 'GeForce RTX 4090' --unit-cost 1.20", capsys)
    figures = printed("capacity --reference", capsys)
    for name in ("ue5-capacity", "ue5-four-users"):
        assert f"```\n{shown}```" in page(name)
        assert f"```\n{figures}```" in page(name)


def test_every_rule_has_its_line() -> None:
    """A finding's rule can be looked up."""
    source = "".join(
        (ROOT / "ue5_config" / name).read_text(encoding="utf-8")
        for name in ("name_rules.py", "sharing_rules.py")
    )
    rules = set(re.findall(r'"([a-z]+(?:-[a-z]+)+|renamed|overruled|spelling)"', source))
    assert len(rules) > 20
    listed = set(re.findall(r"`([a-z-]+)`", page("ue5-check")))
    assert rules - listed == set()
