"""What an import says of how far it is, with a clock of the test's own."""

import gzip
import io
import json
from pathlib import Path

from rich.console import Console

from rag.catalogue.feeds import read_file
from rag.catalogue.progress import ImportProgress, Measure


def test_a_line_has_share_rows_rate_and_time_left() -> None:
    """A quarter in ten seconds leaves thirty; what is unknown is left out."""
    quarter = Measure("reading", done=250, total=1000, rows=50, seconds=10)
    assert quarter.text() == "reading 25 %, 50 rows, 5 rows/s, 0:30 left"
    long = Measure("indexing", done=1, total=1000, rows=1, seconds=10)
    assert long.text() == "indexing 0 %, 1 rows, 0 rows/s, 2:46:30 left"
    assert Measure("reading", done=9, total=0, rows=7, seconds=0).text() == "reading, 7 rows"
    assert Measure("reading", done=9, total=5, rows=1, seconds=1).share == 1


def test_a_log_gets_lines_at_a_bounded_rate() -> None:
    """One look a second for a minute gives six lines, not sixty."""
    out, now = io.StringIO(), [0.0]
    console = Console(file=out, width=100)
    with ImportProgress(console, clock=lambda: now[0], interval=10) as progress:
        for second in range(1, 61):
            now[0] = second
            progress.show("reading", done=second, total=60, rows=second * 100)
    lines = out.getvalue().splitlines()
    assert len(lines) == 6
    assert lines[2] == "reading 50 %, 3000 rows, 103 rows/s, 0:29 left"


def test_a_terminal_gets_a_bar_with_the_percentage() -> None:
    """The last state stays on the screen; a new stage counts from its own beginning."""
    out, now = io.StringIO(), [0.0]
    console = Console(file=out, force_terminal=True, width=100)
    with ImportProgress(console, clock=lambda: now[0]) as progress:
        progress.show("reading", done=10, total=10, rows=10)
        now[0] = 100
        progress.show("indexing", done=0, total=8, rows=0)
        now[0] = 102
        progress.show("indexing", done=6, total=8, rows=6)
    assert "indexing 75 %, 6 rows, 3 rows/s, 0:01 left" in out.getvalue()


def test_files_tell_how_many_of_their_bytes_were_read(tmp_path: Path) -> None:
    """It grows to the file's size, of a packed file the packed one."""
    rows = "".join(json.dumps({"id": f"p{n}", "name": f"{n**9}"}) + "\n" for n in range(5000))
    for name, content in (
        ("f.jsonl", rows.encode()),
        ("f.jsonl.gz", gzip.compress(rows.encode())),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        passed: list[int] = []
        assert sum(1 for _ in read_file(path, passed.append)) == 5000
        assert passed == sorted(passed)
        assert 0 < passed[0] < passed[-1] == len(content)
