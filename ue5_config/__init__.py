"""
Unreal Engine settings that let several users share one GPU.

`render_instance` and `render` turn a profile into ini files, a launch line
and an environment; `check` finds what is wrong with a project; `capacities`
tells from measurements how many users a host holds. The table of settings is
read and validated when the package is imported.
"""

from ue5_config.capacity import Capacity, Wish, capacities
from ue5_config.checking import check
from ue5_config.errors import Ue5ConfigError, UsageError
from ue5_config.findings import Finding, Severity
from ue5_config.profiles import Profile, Resolution, find_profile
from ue5_config.provisioning import configured_target, render_instance
from ue5_config.rendering import Instance, Rendering, render
from ue5_config.samples import Sample, load_samples
from ue5_config.settings import Ue5ConfigSettings
from ue5_config.settings_table import TABLE
from ue5_config.translation import Target
from ue5_config.versions import DlssPlugin, EngineVersion, Plugin

__all__ = [
    "TABLE",
    "Capacity",
    "DlssPlugin",
    "EngineVersion",
    "Finding",
    "Instance",
    "Plugin",
    "Profile",
    "Rendering",
    "Resolution",
    "Sample",
    "Severity",
    "Target",
    "Ue5ConfigError",
    "Ue5ConfigSettings",
    "UsageError",
    "Wish",
    "capacities",
    "check",
    "configured_target",
    "find_profile",
    "load_samples",
    "render",
    "render_instance",
]
