"""Tests of the house's measures: bodies, files, docstrings, and how many broad excepts there are."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import Module, measured_modules

LONGEST_BODY = 60
LONGEST_FILE = 300

MAY_CATCH_EVERYTHING = {
    "monitor.cli.main": "the top of the program: it ends the process with the message",
    "monitor.adapters.kafka.membership": "what a callback raises is handed to whoever watches the membership",
    "monitor.adapters.kafka.assignor": "an error there would repeat at every join: it assigns nothing and says so",
}

IDS = [module.name for module in measured_modules()]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("module", measured_modules(), ids=IDS)
def test_files_are_short(module: Module) -> None:
    """A file has at most 300 lines: a longer one has two subjects."""
    assert module.lines <= LONGEST_FILE, f"{module.place(LONGEST_FILE)}: {module.lines} lines"


@pytest.mark.parametrize("module", measured_modules(), ids=IDS)
def test_bodies_are_short(module: Module) -> None:
    """The body of a function has at most 60 lines, its docstring not counted."""
    long = [
        f"{module.place(function.lineno)} {function.name}: {lines} lines"
        for function in module.functions()
        if (lines := body_lines(function)) > LONGEST_BODY
    ]
    assert not long


@pytest.mark.parametrize("module", measured_modules(), ids=IDS)
def test_every_module_says_what_lives_in_it(module: Module) -> None:
    """A module opens with a docstring."""
    assert (ast.get_docstring(module.tree) or "").strip(), module.place(1)


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler catches every fault and does not raise it, or what it means, again."""
    is_broad = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
    return is_broad and not isinstance(handler.body[-1], ast.Raise)


def test_everything_is_caught_in_named_places_only() -> None:
    """Faults of ours are swallowed nowhere but in the places listed here, each with its reason."""
    broad = [
        (module.name, module.place(handler.lineno))
        for module in measured_modules()
        for handler in ast.walk(module.tree)
        if isinstance(handler, ast.ExceptHandler) and swallows_everything(handler)
    ]
    assert not [place for name, place in broad if name not in MAY_CATCH_EVERYTHING]
