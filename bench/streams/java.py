"""The Kafka Streams program: built with Maven the first time, from `bench/kafka_streams` into `build/kafka-streams`."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.peers.peer import Missing

SOURCES: Final = Path(__file__).parents[1] / "kafka_streams"
BUILD: Final = Path(__file__).parents[2] / "build" / "kafka-streams"
_MAIN: Final = "liqmon.bench.Program"
_OPTIONS: Final = ("-XX:+UseSerialGC", "-Xms1g", "-Xmx1g")
"""The collector that takes the least processor time, with room enough to be seldom needed."""
_TOLD: Final = 300


def command(*arguments: str) -> list[str]:
    """Return what runs the program, building it if that has not been done. Raises `Missing` where it cannot be."""
    if shutil.which("java") is None:
        raise Missing("no Java: install a Java 17 development kit")
    built = _built()
    return ["java", *_OPTIONS, "-cp", f"{built / 'classes'}:{built / 'libs'}/*", _MAIN, *arguments]


def _built() -> Path:
    """Return the folder with classes and libraries of the sources as they are now."""
    digest = hashlib.sha256()
    for path in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    folder = BUILD / digest.hexdigest()[:16]
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build(folder)
    return folder


def _build(folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise Missing("no Maven: install it")
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    goals = ["compile", "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={part / 'libs'}"]
    command = ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"), f"-Dbuilt={part}", *goals]
    done = subprocess.run(  # noqa: S603 - our own words
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stdout.splitlines() if "[ERROR]" in line] or [done.stdout.strip()]
        raise Missing(f"Maven could not build it (it fetches Kafka Streams once): {errors[0][:_TOLD]}")
    part.rename(folder)
