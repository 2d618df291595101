"""Unreal's ini files: nothing is lost, and only what is asked for changes."""

import codecs
from typing import Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ue5_config.errors import IniError
from ue5_config.ini import MAX_FILE_BYTES, IniDocument, IniFile

PROJECT = """\
; Our project\r
[/Script/EngineSettings.GameMapsSettings]\r
GameDefaultMap=/Game/Maps/Main.Main\r
\r
[SystemSettings]\r
; do not touch\r
t.MaxFPS = 60 \r
+Paths=(Directory="Content/A",Filter="[x]=y")\r
+Paths=(Directory="Content/B")\r
-Paths=(Directory="Content/A")\r
.Paths=again\r
!Other=ClearArray\r
\r
; about the next\r
[Next]\r
a=b=c\r
"""

line_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_./]{0,15}", fullmatch=True)
plain_values = st.from_regex(
    r"[A-Za-z0-9(][A-Za-z0-9=.,()\[\]/ ]{0,15}[A-Za-z0-9)]", fullmatch=True
)
sections = st.builds("[{}]".format, names)
entries = st.builds(
    "{}{}={}".format, st.sampled_from(["", "+", "-", ".", "!"]), names, plain_values
)
comments = st.builds(";{}".format, line_text)
lines = st.one_of(sections, entries, comments, st.just(""), line_text)
newlines = st.sampled_from(["\n", "\r\n", "\r"])
documents = st.builds(
    lambda found, end, last: end.join(found) + last,
    st.lists(lines, max_size=12),
    newlines,
    newlines,
)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_parse_and_str_are_the_identity_on_any_text(text: str) -> None:
    """No file changes by being read and written."""
    assert str(IniDocument.parse(text)) == text


@given(documents)
def test_parse_of_str_is_the_same_document(text: str) -> None:
    """What was written is read as the same lines and entries."""
    document = IniDocument.parse(text)
    again = IniDocument.parse(str(document))
    assert again == document
    assert list(again.entries()) == list(document.entries())


@given(documents, names, names, plain_values)
def test_setting_a_value_sets_it_and_nothing_else(
    text: str, section: str, key: str, value: str
) -> None:
    """The value is there afterwards, every other line stays, and again changes nothing."""
    before = IniDocument.parse(text)
    after = before.with_value(section, key, value)
    assert after.value(section, key) == value
    assert after.with_value(section, key, value) is after
    others = _others(before, section, key)
    assert _others(after, section, key) == others
    assert str(IniDocument.parse(str(after))) == str(after)


NEAR: Final = (
    *("[SystemSettings]", "[systemsettings]", "[Other]", "[", "[a] ; no heading", ""),
    *("t.MaxFPS=60", "T.maxfps = 60 ", "+t.MaxFPS=50", "-t.MaxFPS=60", "-t.MaxFPS=30"),
    *("!t.MaxFPS=ClearArray", ".t.MaxFPS=1", "; t.MaxFPS=9", "t.MaxFPS", "=x", "a=\\"),
)
"""Lines around the key that is set, valid and not."""


@example(["[SystemSettings]", "t.MaxFPS=60", "-t.MaxFPS=30"], "\n", False)  # noqa: FBT003
@given(st.lists(st.sampled_from(NEAR), max_size=9), newlines, st.booleans())
def test_sets_a_key_among_all_its_forms(lines: list[str], newline: str, ended: bool) -> None:  # noqa: FBT001 -- hypothesis draws it
    """Repeated, added, taken away, in a section that comes twice, after an open last line."""
    before = IniDocument.parse(newline.join(lines) + (newline if ended else ""))
    after = IniDocument.parse(str(before.with_value("SystemSettings", "t.MaxFPS", "30")))
    assert after.value("SystemSettings", "t.MaxFPS") == "30"
    assert str(after.with_value("SystemSettings", "t.MaxFPS", "30")) == str(after)
    mine = ("SystemSettings", "t.MaxFPS")
    assert _others(after, *mine) == _others(before, *mine)


@pytest.mark.parametrize("taken", ["!t.MaxFPS=ClearArray", "-t.MaxFPS=30"])
def test_a_value_that_is_taken_away_again_does_not_count(taken: str) -> None:
    """So it has to be set after that."""
    document = IniDocument.parse(f"[SystemSettings]\nt.MaxFPS=30\n{taken}\n")
    assert document.value("SystemSettings", "t.MaxFPS") is None
    changed = str(document.with_value("SystemSettings", "t.MaxFPS", "30"))
    assert changed == f"{document}t.MaxFPS=30\n"


def _others(document: IniDocument, section: str, key: str) -> list[tuple[str, ...]]:
    found = [(one.section, one.operator, one.key, one.value) for one in document.entries()]
    mine = (section.casefold(), key.casefold())
    return [one for one in found if (one[0].casefold(), one[2].casefold()) != mine]


@given(documents, names, names, plain_values, names, plain_values)
def test_settings_do_not_depend_on_each_other(  # noqa: PLR0917 -- hypothesis draws them
    text: str, section: str, key: str, value: str, other_key: str, other_value: str
) -> None:
    """Setting two keys keeps both."""
    assume(key.casefold() != other_key.casefold())
    document = IniDocument.parse(text)
    document = document.with_value(section, key, value)
    document = document.with_value(section, other_key, other_value)
    assert document.value(section, key) == value
    assert document.value(section, other_key) == other_value


