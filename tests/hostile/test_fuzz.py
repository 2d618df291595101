"""The fuzzer finds nothing: ten seconds here, a minute where `CI` is set."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 60 if os.environ.get("CI") else 10
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not for this platform"
)
def test_parsers_take_anything(tmp_path: Path) -> None:
    """No bytes make a parser of strangers' bytes raise what it does not document."""
    result = subprocess.run(  # noqa: S603 - our own fuzzer
        [sys.executable, "-m", "tests.hostile.fuzz_parsers", f"-max_total_time={SECONDS}",
         f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 45, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-4000:]
    assert "Done " in result.stderr
