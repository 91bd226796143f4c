"""Places: where the shipped example configuration and venue profiles lie.

In a wheel they lie inside the package (`shipped_config`, put there by pyproject.toml), in a source tree in `config/`
beside it. What is in the files does not concern this room.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import monitor

PACKAGE = Path(monitor.__file__).parent


def shipped_folder() -> Path:
    """Return the folder with `monitor.toml` and `venues/`."""
    in_wheel = PACKAGE / "shipped_config"
    return in_wheel if in_wheel.is_dir() else PACKAGE.parent / "config"


def profile_folders(config_file: Path | None) -> Iterator[Path]:
    """Yield where profiles are looked for: `venues/` beside the configuration file, then the shipped ones."""
    if config_file is not None:
        yield config_file.parent / "venues"
    yield shipped_folder() / "venues"


def find_profile(name: str, config_file: Path | None) -> Path | None:
    """Return the file of a profile, None when there is none of that name."""
    candidates = (folder / f"{name}.toml" for folder in profile_folders(config_file))
    return next((path for path in candidates if path.is_file()), None)


def profile_names(config_file: Path | None = None) -> list[str]:
    """Return the names of all profiles that would be found, sorted."""
    return sorted({path.stem for folder in profile_folders(config_file) for path in folder.glob("*.toml")})