def test_reads_what_an_ordinary_ini_parser_cannot() -> None:
    """Repeated keys, operators, section names with slashes, values with = and brackets."""
    document = IniDocument.parse(PROJECT)
    paths = [(one.operator, one.value) for one in document.entries() if one.key == "Paths"]
    assert paths == [
        ("+", '(Directory="Content/A",Filter="[x]=y")'),
        ("+", '(Directory="Content/B")'),
        ("-", '(Directory="Content/A")'),
        (".", "again"),
    ]
    assert document.value("Next", "a") == "b=c"
    assert document.sections() == [
        "/Script/EngineSettings.GameMapsSettings",
        "SystemSettings",
        "Next",
    ]


def test_entries_know_their_line() -> None:
    """Findings name it."""
    found = {one.key: one.number for one in IniDocument.parse(PROJECT).entries()}
    assert found["t.MaxFPS"] == 7
    assert found["a"] == 16


def test_changes_a_value_in_place_with_its_blanks() -> None:
    """Order, comments, blanks and line endings stay."""
    changed = IniDocument.parse(PROJECT).with_value("systemsettings", "T.MAXFPS", "30")
    assert str(changed) == PROJECT.replace("t.MaxFPS = 60 ", "t.MaxFPS = 30 ")


def test_adds_a_key_to_its_section_before_what_belongs_to_the_next() -> None:
    """The comment above [Next] stays with it."""
    changed = str(IniDocument.parse(PROJECT).with_value("SystemSettings", "r.VSync", "0"))
    assert changed == PROJECT.replace("ClearArray\r\n", "ClearArray\r\nr.VSync=0\r\n")


def test_adds_a_section_at_the_end_in_the_files_own_line_endings() -> None:
    """A file with CR LF keeps them."""
    changed = str(IniDocument.parse(PROJECT).with_value("/Script/New.New", "k", "v"))
    assert changed == f"{PROJECT}\r\n[/Script/New.New]\r\nk=v\r\n"


def test_the_last_assignment_counts_and_is_changed() -> None:
    """As in the engine, an earlier line of the same key has no effect."""
    document = IniDocument.parse("[a]\nk=1\nk=2\n")
    assert document.value("a", "k") == "2"
    assert str(document.with_value("a", "k", "3")) == "[a]\nk=1\nk=3\n"


def test_a_section_that_occurs_twice_is_one() -> None:
    """The engine merges them; a new key goes to the last."""
    document = IniDocument.parse("[a]\nx=1\n[b]\n[A]\ny=2\n")
    assert document.value("a", "y") == "2"
    assert str(document.with_value("a", "z", "3")) == "[a]\nx=1\n[b]\n[A]\ny=2\nz=3\n"


def test_a_line_may_go_on_after_a_backslash() -> None:
    """The engine joins such lines; the next key is a line of its own."""
    document = IniDocument.parse("[a]\nk=1\\\n2\nj=3")
    assert [(one.key, one.number) for one in document.entries()] == [("k", 2), ("j", 4)]
    assert document.value("a", "k") == "1\\\n2"


@pytest.mark.parametrize("end", ["k=1", "k=1\\", "k=1\\\n"])
def test_a_new_key_is_a_line_of_its_own_whatever_stood_last(end: str) -> None:
    """Also after a file without a last line feed, or one that ends in a continuation."""
    changed = IniDocument.parse(f"[a]\n{end}").with_value("a", "new", "2")
    assert IniDocument.parse(str(changed)).value("a", "new") == "2"


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("a]b\n", "k", "v"),
        ("a", "k=j", "v"),
        ("a", ";k", "v"),
        ("a", "+k", "v"),
        ("a", "k", "two\nlines"),
        ("a", "k", " blanks "),
        ("a", "k", "goes on\\"),
        ("a", "", "v"),
    ],
)
def test_refuses_what_the_syntax_cannot_hold(section: str, key: str, value: str) -> None:
    """Nothing is smuggled into a file by way of a value."""
    with pytest.raises(IniError, match="cannot be written"):
        IniDocument().with_value(section, key, value)


@pytest.mark.parametrize(
    ("bom", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_files_keep_their_encoding(bom: bytes, encoding: str) -> None:
    """The editor writes UTF-16 where a value needs it; it stays so."""
    text = PROJECT + "Título=가구\r\n"
    data = bom + text.encode(encoding)
    file = IniFile.decode(data)
    assert file.encode() == data
    changed = file.with_document(file.document.with_value("Next", "a", "새"))
    assert IniFile.decode(changed.encode()).document.value("Next", "a") == "새"


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"a\0b\0", b"x" * (MAX_FILE_BYTES + 1)],
    ids=["bytes", "nul", "size"],
)
def test_refuses_what_is_no_ini_file(data: bytes) -> None:
    """The message names the file."""
    with pytest.raises(IniError, match=r"Some\.ini"):
        IniFile.decode(data, name="Some.ini")
