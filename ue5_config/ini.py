"""
Unreal's ini files, read and written without losing a byte.

An Unreal ini is no ordinary ini (Epic, "Configuration files in Unreal Engine"):
keys repeat, a key may carry an operator (`+` adds, `-` removes, `.` adds
again, `!` clears; newer engines have a few more), section names hold slashes,
values hold `=` and brackets, a backslash at the end of a line continues it,
names compare without regard to case, and files are UTF-8 or UTF-16. A
document therefore keeps its lines as they are; only the lines that are
changed are written anew.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from ue5_config.errors import IniError

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""No Config file is larger; anything that is was named by mistake."""

_OPERATORS: Final = "+-.!@*^"
_REMOVE: Final = frozenset("-!")
_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_SECTION: Final = re.compile(r"\s*\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\s*")
_ENTRY: Final = re.compile(
    rf"(?P<lead>\s*)(?P<operator>[{re.escape(_OPERATORS)}]?)(?P<key>[^=;\[\s][^=]*?)"
    r"(?P<gap>\s*=\s*)(?P<value>.*?)(?P<trail>\s*)",
    re.DOTALL,
)
_LINE: Final = re.compile(
    r"[ \t]*;[^\r\n]*(?:\r\n|\r|\n|\Z)"  # a comment is not continued
    r"|(?:[^\r\n]*\\(?:\r\n|\r|\n))*[^\r\n]*(?:\r\n|\r|\n|\Z)"
)

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A `Key=Value` line.

    `value` is what the engine reads: without outer blanks, continuation
    backslashes kept. `number` is the line in the file, from 1.
    """

    section: str
    operator: str
    key: str
    value: str
    number: int

    @property
    def assigns(self) -> bool:
        """Whether the line gives the key a value (rather than taking one away)."""
        return self.operator not in _REMOVE


@dataclass(frozen=True, slots=True)
class _Line:
    """One logical line with its line ending, and what it is."""

    text: str
    section: str | None = None
    entry: re.Match[str] | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        body = text.rstrip("\r\n")
        if body.lstrip().startswith(";"):
            return cls(text)
        heading = _SECTION.fullmatch(body)
        if heading:
            return cls(text, section=heading[1])
        return cls(text, entry=_ENTRY.fullmatch(body))

    @property
    def ending(self) -> str:
        return self.text[len(self.text.rstrip("\r\n")) :]

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def height(self) -> int:
        return max(1, len(_NEWLINE.findall(self.text)))

    def missing_end(self, newline: str) -> str:
        """Return what has to follow so that the next line is a line of its own."""
        continued = bool(self.entry) and self.text.rstrip("\r\n").endswith("\\")
        return newline * ((not self.ending) + continued)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Line) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True)
class IniDocument:
    """
    An ini file as its lines; `str()` gives back exactly what was parsed.

    Changing a document returns another one.
    """

    lines: tuple[_Line, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read *text*. Every text is a document: what is no entry is kept as it is."""
        found = (match[0] for match in _LINE.finditer(text))
        return cls(tuple(_Line.read(line) for line in found if line))

    def __str__(self) -> str:
        return "".join(line.text for line in self.lines)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in file order, with their sections and line numbers."""
        section, number = "", 1
        for line in self.lines:
            section = section if line.section is None else line.section
            if line.entry:
                found = line.entry
                yield Entry(section, found["operator"], found["key"], found["value"], number)
            number += line.height

    def sections(self) -> list[str]:
        """Return the section names in file order, repeated ones once."""
        return list(
            dict.fromkeys(line.section for line in self.lines if line.section is not None)
        )

    def value(self, section: str, key: str) -> str | None:
        """Return what the file sets *key* to in the end, or None."""
        where = self._last_assignment(section, key)
        found = None if where is None else self.lines[where].entry
        return found["value"] if found else None

    def with_value(self, section: str, key: str, value: str) -> "IniDocument":
        """
        Return the document with *key* set to *value*, everything else untouched.

        The last plain assignment is changed in place; without one that counts, a line is
        added at the end of the section, and without the section, that at the
        end of the file. Setting what is already set returns the same document.
        Raises `IniError` for a section, key or value that the syntax cannot hold.
        """
        _require_writable(section, key, value)
        where = self._last_assignment(section, key)
        if where is None:
            return self._with_new_entry(section, key, value)
        found = self.lines[where].entry
        if found is None or found["value"] == value:
            return self
        if found["operator"]:
            return self._with_new_entry(section, key, value)
        changed = self._replaced(where, found, value)
        if changed.value(section, key) == value:
            return changed
        return self._with_new_entry(section, key, value)  # a later line takes this value away

    def _replaced(self, where: int, found: re.Match[str], value: str) -> "IniDocument":
        line = self.lines[where]
        head = f"{found['lead']}{found['key']}{found['gap']}"
        text = f"{head}{value}{found['trail']}{line.ending}"
        return self._spliced(where, where + 1, [text])

    def _with_new_entry(self, section: str, key: str, value: str) -> "IniDocument":
        newline = self.newline
        at = self._end_of_section(section)
        if at is not None:
            return self._inserted(at, [f"{key}={value}{newline}"])
        gap = [newline] if self.lines and not self.lines[-1].blank else []
        return self._inserted(
            len(self.lines), [*gap, f"[{section}]{newline}", f"{key}={value}{newline}"]
        )

    def _inserted(self, at: int, texts: Sequence[str]) -> "IniDocument":
        if at == 0:
            return self._spliced(at, at, texts)
        before = self.lines[at - 1]
        return self._spliced(
            at - 1, at, [before.text + before.missing_end(self.newline), *texts]
        )

    def _spliced(self, start: int, stop: int, texts: Sequence[str]) -> "IniDocument":
        fresh = tuple(_Line.read(text) for text in texts)
        return IniDocument((*self.lines[:start], *fresh, *self.lines[stop:]))

    @property
    def newline(self) -> str:
        """The line ending most of the file uses; a line feed in an empty one."""
        endings = [line.ending for line in self.lines]
        return max(("\n", "\r\n", "\r"), key=endings.count)

    def _last_assignment(self, section: str, key: str) -> int | None:
        wanted, last = key.casefold(), None
        for index in self._inside(section):
            found = self.lines[index].entry
            if found and found["key"].casefold() == wanted:
                last = self._after(last, index, found)
        return last

    def _after(self, last: int | None, index: int, found: re.Match[str]) -> int | None:
        """Return the assignment that counts after the line at *index*, *last* before it."""
        if found["operator"] not in _REMOVE:
            return index
        before = None if last is None else self.lines[last].entry
        taken = found["operator"] == "!" or (before and before["value"] == found["value"])
        return None if taken else last

    def _end_of_section(self, section: str) -> int | None:
        """Return where a new entry of *section* goes, or None without that section."""
        inside = list(self._inside(section, heading=True))
        last = next((i for i in reversed(inside) if self._holds_place(i)), None)
        return None if last is None else last + 1

    def _holds_place(self, index: int) -> bool:
        # Blank lines and comments before the next heading belong to that one.
        line = self.lines[index]
        return line.section is not None or line.entry is not None

    def _inside(self, section: str, *, heading: bool = False) -> Iterator[int]:
        wanted, current = section.casefold(), ""
        for index, line in enumerate(self.lines):
            if line.section is not None:
                current = line.section.casefold()
            if current == wanted and (heading or line.section is None):
                yield index


def _require_writable(section: str, key: str, value: str) -> None:
    written = [*IniDocument.parse(f"[{section}]\n{key}={value}\nend=1\n").entries()]
    wanted = [Entry(section, "", key, value, 2), Entry(section, "", "end", "1", 3)]
    if written != wanted:
        raise IniError(f"[{section}] {key}={value!r} cannot be written to an ini file")


@dataclass(frozen=True, slots=True)
class IniFile:
    """A document with the encoding and byte order mark it came in."""

    document: IniDocument
    encoding: str = "utf-8"
    bom: bytes = b""

    @classmethod
    def decode(cls, data: bytes, *, name: str = "ini file") -> Self:
        """Read a file's bytes; raises `IniError` when they are no text."""
        if len(data) > MAX_FILE_BYTES:
            raise IniError(f"{name} is larger than {MAX_FILE_BYTES} bytes")
        bom, encoding = next(
            (pair for pair in _BOMS if data.startswith(pair[0])), (b"", "utf-8")
        )
        try:
            text = data[len(bom) :].decode(encoding)
        except UnicodeDecodeError as error:
            raise IniError(f"{name} is not {encoding}: {error.reason}") from error
        if "\0" in text:
            raise IniError(f"{name} holds NUL characters: UTF-16 without byte order mark?")
        return cls(IniDocument.parse(text), encoding, bom)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read *path*; raises `IniError` when it cannot be read."""
        try:
            return cls.decode(path.read_bytes(), name=path.name)
        except OSError as error:
            raise IniError(f"{path} cannot be read: {error.strerror}") from error

    def encode(self) -> bytes:
        """Return the bytes to write, in the encoding that was read."""
        return self.bom + str(self.document).encode(self.encoding)

    def with_document(self, document: IniDocument) -> "IniFile":
        """Return the same file with another content."""
        return replace(self, document=document)
