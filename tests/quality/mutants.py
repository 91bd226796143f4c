"""Mutants of the gate: each constant, comparison, sum and choice of its modules altered, one at a time.

`python -m tests.quality.mutants [MODULE …]` says which of them no test of this package notices. The alteration is made
as the module is imported, so that no file is touched; this module is also the plugin that makes it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

MODULES = ("judging", "stream", "gate", "quarantine", "pegs", "settings")
QUICK = ("test_formulas.py", "test_gate.py")
THEN = ("test_census.py", "test_evidence.py", "test_redone.py", "test_incidents.py", "test_long_incident.py")
WANTED = "MUTANT_OF_THE_GATE"
_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
Place = tuple[ast.AST, str, object]
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "abs": "float"}


class Altered(SourceLoader):
    """Load a module with one of its mutations."""

    def __init__(self, path: str, number: int) -> None:
        self._path = path
        self._number = number

    def get_filename(self, fullname: str) -> str:
        """Return where the original lies."""
        return self._path

    def get_data(self, path: str | os.PathLike[str]) -> bytes:
        """Return the altered source; nothing for the cache that a loader asks for."""
        if not str(path).endswith(".py"):
            raise OSError("a mutant is never cached")
        return list(mutants(Path(path).read_text()))[self._number][1].encode()


class Finder(MetaPathFinder):
    """Find the module that is to be altered."""

    def __init__(self, wanted: str) -> None:
        self._name, _, number = wanted.partition(":")
        self._number = int(number)

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the altered module, once."""
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        original = find_spec(fullname)
        assert original is not None
        assert original.origin is not None
        return spec_from_loader(fullname, Altered(original.origin, self._number))


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield what each mutation is, and the source with it."""
    lines = source.splitlines()
    for number in range(len(list(_places(ast.parse(source))))):
        tree = ast.parse(source)
        node, field, change = list(_places(tree))[number]
        before = ast.unparse(node)
        setattr(node, field, change)
        line = getattr(node, "lineno", 0)
        yield f"line {line}: {before} → {ast.unparse(node)}   [{lines[line - 1].strip()}]", ast.unparse(tree)


def _places(tree: ast.AST) -> Iterator[Place]:
    """Yield what may be altered: a node, its field, and what comes there instead."""
    for node in _code(tree):
        yield from _of_operators(node)
        yield from _of_values(node)


def _of_operators(node: ast.AST) -> Iterator[Place]:
    match node:
        case ast.Compare(ops=ops):
            for number, operator in enumerate(ops):
                yield node, "ops", [*ops[:number], _OPERATORS[type(operator)](), *ops[number + 1 :]]
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            yield node, "op", _OPERATORS[type(operator)]()
        case ast.AugAssign(op=ast.Add()):
            yield node, "op", ast.Sub()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, "operand", ast.UnaryOp(ast.Not(), operand)


def _of_values(node: ast.AST) -> Iterator[Place]:
    match node:
        case ast.Constant(value=bool(value)):
            yield node, "value", not value
        case ast.Constant(value=int(value)):
            yield node, "value", value + 1
        case ast.Constant(value=float(value)):
            yield node, "value", value * 1.1
        case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant(value=str(text))]):
            yield node, "args", [ast.Constant(str(Decimal(text) * Decimal("1.1")))]
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside]):
            yield node, "args", [ast.BinOp(inside, ast.Mult(), ast.Constant(1.21))]
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            yield node, "id", _NAMES[name]
        case ast.Assign(value=ast.Tuple(elts=elements), targets=[ast.Name()]):
            for number in range(len(elements)):
                yield node, "value", ast.Tuple([*elements[:number], *elements[number + 1 :]], ast.Load())


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that are neither annotations nor the bounds of settings, which other tests hold."""
    yield tree
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns"} or (isinstance(tree, ast.keyword) and tree.arg == "metadata"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def survives(module: str, number: int, files: Sequence[str]) -> bool:
    """Return whether some tests pass with a mutation."""
    here = Path(__file__).parent
    paths = [str(here / name) for name in files if (here / name).exists()]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "tests.quality.mutants"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths],
        env=os.environ | {WANTED: f"monitor.core.quality.{module}:{number}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=600,
        check=False,
    )
    return done.returncode == 0


def main(names: Sequence[str]) -> int:
    """Try every mutation of some modules; print the survivors."""
    left = tried = 0
    for module in names or MODULES:
        spec = find_spec(f"monitor.core.quality.{module}")
        assert spec is not None
        assert spec.origin is not None
        found = list(mutants(Path(spec.origin).read_text()))
        quick = [number for number in range(len(found)) if survives(module, number, QUICK)]
        kept = [number for number in quick if survives(module, number, THEN)]
        print(
            f"{module}: {len(found)} mutants, {len(found) - len(kept)} noticed, {len(quick) - len(kept)} of them late"
        )
        for number in kept:
            print(f"  survives: {found[number][0]}", flush=True)
        left, tried = left + len(kept), tried + len(found)
    print(f"{tried - left} of {tried} mutants are noticed")
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
if WANTED in os.environ:
    sys.meta_path.insert(0, Finder(os.environ[WANTED]))
