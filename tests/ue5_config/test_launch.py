"""Launch lines: built, quoted, and read back."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ue5_config.errors import InvalidValue
from ue5_config.launch import LaunchLine, quote_linux, quote_windows, switch

values = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters='" '),
    max_size=20,
).filter(str.isprintable)


def fparse_value(line: str, name: str) -> str | None:
    """Read a value as the engine's FParse::Value does, which is not how a shell does."""
    at = line.find(f"-{name}=")
    if at < 0:
        return None
    rest = line[at + len(name) + 2 :]
    if rest.startswith('"'):
        return rest[1:].split('"', 1)[0]
    ends = [rest.find(char) for char in " ,)" if char in rest]
    return rest[: min(ends, default=len(rest))]


@given(values)
def test_the_engine_reads_back_a_value_from_a_posix_shell(value: str) -> None:
    """The shell takes its quotes off, the engine its own."""
    words = shlex.split(quote_linux(["-First", switch("Key", value), "-Last"]))
    assert fparse_value(" ".join(words), "Key") == value


@given(values)
def test_the_engine_reads_back_a_value_on_windows(value: str) -> None:
    """There the engine sees the raw line."""
    assert fparse_value(quote_windows(["-First", switch("Key", value), "-L"]), "Key") == value


def test_quotes_only_the_value_on_windows() -> None:
    """cmd.exe would split at & outside quotes; the engine wants -Key="value"."""
    words = [switch("URL", "ws://h/?a=1&b=2"), "C:/My Game/x.uproject", "-Flag"]
    assert quote_windows(words) == '-URL="ws://h/?a=1&b=2" "C:/My Game/x.uproject" -Flag'


def test_doubles_percent_signs_in_a_batch_file() -> None:
    """Elsewhere they stay single."""
    assert quote_windows([switch("A", "50%")]) == '-A="50%"'
    assert quote_windows([switch("A", "50%")], batch_file=True) == '-A="50%%"'


@pytest.mark.parametrize("value", ['a"b', "a\nb", "a\0b"])
def test_refuses_values_the_engine_cannot_read(value: str) -> None:
    """There is no escape for a double quote."""
    with pytest.raises(InvalidValue, match="-Key="):
        switch("Key", value)


def test_reads_switches_values_and_others() -> None:
    """A map or project file is an argument without a name."""
    line = LaunchLine.parse('Game.uproject -Flag -Key="a b" "-Other=c d" /Slash=1')
    found = [(one.name, one.value, one.position) for one in line.arguments()]
    assert found == [
        ("", "Game.uproject", 1),
        ("Flag", None, 2),
        ("Key", "a b", 3),
        ("Other", "c d", 4),
        ("Slash", "1", 5),
    ]


def test_takes_a_shells_quotes_off() -> None:
    """The line may be copied from a script."""
    words = ["-ini:Engine:[SystemSettings]:t.MaxFPS=30", "-A=it's"]
    line = LaunchLine.parse(f"'{words[0]}' {words[1]}")
    assert list(line.words) == words


def test_reads_what_sets_variables() -> None:
    """Three ways, of which two need no file."""
    line = LaunchLine.parse(
        "-ini:Engine:[SystemSettings]:t.MaxFPS=30 -dpcvars=r.VSync=0,t.MaxFPS=20 "
        '-ExecCmds="stat fps, t.MaxFPS 10"'
    )
    found = [(one.file, one.section, one.key, one.value) for one in line.overrides()]
    assert found == [
        ("DefaultEngine.ini", "SystemSettings", "t.MaxFPS", "30"),
        (None, None, "r.VSync", "0"),
        (None, None, "t.MaxFPS", "20"),
        (None, None, "stat", "fps"),
        (None, None, "t.MaxFPS", "10"),
    ]


@given(st.text(max_size=60))
def test_any_line_can_be_read(text: str) -> None:
    """A check never fails on what somebody typed."""
    line = LaunchLine.parse(text)
    assert len(list(line.arguments())) <= len(line.words)
    assert all(one.key is not None for one in line.overrides())
