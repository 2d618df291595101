"""
A profile rendered for one instance: ini files, launch line, environment.

`render` is the call for provisioners: typed in, typed out, no files touched.
`Rendering` then gives JSON, writes files, or compares with a Config folder.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ue5_config.errors import InvalidValue
from ue5_config.ini import IniDocument, IniFile
from ue5_config.launch import MAX_COMMAND_LINE, quote_linux, quote_windows, switch
from ue5_config.lines import Note
from ue5_config.placement import Placed, on_launch_line, place
from ue5_config.profiles import Profile, Resolution
from ue5_config.settings_table import TABLE, Kind
from ue5_config.translation import Choice, Target, translate
from ue5_config.values import Scalar
from ue5_config.versions import RENAMED_CONNECTION_URL
from ue5_config.writing import replace_file

DEFAULT_RESOLUTION: Final = Resolution(width=1920, height=1080)
"""Forced where nobody names another: off-screen there is no display to ask."""

DEFAULT_EXECUTABLE: Final = "MyProject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """
    One process of the game.

    `gpu_index` counts as the graphics API does. In a container the NVIDIA
    runtime shows one GPU only, so there the environment picks it and the
    process uses the first. `executable` is a path without its suffix.
    """

    signalling_url: str
    streamer_id: str
    gpu_index: int | None = None
    resolution: Resolution | None = None
    executable: str = DEFAULT_EXECUTABLE
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    container: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """
    What makes a profile true for an instance.

    `arguments` is the vector after the executable on Linux; on Windows use
    the quoted line, since the engine there reads the raw command line.
    """

    profile: str
    target: Target
    choices: tuple[Choice, ...]
    lines: tuple[Placed, ...]
    executable: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    notes: tuple[Note, ...]

    def launch_linux(self) -> str:
        """Return the launch line for a POSIX shell."""
        return quote_linux([f"{self.executable}.sh", *self.arguments])

    def launch_windows(self, *, batch_file: bool = False) -> str:
        """Return the launch line for Windows."""
        words = [f"{self.executable}.exe".replace("/", "\\"), *self.arguments]
        return quote_windows(words, batch_file=batch_file)

    def files(self) -> dict[str, IniDocument]:
        """Return the ini fragments by file name."""
        names = dict.fromkeys(line.file for line in self.lines)
        return {name: self.merged(name, IniDocument()) for name in names}

    def merged(self, file: str, document: IniDocument) -> IniDocument:
        """Return *document* with the lines for *file* in it, the rest untouched."""
        for line in self.lines:
            if line.file == file:
                document = document.with_value(line.section, line.key, line.value)
        return document

    def merge_into(self, folder: Path) -> dict[str, tuple[IniFile | None, IniFile]]:
        """Return by file name what *folder* has (None: no such file) and would have."""
        return {name: _merge(self, name, folder / name) for name in self.files()}

    def diff(self, folder: Path) -> str:
        """Return a unified diff between *folder* and what it would become; empty when equal."""
        changes = self.merge_into(folder).items()
        return "".join(_diff(name, before, after) for name, (before, after) in changes)

    def write(self, folder: Path) -> list[Path]:
        """
        Merge the ini files into *folder* and write launch scripts and environment beside them.

        Returns the paths that were changed; writing twice changes nothing. Each file is
        replaced in one step, and none is when one of them cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        contents = {
            folder / name: after.encode()
            for name, (_, after) in self.merge_into(folder).items()
        }
        contents |= {folder / name: text.encode() for name, text in self._scripts().items()}
        changed = [path for path, data in contents.items() if _differs(path, data)]
        for path in changed:
            replace_file(path, contents[path])
        script = folder / "launch.sh"
        script.chmod(script.stat().st_mode | 0o111)
        return changed

    def _scripts(self) -> dict[str, str]:
        environment = "".join(f"{key}={value}\n" for key, value in self.environment.items())
        batch = self.launch_windows(batch_file=True)
        return {
            "launch.sh": f"#!/bin/sh\nexec {self.launch_linux()}\n",
            "launch.bat": f"@echo off\r\n{batch}\r\n",
            "environment.env": environment,
        }

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON objects."""
        return {
            "profile": self.profile,
            "engine": str(self.target.engine),
            "plugin": self.target.plugin.value,
            "dlssPlugin": self.target.dlss.value,
            "settings": [_choice_json(choice) for choice in self.choices],
            "files": [_file_json(name, text) for name, text in self.files().items()],
            "launch": {
                "executable": self.executable,
                "arguments": list(self.arguments),
                "linux": self.launch_linux(),
                "windows": self.launch_windows(),
            },
            "environment": dict(self.environment),
            "notes": [{"subject": note.subject, "text": note.text} for note in self.notes],
        }


def render(
    profile: Profile, target: Target, instance: Instance, *, launch_overrides: bool = False
) -> Rendering:
    """
    Render *profile* for *instance* on *target*.

    With *launch_overrides* the launch line carries every setting, for builds
    that are packaged already. Raises `UnknownSetting` and `InvalidValue`,
    which name profile, key, value, range and version.
    """
    translation = translate(profile, target)
    lines = [line for choice in translation.choices for line in place(choice, target)]
    extra = [
        word
        for choice in translation.choices
        for word in on_launch_line(choice, target, everything=launch_overrides)
    ]
    arguments = (*_arguments(profile, target, instance), *extra, *instance.arguments)
    _require_fitting(arguments)
    return Rendering(
        profile=profile.name,
        target=target,
        choices=translation.choices,
        lines=tuple(dict.fromkeys(lines)),
        executable=instance.executable,
        arguments=tuple(dict.fromkeys(arguments)),
        environment=_environment(instance),
        notes=translation.notes,
    )


def url_argument(target: Target) -> str:
    """Return the launch argument that tells *target* its signalling server."""
    if target.first_plugin:
        return "PixelStreamingURL"
    if target.engine < RENAMED_CONNECTION_URL:
        return "PixelStreamingSignallingURL"
    return "PixelStreamingConnectionURL"


def _arguments(profile: Profile, target: Target, instance: Instance) -> Iterator[str]:
    size = instance.resolution or profile.resolution or DEFAULT_RESOLUTION
    yield from ("-RenderOffscreen", "-ForceRes", f"-ResX={size.width}", f"-ResY={size.height}")
    yield from ("-Unattended", "-AudioMixer", "-StdOut", "-FullStdOutLogOutput")
    if instance.gpu_index is not None:
        adapter = 0 if instance.container else instance.gpu_index
        yield _checked_switch("graphicsadapter", adapter, target)
    yield _checked_switch(url_argument(target), instance.signalling_url, target)
    yield _checked_switch("PixelStreamingID", instance.streamer_id, target)


def _checked_switch(name: str, value: Scalar, target: Target) -> str:
    if value == "":
        raise InvalidValue(f"-{name} must not be empty")
    row = TABLE.get(name, kind=Kind.ARGUMENT, engine=target.engine)
    return switch(name, str(row.read(value, context=f"engine {target.engine}")))


def _require_fitting(arguments: tuple[str, ...]) -> None:
    length = sum(len(word) + 1 for word in arguments)
    if length > MAX_COMMAND_LINE:
        raise InvalidValue(
            f"the launch line has {length} characters, more than {MAX_COMMAND_LINE}"
        )


def _environment(instance: Instance) -> dict[str, str]:
    # Without `graphics` the container has no Vulkan, without `video` no NVENC; see NVIDIA,
    # https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
    if not instance.container:
        return dict(instance.environment)
    gpu = "all" if instance.gpu_index is None else str(instance.gpu_index)
    container = {
        "NVIDIA_VISIBLE_DEVICES": gpu,
        "NVIDIA_DRIVER_CAPABILITIES": "graphics,video,compute,utility",
    }
    return {**container, **instance.environment}


def _merge(rendering: Rendering, name: str, path: Path) -> tuple[IniFile | None, IniFile]:
    before = IniFile.load(path) if path.exists() else None
    base = before or IniFile(IniDocument())
    return before, base.with_document(rendering.merged(name, base.document))


def _diff(name: str, before: IniFile | None, after: IniFile) -> str:
    old = str(before.document).splitlines(keepends=True) if before else []
    new = str(after.document).splitlines(keepends=True)
    origin = f"a/{name}" if before else "/dev/null"
    lines = difflib.unified_diff(old, new, origin, f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _differs(path: Path, data: bytes) -> bool:
    return not path.exists() or path.read_bytes() != data


def _choice_json(choice: Choice) -> dict[str, Any]:
    return {"name": choice.name, "value": choice.value, "why": choice.why}


def _file_json(name: str, document: IniDocument) -> dict[str, Any]:
    sections: dict[str, list[dict[str, str]]] = {}
    for entry in document.entries():
        line = {"key": entry.key, "value": entry.value}
        sections.setdefault(entry.section, []).append(line)
    found = [{"section": name, "entries": entries} for name, entries in sections.items()]
    return {"file": name, "sections": found, "text": str(document)}
