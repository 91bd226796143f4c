"""This machine: versions, files and their permissions, the folder of snapshots, ports, and memory as it is.

What a population needs of memory is judged in `monitor.app.doctor.memory`.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from monitor.app.doctor.findings import Finding, failure, good, warning
from monitor.app.doctor.memory import MemorySeen
from monitor.cli.doctor.processes import File, Port, files_of, ports_of

if TYPE_CHECKING:
    from monitor.config import Settings

VERSIONS, FILES, PORTS = "versions", "files", "ports"

_DISTRIBUTION = "liquidation-monitor"
_OLDEST_PYTHON = (3, 11)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FREE_DISK_BYTES = 1_000_000_000
_CONTROL_GROUP = Path("/sys/fs/cgroup")
_PROBE_SECONDS = 0.5


def look_at_machine(settings: Settings, config: str | None, processes: Sequence[str]) -> Iterator[Finding]:
    """Yield what is found here, without Kafka."""
    yield from judge_versions()
    yield from _files(settings, config, tuple(processes))
    yield from _ports(ports_of(settings, tuple(processes)))


def judge_versions(distribution: str = _DISTRIBUTION) -> Iterator[Finding]:
    """Yield whether Python and the libraries are those that the distribution asks for."""
    wrong = []
    if sys.version_info < _OLDEST_PYTHON:
        wrong.append(f"Python {platform.python_version()} is older than {'.'.join(map(str, _OLDEST_PYTHON))}")
    try:
        wanted = [Requirement(text) for text in requires(distribution) or ()]
    except PackageNotFoundError:
        yield failure(VERSIONS, f"{distribution} is not installed", "python3 -m pip install .")
        return
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} {found} is not {requirement.specifier}")
    for said in wrong:
        yield failure(
            VERSIONS, said, "install into a folder of its own: python3 -m venv .venv; .venv/bin/pip install ."
        )
    if not wrong:
        ours = f"liqmon {version(distribution)}, Python {platform.python_version()}"
        yield good(VERSIONS, f"{ours}, aiokafka {version('aiokafka')}, numba {version('numba')}; all as asked for")


def _files(settings: Settings, config: str | None, processes: tuple[str, ...]) -> Iterator[Finding]:
    if config is None:
        yield warning(FILES, "no --config: defaults and LIQMON_ variables alone", "cp config/monitor.toml monitor.toml")
    elif config != "-":
        yield from judge_config(Path(config))
    for file in files_of(settings, processes):
        yield from judge_file(file)
    if "gateway" in processes and settings.gateway.token_file is None:
        yield failure(
            FILES, "gateway.token_file is not set: nobody could come in", "`liqmon gateway --mint` begins one"
        )
    if "webhooks" in processes and not settings.webhooks.targets:
        yield failure(FILES, "webhooks.targets: no target is configured", "docs/webhooks.md shows one")
    if settings.recovery.snapshot_dir and "run" in processes:
        yield from judge_folder(Path(settings.recovery.snapshot_dir).expanduser())


def judge_config(path: Path) -> Iterator[Finding]:
    """Yield whether somebody else may change the configuration."""
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield warning(FILES, f"{path} may be written by others ({stat.filemode(mode)})", f"chmod go-w {path}")
    else:
        yield good(FILES, f"{path} is good, and written by its owner alone")


def judge_file(file: File) -> Iterator[Finding]:
    """Yield whether a file can be read, holds something, and is kept from others where it is a secret."""
    said = f"{file.key} ({file.path})"
    try:
        mode, is_empty = file.path.stat().st_mode, not file.path.read_bytes().strip()
    except OSError as fault:
        yield failure(FILES, f"{said}: {fault.strerror or fault}", f"as {_user()}, make it readable: ls -l {file.path}")
        return
    if is_empty:
        yield failure(FILES, f"{said} is empty", "put the secret into it" if file.is_secret else "put it there again")
    elif file.is_secret and mode & _OTHERS:
        do = f"chmod 600 {file.path}, owned by the user it runs as"
        yield warning(FILES, f"{said} is a secret that others may reach ({stat.filemode(mode)})", do)
    else:
        yield good(FILES, f"{said} can be read" + (", by its owner alone" if file.is_secret else ""))


def judge_folder(path: Path) -> Iterator[Finding]:
    """Yield whether snapshots can be kept in a folder, and are kept from others."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    said = f"recovery.snapshot_dir ({path})"
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        do = f"as {_user()}, make {place} a folder that can be written to"
        yield failure(FILES, f"{said} cannot be written: restarts read the whole changelog", do)
        return
    free = shutil.disk_usage(place).free
    mode = place.stat().st_mode
    if free < _FREE_DISK_BYTES:
        yield warning(FILES, f"{said} has {free / 1e6:,.0f} MB left", "make room: a shard's snapshot is replaced whole")
    elif place == path and mode & _OTHERS:
        yield warning(FILES, f"{said} holds account data and is open to others ({stat.filemode(mode)})", "chmod 700")
    else:
        yield good(FILES, f"{said} can be written, {free / 1e9:,.1f} GB left")


def _user() -> str:
    return f"user {os.geteuid()}"


def _ports(ports: Sequence[Port]) -> Iterator[Finding]:
    taken: dict[tuple[str, int], str] = {}
    for port in ports:
        if (other := taken.setdefault((port.host, port.port), port.key)) != port.key:
            yield failure(PORTS, f"{port.key} and {other} are the same: {port.port}", "give each a port of its own")
        else:
            yield judge_port(port)


def judge_port(port: Port) -> Finding:
    """Return whether a port can be listened on, or who answers there already."""
    where = f"{port.key} {port.host}:{port.port}"
    try:
        [family, kind, _, _, address] = socket.getaddrinfo(port.host, port.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE and _is_ours(port):
            return warning(PORTS, f"{where} is taken: a liqmon answers there", "good where it already runs here")
        if fault.errno == errno.EADDRINUSE:
            do = "choose another port, or end whoever has it: `ss -ltnp` says who"
            return failure(PORTS, f"{where} is taken: somebody else listens there", do)
        return failure(PORTS, f"{where}: {fault.strerror or fault}", "an address of this machine, a port above 1023")
    return good(PORTS, f"{where} is free")


def _is_ours(port: Port) -> bool:
    """Return whether the process that would listen there answers about its health."""
    address = port.asked or (port.host, port.port)
    question = f"GET /livez HTTP/1.1\r\nHost: {address[0]}\r\nConnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection(address, _PROBE_SECONDS) as connection:
            connection.sendall(question)
            connection.settimeout(_PROBE_SECONDS)
            answer = connection.recv(4096)
    except OSError:
        return False
    return b'"reasons"' in answer


def memory() -> MemorySeen:
    """Return the memory of this machine, or of our control group where that is less."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    found = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    total, free = found["MemTotal"], found["MemAvailable"]
    limit, used = _number("memory.max"), _number("memory.current")
    if limit is None or limit >= total:
        return MemorySeen(total, free)
    return MemorySeen(limit, min(free, limit - (used or 0)), is_limited=True)


def _number(name: str) -> int | None:
    try:
        text = (_CONTROL_GROUP / name).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
