"""Tests of what is shipped: the wheel carries the example configuration and the profiles, and finds them there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from monitor.config.places import PACKAGE, profile_names, shipped_folder
from tests.house.source import ROOT

LOOK = """
from monitor.config import load, places
print(places.PACKAGE, places.shipped_folder(), *places.profile_names())
print(load(overrides={"venue.profile": "aster"}).venue.profile)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_profiles_example_and_types(wheel: Path) -> None:
    """Every profile, the example configuration, the type marker and the licence are inside."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"monitor/shipped_config/venues/{name}.toml" for name in profile_names()}
    expected |= {"monitor/shipped_config/monitor.toml", "monitor/py.typed", "monitor/cli/main.py"}
    expected |= {"monitor/adapters/websocket/page.html"}
    assert expected <= inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert not [name for name in inside if name.startswith(("tests/", "config/"))]


def test_a_wheel_finds_its_own_profiles(wheel: Path, tmp_path: Path) -> None:
    """Unpacked anywhere else, the package finds its profiles inside itself."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", LOOK]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.split() == [str(tmp_path / "monitor"), str(tmp_path / "monitor/shipped_config"), *profile_names()]
    assert second == "aster"


def test_a_source_tree_finds_the_folder_beside_it() -> None:
    """In a source tree, and so in an editable install, the files people edit are the ones that count."""
    assert shipped_folder() == PACKAGE.parent / "config"
