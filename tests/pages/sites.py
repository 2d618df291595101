"""Servers and streamers, as processes of their own."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]

START_SECONDS: Final = 20.0
"""How long a process may take to say that it is ready."""


class Process:
    """One of our commands, and the events it logs."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", "signalling", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._events.put(json.loads(line))

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the next log line of *event*; those before it are dropped."""
        while True:
            line = self._events.get(timeout=START_SECONDS)
            if line.get("event") == event:
                return line

    def stop(self) -> None:
        """End the process and wait for it."""
        self._process.terminate()
        self._process.wait(timeout=START_SECONDS)
        self._reader.join(timeout=START_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass(frozen=True)
class Site:
    """A server with a streamer behind it."""

    dialect: str
    player_port: int
    streamer_port: int
    sfu_port: int

    def page(self, version: str, *, offers: bool) -> str:
        """Return the address of a version's page."""
        query = "?offers" if offers else ""
        return f"http://127.0.0.1:{self.player_port}/{version}.html{query}"


def start_server(dialect: str, stack: contextlib.ExitStack, *options: str) -> Site:
    """Start a server of a dialect that ends with *stack*."""
    ports = [f"--{role}_port=0" for role in ("player", "streamer", "sfu")]
    fixed = ["--no_config", "--host=127.0.0.1", "--drain_timeout=0"]
    server = Process("serve", *fixed, *ports, f"--dialect={dialect}", *options)
    stack.callback(server.stop)
    told = server.wait_for("listening")
    return Site(dialect, told["player_port"], told["streamer_port"], told["sfu_port"])


def start_site(dialect: str, pages: Path, stack: contextlib.ExitStack) -> Site:
    """Start a server that shows the pages, and a streamer."""
    site = start_server(dialect, stack, f"--http_root={pages}")
    streamer = Process(
        "streamer",
        f"--url=ws://127.0.0.1:{site.streamer_port}",
        "--size=320x180",
        "--fps=15",
        "--loopback=always",
    )
    stack.callback(streamer.stop)
    streamer.wait_for("streamer_connected")
    return site
