"""Configuration: one set of settings, from defaults, a venue profile, one file, the environment and flags.

The settings classes live beside the code they configure; this package only reads, judges and assembles.
"""

from monitor.config.checking import term_defaults, warnings_of
from monitor.config.complaints import Complaint, ConfigError
from monitor.config.loading import load
from monitor.config.settings import Settings
from monitor.config.showing import Effective, effective, to_toml

__all__ = [
    "Complaint",
    "ConfigError",
    "Effective",
    "Settings",
    "effective",
    "load",
    "term_defaults",
    "to_toml",
    "warnings_of",
]
