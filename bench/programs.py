"""Measurements that bring their own program: name, file, and what they answer."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Program:
    """A script under bench/; it has options of its own."""

    path: str
    summary: str

    @property
    def is_there(self) -> bool:
        """Whether this tree has it."""
        return (ROOT / self.path).is_file()

    def run(self, arguments: Sequence[str]) -> int:
        """Run it in the foreground; return its exit code."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, str(ROOT / self.path), *arguments]
        return subprocess.run(command, env=environment, check=False).returncode


PROGRAMS: Final[Mapping[str, Program]] = {
    "chat_beside": Program(
        "bench/chat/beside.py", "Whether signalling waits for fifty visitors who chat."
    ),
    "chat_latency": Program(
        "bench/chat/latency.py", "How long a visitor waits for cards and for words."
    ),
    "matchmaker": Program(
        "bench/matchmaker/allocation.py", "How fast places are given out: 4,000 instances."
    ),
    "rag": Program("bench/rag/growth.py", "How search grows with the number of products."),
    "rag_latency": Program(
        "bench/rag/latency.py", "What a search costs with the usual models."
    ),
    "slow_peer": Program("bench/slow_peer.py", "What a peer that reads slowly costs others."),
    "storm": Program("bench/storm.py", "Everybody comes back at once."),
}


def available() -> dict[str, Program]:
    """Return the programs that this tree has."""
    return {name: program for name, program in PROGRAMS.items() if program.is_there}
