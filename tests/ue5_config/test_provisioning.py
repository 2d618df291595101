"""The call for provisioners."""

from pathlib import Path

import pytest

import ue5_config
from ue5_config import Instance, Ue5ConfigSettings, UsageError, render_instance

INSTANCE = Instance(signalling_url="ws://h:8888", streamer_id="game-1")


def test_renders_by_a_servers_options() -> None:
    """Nothing but options and the instance is needed."""
    found = render_instance(Ue5ConfigSettings(), INSTANCE)
    assert found.profile == "reference"
    assert "-ini:Engine:[SystemSettings]:t.MaxFPS=30" in found.arguments
    assert "-PixelStreamingConnectionURL=ws://h:8888" in found.arguments


def test_an_instance_may_have_another_profile(tmp_path: Path) -> None:
    """From the operator's own file, for an earlier engine."""
    path = tmp_path / "mine.toml"
    path.write_text("[kiosk]\nframe_rate = 24\n")
    settings = Ue5ConfigSettings(
        ue5_engine="5.4", ue5_plugin="PixelStreaming", ue5_profile_file=path
    )
    found = render_instance(settings, INSTANCE, profile="kiosk", launch_overrides=False)
    assert "-PixelStreamingWebRTCFps=24" in found.arguments
    assert "-PixelStreamingURL=ws://h:8888" in found.arguments


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Ue5ConfigSettings(ue5_engine="5.1"), "'5.1' is not one of"),
        (Ue5ConfigSettings(ue5_plugin="Other"), "'Other' is not one of"),
        (Ue5ConfigSettings(ue5_profile="none"), "'none' is not one of"),
        (Ue5ConfigSettings(ue5_dlss="some"), "ue5_dlss='some' is not one of"),
    ],
)
def test_wrong_options_are_told(settings: Ue5ConfigSettings, message: str) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError, match=message):
        render_instance(settings, INSTANCE)


def test_every_option_is_described() -> None:
    """The server's help is made from the descriptions."""
    assert all(field.description for field in Ue5ConfigSettings.model_fields.values())


def test_the_package_offers_what_it_says() -> None:
    """Every name of `__all__` is there."""
    assert all(hasattr(ue5_config, name) for name in ue5_config.__all__)
