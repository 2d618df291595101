"""`python -m rag ask`, as people run it."""

import json
from pathlib import Path

import pytest

from rag.cli import main


def test_ask_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON line for each event; every card is inside the budget."""
    monkeypatch.setenv("SIGNALLING_DEMO_CATALOGUE", "true")
    monkeypatch.chdir(tmp_path)
    arguments = ["ask", "소파", "--budget", "900000", "--json", "--data_dir", str(tmp_path)]
    assert main(arguments) == 0
    lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("{")]
    events = [json.loads(line) for line in lines]
    assert [events[0]["type"], events[-1]["type"]] == ["chatProducts", "chatDone"]
    assert events[0]["products"]
    assert all(int(card["price"]) <= 900_000 for card in events[0]["products"])


def test_a_wrong_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says what is wrong, with exit code 2."""
    assert main(["ask", "sofa", "--budget", "much", "--data_dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("--budget 'much': must be a decimal string")
    assert error.count("\n") == 1
