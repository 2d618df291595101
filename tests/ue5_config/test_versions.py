"""Engine versions and plugins by name."""

import pytest

from ue5_config.errors import UnknownVersion
from ue5_config.versions import SUPPORTED_VERSIONS, EngineVersion, Plugin, streaming_plugin


@pytest.mark.parametrize("text", ["5.6", "5.6.1", "UE5.6", " 5.6 "])
def test_reads_the_usual_spellings(text: str) -> None:
    """Patch numbers, the prefix UE and blanks do not matter."""
    assert EngineVersion.parse(text) == EngineVersion(5, 6)


@pytest.mark.parametrize("text", ["5.2", "5.9", "6.0", "4.27", "five", "", "5.10", "5"])
def test_refuses_versions_the_table_does_not_cover(text: str) -> None:
    """The message names what there is."""
    with pytest.raises(UnknownVersion, match=r"5\.3, 5\.4, 5\.5, 5\.6, 5\.7, 5\.8"):
        EngineVersion.parse(text)


def test_orders_versions_by_number() -> None:
    """Since and until are compared, so the order matters."""
    assert list(SUPPORTED_VERSIONS) == sorted(SUPPORTED_VERSIONS)
    assert str(SUPPORTED_VERSIONS[0]) == "5.3"


def test_plugin_names_do_not_depend_on_case() -> None:
    """A plugin is named as in the project file, in any case."""
    assert streaming_plugin("pixelstreaming2", engine=EngineVersion(5, 5)) is (
        Plugin.PIXEL_STREAMING_2
    )


@pytest.mark.parametrize(("name", "minor"), [("PixelStreaming2", 4), ("DLSS", 6), ("x", 6)])
def test_refuses_plugins_that_do_not_stream_there(name: str, minor: int) -> None:
    """Pixel Streaming 2 came with 5.5, and DLSS is no streaming plugin."""
    with pytest.raises(UnknownVersion):
        streaming_plugin(name, engine=EngineVersion(5, minor))
