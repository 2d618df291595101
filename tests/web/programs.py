"""Server and streamers as their own processes, started and ended by a test."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]

START_SECONDS = 30
"""Importing the media libraries on a busy machine takes a few."""

STOP_SECONDS = 10

LogLine = dict[str, Any]


class Program:
    """One of `python -m signalling …`; its log lines are read as they come."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "signalling", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_for(self, event: str, *, seconds: float = START_SECONDS) -> LogLine:
        """Return the first log line of *event* that was not looked at yet."""
        seen: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"no {event} in: {''.join(seen)}") from None
            seen.append(line)
            entry = _entry(line)
            if entry.get("event") == event:
                return entry

    def send_signal(self, number: int) -> None:
        """Send the process a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End the process, by force if it does not end when told."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)


class Server(Program):
    """A server on free ports, or on given ones."""

    def __init__(
        self, page: str, *options: str, player_port: int = 0, streamer_port: int = 0
    ) -> None:
        super().__init__(
            "serve",
            "--host=127.0.0.1",
            f"--http_root={page}",
            f"--player_port={player_port}",
            f"--streamer_port={streamer_port}",
            "--sfu_port=0",
            "--drain_timeout=0",
            "--no_config",
            *options,
        )
        listening = self.wait_for("listening")
        self.player_port: int = listening["player_port"]
        self.streamer_port: int = listening["streamer_port"]

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.player_port}/"


class Streamer(Program):
    """A synthetic streamer of 320 by 180 pixels that the server knows."""

    def __init__(self, server: Server, name: str) -> None:
        super().__init__(
            "streamer",
            f"--url=ws://127.0.0.1:{server.streamer_port}",
            f"--id={name}",
            "--size=320x180",
            "--fps=15",
            "--codec=VP8",
            "--loopback=always",
        )
        self.wait_for("streamer_identified")


def _entry(line: str) -> LogLine:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
