"""Mutants of the gate: each constant, comparison, sum and choice of its modules altered, one at a time.

`python -m tests.quality.mutants` says which of them no test of this package notices. No file is touched:
functions and constants are altered in a child that runs the tests.
"""

from __future__ import annotations

import argparse
import ast
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

MODULES = ("judging", "stream", "gate", "quarantine", "pegs")
QUICK = ("test_formulas.py", "test_quarantine.py", "test_gate.py")
THEN = ("test_census.py", "test_evidence.py", "test_redone.py", "test_incidents.py", "test_long_incident.py")
_PACKAGE = "monitor.core.quality"
_SECONDS = 300
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
        case ast.Assign(value=ast.Tuple(elts=elements), targets=[ast.Name(id=name)]) if name != "__slots__":
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


def noticed_by(module: str, source: str, files: Sequence[str]) -> bool:
    """Return whether some tests fail with a mutation: in a child, whose modules are altered before they run."""
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        code = 1
        try:
            alter(sys.modules[f"{_PACKAGE}.{module}"], source)
            code = run(files)
        finally:  # whatever it ends in otherwise, it is noticed
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def run(files: Sequence[str]) -> int:
    """Run tests; return 0 where all pass."""
    here = Path(__file__).parent
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *(str(here / name) for name in files)]))


def alter(module: ModuleType, source: str) -> None:
    """Put what a changed source defines in the place of what a module has, wherever that was imported to."""
    changed: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(source, str(module.__file__), "exec", dont_inherit=True), changed)
    for name, new in changed.items():
        old = module.__dict__.get(name)
        if isinstance(old, FunctionType):
            _alter_function(old, new)
        elif isinstance(old, type):
            if old.__module__ == module.__name__:
                _alter_class(old, new)
        elif not name.startswith("__") and not isinstance(old, ModuleType):
            for one in [each for key, each in sys.modules.items() if key.startswith(("monitor.", "tests."))]:
                if one.__dict__.get(name) is old:
                    one.__dict__[name] = new


def _alter_class(old: type, new: type) -> None:
    for name, part in vars(old).items():
        pair = [getattr(each, "fget", each) for each in (part, vars(new).get(name))]
        if all(isinstance(each, FunctionType) for each in pair):
            _alter_function(*pair)


def _alter_function(old: Any, new: Any) -> None:
    while hasattr(old, "__wrapped__"):
        old, new = old.__wrapped__, new.__wrapped__
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every mutation of some modules; print the survivors."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.mutants", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", default=MODULES, help="of monitor/core/quality; all that decide by default"
    )
    parser.add_argument("--quick", action="store_true", help="run only the tests that hold formulas and the oracle")
    given = parser.parse_args(arguments)
    if run(QUICK if given.quick else (*QUICK, *THEN)):
        print("the tests do not pass as it is")
        return 1
    left = tried = 0
    for module in given.modules:
        found = list(mutants(Path(str(sys.modules[f"{_PACKAGE}.{module}"].__file__)).read_text()))
        kept = 0
        for what, source in found:
            if not noticed_by(module, source, QUICK) and (given.quick or not noticed_by(module, source, THEN)):
                kept += 1
                print(f"  survives: {module}, {what}", flush=True)
        print(f"{module}: {len(found) - kept} of {len(found)} mutants are noticed", flush=True)
        left, tried = left + kept, tried + len(found)
    print(f"{tried - left} of {tried} mutants are noticed")
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
