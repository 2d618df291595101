"""What a process costs."""

import os
import subprocess
import sys
import time

import pytest

from bench.cost import Cost, NotRunning, cost_of

BURN = "import sys, time\nwhile time.process_time() < 0.2: pass\nprint(1, flush=True)\n"


def test_work_shows() -> None:
    """CPU time grows by what a process works."""
    before, worked = cost_of(os.getpid()), time.process_time()
    while time.process_time() < worked + 0.1:
        pass
    assert cost_of(os.getpid()).cpu_seconds - before.cpu_seconds >= 0.09


def test_children_count() -> None:
    """A server's worker processes are part of its cost."""
    before = cost_of(os.getpid())
    command = [sys.executable, "-c", BURN + "sys.stdin.read()"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        after = cost_of(os.getpid())
    assert after.cpu_seconds - before.cpu_seconds >= 0.19
    assert after.rss_bytes > before.rss_bytes


def test_nobody_costs_nothing() -> None:
    """A server whose process is unknown has no cost; one that does not run is an error."""
    assert cost_of(None) == Cost(0.0, 0)
    with pytest.raises(NotRunning):
        cost_of(2**22 + 1)
