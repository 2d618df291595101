"""The table of settings and how it is validated."""

from typing import Any

import pytest
from pydantic import ValidationError

from ue5_config.errors import InvalidValue, Ue5ConfigError, UnknownSetting
from ue5_config.settings_table import TABLE, Kind, Setting, Table, read_data
from ue5_config.versions import SUPPORTED_VERSIONS, EngineVersion, Plugin

ROW = {
    "name": "x",
    "kind": "cvar",
    "plugin": "Engine",
    "type": "int",
    "meaning": "a test",
    "source": ["s"],
}


def version(text: str) -> EngineVersion:
    """Return a version by name."""
    return EngineVersion.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "enum"},
        {"choices": ["a"]},
        {"kind": "ini"},
        {"since": "5.6", "until": "5.5"},
        {"default": 5, "maximum": 1},
        {"source": []},
        {"unknown": 1},
        {"since": "4.0"},
        {"property": "Key"},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    """A wrong row fails when the module is imported, not when somebody uses it."""
    with pytest.raises((ValidationError, Ue5ConfigError)):
        Setting.model_validate({**ROW, **wrong})


def test_every_row_names_a_source_that_exists() -> None:
    """A row whose source is not listed is refused."""
    data = {"setting": [ROW], "renamed": [], "undefined": [], "sources": {}}
    with pytest.raises(ValidationError, match="unknown source"):
        Table.model_validate(data)


def test_the_names_of_a_version_are_unique() -> None:
    """Looking a name up in a version gives one row, whichever plugin it belongs to."""
    for engine in SUPPORTED_VERSIONS:
        for plugin in Plugin:
            rows = [
                (row.name.casefold(), row.kind, row.dlss)
                for row in TABLE.setting
                if row.plugin is plugin and row.applies(engine=engine)
            ]
            assert len(rows) == len(set(rows))


def test_every_plugin_has_rows_in_every_version_it_exists_in() -> None:
    """The table covers 5.3 to 5.8."""
    for engine in SUPPORTED_VERSIONS:
        found = {row.plugin for row in TABLE.setting if row.applies(engine=engine)}
        expected = set(Plugin) - ({Plugin.PIXEL_STREAMING_2} if engine.minor < 5 else set())
        assert found == expected


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("PixelStreamingWebRTCFps", "PixelStreaming2.WebRTC.Fps"),
        ("PixelStreamingEncoderMinQuality", "PixelStreaming2.Encoder.MinQuality"),
        ("PixelStreamingID", "PixelStreaming2.ID"),
    ],
)
def test_arguments_of_pixel_streaming_2_are_its_cvars_without_dots(
    argument: str, name: str
) -> None:
    """The plugin builds its arguments so; the table says them all."""
    rows = TABLE.versions_of(argument, kind=Kind.ARGUMENT)
    assert name in {row.name for row in rows}


def test_derived_arguments_follow_the_rule_without_exception() -> None:
    """Only the spelling of DecoupleFrameRate differs, in the engine itself."""
    for row in TABLE.setting:
        if row.plugin is Plugin.PIXEL_STREAMING_2 and row.argument:
            derived = row.name.replace(".", "").replace("PixelStreaming2", "PixelStreaming")
            assert row.argument.casefold() == derived.casefold()


@pytest.mark.parametrize(
    ("engine", "known"), [("5.5", "SignallingURL"), ("5.6", "ConnectionURL")]
)
def test_the_url_changed_its_name_in_5_6(engine: str, known: str) -> None:
    """Each version knows one of the two."""
    names = {"SignallingURL", "ConnectionURL"}
    found = {
        name
        for name in names
        if TABLE.find(f"PixelStreaming2.{name}", kind=Kind.CVAR, engine=version(engine))
    }
    assert found == {known}


def test_the_latest_renaming_counts() -> None:
    """-PixelStreamingURL was renamed twice."""
    named = {
        engine: TABLE.renaming(
            "pixelstreamingurl",
            kind=Kind.ARGUMENT,
            engine=version(engine),
            plugin=Plugin.PIXEL_STREAMING_2,
        )
        for engine in ("5.5", "5.6", "5.8")
    }
    assert {engine: row and row.instead for engine, row in named.items()} == {
        "5.5": "PixelStreamingSignallingURL",
        "5.6": "PixelStreamingConnectionURL",
        "5.8": "PixelStreamingConnectionURL",
    }


@pytest.mark.parametrize(
    "tail",
    [
        "WebRTC.DisableTransmitVideo",
        "WebRTC.EnableFlexFec",
        "WebRTC.DisableFrameDropper",
        "WebRTC.VideoPacing.MaxDelay",
        "WebRTC.MinPort",
        "WebRTC.PortAllocator.Flags",
        "DecoupleWaitFactor",
        "UseMediaCapture",
        "QualityControllerMode",
    ],
)
def test_what_the_first_plugin_learned_after_5_3(tail: str) -> None:
    """5.3.1's source does not define them."""
    name = f"PixelStreaming.{tail}"
    assert TABLE.find(name, kind=Kind.CVAR, engine=version("5.3")) is None
    assert TABLE.find(name, kind=Kind.CVAR, engine=version("5.4")) is not None


@pytest.mark.parametrize(
    ("tail", "first", "later"),
    [
        ("CaptureUseFence", False, True),
        ("WebRTC.DisableReceiveVideo", False, True),
        ("DecoupleWaitFactor", 1, 1),
    ],
)
def test_defaults_are_those_of_the_settings_class(
    tail: str, first: object, later: object
) -> None:
    """It sets the variables at start, so what the variables say themselves never counts."""
    found = [
        TABLE.get(f"PixelStreaming2.{tail}", kind=Kind.CVAR, engine=version(engine)).default
        for engine in ("5.5", "5.8")
    ]
    assert found == [first, later]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    """A typing mistake is found at once."""
    with pytest.raises(UnknownSetting, match=r"nearest: t\.MaxFPS"):
        TABLE.get("t.MaxFSP", kind=Kind.CVAR, engine=version("5.6"))


def test_a_wrong_value_is_told_with_name_value_range_and_context() -> None:
    """The message is enough to mend it."""
    row = TABLE.get("PixelStreaming2.Encoder.MinQuality", kind=Kind.CVAR, engine=version("5.7"))
    with pytest.raises(InvalidValue) as caught:
        row.read(101, context="profile p, engine 5.7")
    assert str(caught.value) == (
        "PixelStreaming2.Encoder.MinQuality=101 must be int from 0 to 100 "
        "(profile p, engine 5.7)"
    )


def test_no_source_is_left_unused() -> None:
    """A source that no row names was forgotten there or here."""
    rows = (*TABLE.setting, *TABLE.renamed, *TABLE.undefined)
    assert set(read_data("sources.toml")) == {name for row in rows for name in row.source}


@pytest.mark.parametrize("name", ["r.TemporalAA.Upscaling", "R.TEMPORALAA.UPSCALING"])
def test_knows_what_nobody_defines(name: str) -> None:
    """The reference's own line is one of them."""
    row = TABLE.undefined_name(name)
    assert row is not None
    assert TABLE.find(name, kind=Kind.CVAR, engine=version("5.6")) is None
