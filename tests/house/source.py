"""The source tree as the house tests see it: its modules, parsed."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "monitor"
BENCH = ROOT / "bench"


@dataclass(frozen=True)
class Module:
    """Hold one parsed module; `name` is dotted, without `__init__`."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    def place(self, line: int) -> str:
        """Return file and line as an editor opens them."""
        return f"{self.path.relative_to(ROOT)}:{line}"

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield every name imported anywhere in the module, also inside functions, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method, nested ones included."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node


@cache
def modules() -> tuple[Module, ...]:
    """Return all modules of the package."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def measured_modules() -> tuple[Module, ...]:
    """Return the modules that keep to the house's measures: those of the package and of the bench."""
    return modules() + tuple(_read(path) for path in sorted(BENCH.rglob("*.py")))


def _read(path: Path) -> Module:
    text = path.read_text()
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return Module(name, path, ast.parse(text), text.count("\n"))


@cache
def kept_files() -> tuple[Path, ...]:
    """Return every file that is, or would be, under version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())
