"""
The exceptions of this package.

    Ue5ConfigError
    ├── UsageError            what the caller asked for cannot be
    │   ├── UnknownVersion    an engine version outside 5.3 to 5.8
    │   ├── UnknownProfile    a profile nobody defined
    │   ├── InvalidProfile    a profile with a wrong key or value
    │   ├── UnknownSetting    a name this version and plugin do not know
    │   └── InvalidValue      a value outside a setting's type or range
    ├── IniError              a file that is no ini file
    ├── SampleError           measurements that cannot be read or fitted
    ├── PlotError             no library to draw with
    └── ProbeError            the probe did not measure

Every message is one line and names what is wrong: profile, key, value, range
and version as far as they apply.
"""


class Ue5ConfigError(Exception):
    """Anything this package raises on purpose."""


class UsageError(Ue5ConfigError):
    """What the caller asked for cannot be."""


class UnknownVersion(UsageError):
    """An engine version, or a plugin in it, that the table does not cover."""


class UnknownProfile(UsageError):
    """A profile nobody defined."""


class InvalidProfile(UsageError):
    """A profile with a wrong key or value."""


class UnknownSetting(UsageError):
    """A name that this version and plugin do not know."""


class InvalidValue(UsageError):
    """A value outside a setting's type or range."""


class IniError(Ue5ConfigError):
    """A file that is no ini file."""


class SampleError(Ue5ConfigError):
    """Measurements that cannot be read or fitted."""


class PlotError(Ue5ConfigError):
    """No library to draw with."""


class ProbeError(Ue5ConfigError):
    """The probe did not run, or did not print a measurement."""
