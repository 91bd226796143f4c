"""Tests of the one-way doors: core <- app <- adapters <- config and cli."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.house.source import Module, modules

MAY_IMPORT = {
    "core": {"core"},
    "app": {"core", "app"},
    "adapters": {"core", "app", "adapters"},
    "config": {"core", "app", "adapters", "config"},
    "cli": {"core", "app", "adapters", "config", "cli"},
}
"""What each layer may import; a layer that is not listed does not exist."""

BANNED_IN_CORE = frozenset(
    {"asyncio", "logging", "time", "random", "os", "secrets", "socket", "subprocess", "threading"}
)
LIBRARIES_OF_CORE = frozenset({"numpy", "numba", "monitor", "__future__"})
PRODUCTS = frozenset(
    {
        "aiokafka",
        "cramjam",
        "prometheus_client",
        "websockets",
        "h11",
        "httpx",
        "standardwebhooks",
        "rich",
        "structlog",
        "argparse",
    }
)
"""What belongs to an adapter or to the command line: the application knows ports only."""

BANNED_CALLS = frozenset({"print", "input", "open", "breakpoint", "eval", "exec", "now", "utcnow", "today"})


def layer_of(module: str) -> str | None:
    """Return the layer of a dotted name, None for the package itself and its front door."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def names(found: list[Module]) -> list[str]:
    """Return what to call modules in the report of pytest."""
    return [module.name for module in found]


IN_LAYERS = [module for module in modules() if layer_of(module.name)]
CORE = [module for module in IN_LAYERS if layer_of(module.name) == "core"]
APP = [module for module in IN_LAYERS if layer_of(module.name) == "app"]
ADAPTERS = [module for module in IN_LAYERS if layer_of(module.name) == "adapters"]


@pytest.mark.parametrize("module", IN_LAYERS, ids=names(IN_LAYERS))
def test_imports_run_one_way(module: Module) -> None:
    """A module imports from its own layer and from those below, nowhere else, not even inside a function."""
    allowed = MAY_IMPORT[str(layer_of(module.name))]
    ours = [(name, line) for name, line in module.imports() if name.split(".")[0] == "monitor"]
    wrong = [f"{module.place(line)} imports {name}" for name, line in ours if layer_of(name) not in {None, *allowed}]
    assert not wrong


@pytest.mark.parametrize("module", ADAPTERS, ids=names(ADAPTERS))
def test_adapters_do_not_know_each_other(module: Module) -> None:
    """An adapter is about one outside thing: it imports no other adapter."""
    own = module.name.split(".")[2:3]
    theirs = [(name, line) for name, line in module.imports() if name.startswith("monitor.adapters.")]
    assert not [f"{module.place(line)} imports {name}" for name, line in theirs if name.split(".")[2:3] != own]


@pytest.mark.parametrize("module", CORE, ids=names(CORE))
def test_the_core_is_pure(module: Module) -> None:
    """The core knows no clock, no chance, no log, no network and no environment, and nothing but numpy and numba."""
    wrong = [
        f"{module.place(line)} imports {name}"
        for name, line in module.imports()
        if (root := name.split(".")[0]) in BANNED_IN_CORE
        or (root not in sys.stdlib_module_names and root not in LIBRARIES_OF_CORE)
    ]
    wrong += [f"{module.place(line)} calls {name}" for name, line in calls(module) if name in BANNED_CALLS]
    assert not wrong


@pytest.mark.parametrize("module", APP, ids=names(APP))
def test_the_application_knows_no_product(module: Module) -> None:
    """The application waits and decides, over ports: no Kafka client, no metrics library, no terminal."""
    wrong = [
        f"{module.place(line)} imports {name}" for name, line in module.imports() if name.split(".")[0] in PRODUCTS
    ]
    assert not wrong


def test_nothing_of_the_product_knows_what_measures_it() -> None:
    """No module of the package imports the bench or the tests."""
    assert not [
        f"{module.place(line)} imports {name}"
        for module in modules()
        for name, line in module.imports()
        if name.split(".")[0] in {"bench", "tests"}
    ]


def test_the_front_door_imports_nothing() -> None:
    """Importing the package by itself loads no layer."""
    [front] = [module for module in modules() if layer_of(module.name) is None]
    assert not list(front.imports())


def calls(module: Module) -> Iterator[tuple[str, int]]:
    """Yield the last name of everything that is called, with its line."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr, node.lineno
