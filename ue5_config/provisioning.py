"""
The call for provisioners: a server's options and an instance in, what to start out.

    rendering = render_instance(settings, Instance(signalling_url=…, streamer_id=…))
    environment = {**os.environ, **rendering.environment}
    subprocess.Popen([executable, *rendering.arguments], env=environment)

On Windows start the line `rendering.launch_windows()` instead: the engine
there reads the raw command line.
"""

from ue5_config.errors import UsageError
from ue5_config.profiles import find_profile
from ue5_config.rendering import Instance, Rendering, render
from ue5_config.settings import Ue5ConfigSettings
from ue5_config.translation import Target
from ue5_config.versions import DlssPlugin, EngineVersion, streaming_plugin


def render_instance(
    settings: Ue5ConfigSettings,
    instance: Instance,
    *,
    profile: str | None = None,
    launch_overrides: bool = True,
) -> Rendering:
    """
    Return what to start *instance* with under *profile*, by default the configured one.

    With *launch_overrides* the launch line carries every setting, so that
    nothing has to be written into a packaged build. Raises `UsageError` and
    its kinds, whose messages name profile, key, value, range and version.
    """
    name = profile or settings.ue5_profile
    wanted = find_profile(name, file=settings.ue5_profile_file)
    return render(
        wanted, configured_target(settings), instance, launch_overrides=launch_overrides
    )


def configured_target(
    settings: Ue5ConfigSettings,
    *,
    engine: str | None = None,
    plugin: str | None = None,
    dlss: str | None = None,
) -> Target:
    """Return the target of *settings*, or of what is given above them; raises `UsageError`."""
    version = EngineVersion.parse(engine or settings.ue5_engine)
    kind = dlss or settings.ue5_dlss
    if kind not in set(DlssPlugin):
        raise UsageError(f"ue5_dlss={kind!r} is not one of {', '.join(DlssPlugin)}")
    streaming = streaming_plugin(plugin or settings.ue5_plugin, engine=version)
    return Target(engine=version, plugin=streaming, dlss=DlssPlugin(kind))
