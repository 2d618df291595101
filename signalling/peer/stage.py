"""What the players of one streamer share: the scene, the camera, who sets the quality."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from signalling.peer.channel_messages import MouseMove
from signalling.peer.scene import SceneState
from signalling.peer.settings import MAX_FPS, parse_size
from signalling.peer.tracks import VideoFormat

MAX_INPUTS = 64
"""Inputs kept for who asks; a page's test wants its last clicks."""


class HasFormat(Protocol):
    """What shows pictures in a format that can change."""

    video: VideoFormat


class CommandRefusedError(Exception):
    """A console command that is not run; the text is for the player."""


class QualityControl:
    """
    Which player's connection sets the quality.

    The first one does; whoever asks takes it over; when it leaves, the one
    that came next has it.
    """

    def __init__(self) -> None:
        self._players: dict[str, Callable[[bool], None]] = {}
        self.owner: str | None = None

    def join(self, player: str, tell: Callable[[bool], None]) -> None:
        """Add *player*; *tell* is called with whether it owns quality control."""
        self._players[player] = tell
        if self.owner is None:
            self.owner = player
        tell(self.owner == player)

    def request(self, player: str) -> None:
        """Make *player* the owner and tell everybody."""
        self.owner = player
        for name, tell in tuple(self._players.items()):
            tell(name == player)

    def leave(self, player: str) -> None:
        """Remove *player*; its ownership goes to the one that came next."""
        if self._players.pop(player, None) and self.owner == player:
            self.owner = None
            heir = next(iter(self._players), None)
            if heir is not None:
                self.request(heir)


@dataclass(slots=True)
class Stage:
    """The shared state of one streamer."""

    scene: SceneState
    camera: HasFormat
    allow_commands: bool = False
    max_fps: int = MAX_FPS
    max_bitrate: int = 3_000_000
    quality: QualityControl = field(default_factory=QualityControl)
    inputs: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_INPUTS))

    def note_input(self, shown: str) -> None:
        """Keep *shown*; of pointer moves in a row only the last, or they would push out all."""
        moves = f"{MouseMove.__name__}("
        if self.inputs and shown.startswith(moves) and self.inputs[-1].startswith(moves):
            self.inputs.pop()
        self.inputs.append(shown)

    def run(self, command: str) -> None:
        """
        Run console *command*; raise `CommandRefusedError` when it is not run.

        Known: `t.MaxFPS N` (0: as many as there can be) and `r.SetRes WxH`,
        with Unreal's suffixes `w`, `f` and `wf` accepted and without meaning.
        """
        if not self.allow_commands:
            raise CommandRefusedError("commands are not allowed")
        name, _, argument = command.strip().partition(" ")
        apply = CONSOLE_COMMANDS.get(name.lower())
        if apply is None:
            raise CommandRefusedError("unknown command")
        self.camera.video = apply(self, argument.strip())

    def with_fps(self, argument: str) -> VideoFormat:
        """Return the format with the rate in *argument*."""
        if not re.fullmatch(r"\d{1,4}(\.\d*)?", argument):
            raise CommandRefusedError("t.MaxFPS takes a number")
        wanted = int(float(argument)) or self.max_fps
        return replace(self.camera.video, fps=min(wanted, self.max_fps))

    def with_size(self, argument: str) -> VideoFormat:
        """Return the format with the size in *argument*."""
        try:
            size = parse_size(re.sub(r"(wf|w|f)$", "", argument.lower()))
        except ValueError as error:
            raise CommandRefusedError(str(error)) from None
        return replace(self.camera.video, size=size)


CONSOLE_COMMANDS: dict[str, Callable[[Stage, str], VideoFormat]] = {
    "t.maxfps": Stage.with_fps,
    "r.setres": Stage.with_size,
}
