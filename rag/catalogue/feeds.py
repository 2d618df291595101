"""Rows out of files and request bodies: JSON lines, a JSON array, or CSV; gzip too."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, cast

from rag.errors import RowError

LONGEST_LINE = 1_000_000  # bytes of one row


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its number, counted from 1, and the name of its file if it has one."""

    number: int
    fields: Mapping[str, Any]
    source: str = ""

    def within(self, source: str) -> "Row":
        """Return the row with the name of its file."""
        return Row(self.number, self.fields, source)


def read_file(
    path: Path, passed: Callable[[int], None] = lambda _: None
) -> Iterator[Row | RowError]:
    """
    Yield the rows of a `.jsonl`, `.json` or `.csv` file, also `.gz`.

    *passed* is told before each row how many bytes of the file were read (of a packed
    one, packed bytes). A row that cannot be read comes as a `RowError` and does not end
    the reading. Raises `OSError` when the file cannot be opened.
    """
    name = path.name.removesuffix(".gz")
    with path.open("rb") as file, _unpacked(file, path) as stream:
        known = file.seekable()  # a pipe does not tell where it is
        for row in _rows(stream, commas=name.endswith(".csv")):
            passed(file.tell() if known else 0)
            yield row.within(path.name)


def _rows(stream: IO[bytes], *, commas: bool) -> Iterator[Row | RowError]:
    if not commas:
        yield from read_json(stream)
        return
    with io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        yield from read_csv(text)


def _unpacked(file: IO[bytes], path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file)) if path.suffix == ".gz" else file


def read_json(lines: Iterable[bytes]) -> Iterator[Row | RowError]:
    """Yield rows of JSON lines, or of one JSON array if the first line opens one."""
    iterator = iter(lines)
    first = next((line for line in iterator if line.strip()), b"")
    if first.lstrip().startswith(b"["):
        yield from _array(b"".join([first, *iterator]))
        return
    number = 0
    for number, line in enumerate(_chain(first, iterator), 1):
        if line.strip():
            yield _row(number, line)


def read_csv(text: Iterable[str]) -> Iterator[Row | RowError]:
    """Yield the rows of a CSV with a header line."""
    reader = csv.DictReader(text)
    for number, fields in enumerate(reader, 1):
        extra = fields.pop(None, None)
        if extra:
            yield RowError(number, "", "has more cells than the header")
        else:
            yield Row(number, fields)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _array(text: bytes) -> Iterator[Row | RowError]:
    try:
        rows = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        yield RowError(1, "", f"not JSON: {error}")
        return
    for number, fields in enumerate(rows, 1):
        yield _object(number, fields)


def _row(number: int, line: bytes) -> Row | RowError:
    if len(line) > LONGEST_LINE:
        return RowError(number, "", f"longer than {LONGEST_LINE} bytes")
    try:
        fields = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        return RowError(number, "", f"not JSON: {error}")
    return _object(number, fields)


def _object(number: int, fields: object) -> Row | RowError:
    if not isinstance(fields, Mapping):
        return RowError(number, "", "not a JSON object")
    return Row(number, fields)
