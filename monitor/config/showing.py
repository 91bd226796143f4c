"""Showing: the effective configuration as rows and as TOML that can be loaded again, secrets masked.

Where the values came from is told beside them; how they were read is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path

from monitor.app.webhooks.settings import TargetSettings
from monitor.config.keys import Key
from monitor.config.ladders import KINDS, ladder_values
from monitor.config.loading import KEYS
from monitor.config.portfolio import portfolio_rows
from monitor.config.settings import Settings
from monitor.core.amounts import format_amount, format_exact
from monitor.core.brackets import StatedTier
from monitor.core.instruments import Haircut
from monitor.core.quality.pegs import Reference
from monitor.core.quality.settings import Source

MASK = "***"
SECRET = re.compile(r"(password|secret|token|credential|passphrase)(?!.*_file$)")
"""Names of keys whose value is never shown; a path to a file with a secret is no secret."""


@dataclass(frozen=True, slots=True)
class Effective:
    """Hold one key as it is in force: `value` is text, an integer, a truth, a list (of texts or of tables) or None."""

    path: str
    value: object
    origin: str


def effective(settings: Settings) -> list[Effective]:
    """Return every key in force with its origin, in the order of declaration; secrets are masked."""
    rows: list[Effective] = []
    for path, value in _pairs(settings):
        secret = SECRET.search(path) and not path.startswith("portfolio.") and not isinstance(value, Path)
        shown = MASK if value is not None and secret else _plain(value)
        rows.append(Effective(path, shown, _origin(path, settings)))
    return rows


def _origin(path: str, settings: Settings) -> str:
    """Return where a key was given: parameters of the portfolio method in force also beside `method`."""
    found = settings.origins.get(path)
    if found is None and settings.portfolio is not None and path.startswith("portfolio."):
        found = settings.origins.get(path.replace(f"portfolio.{settings.portfolio.method}.", "portfolio.", 1))
    if path == "ladder.portfolio.liquidation" and settings.ladder.portfolio != settings.stated_ladder.portfolio:
        return "the portfolio method"
    return "default" if found is None else found


def to_toml(rows: Iterable[Effective]) -> str:
    """Return rows as TOML with the origin of each value that is not the default; it loads to the same settings."""
    lines: list[str] = []
    sections: dict[str, list[Effective]] = {}
    for row in sorted(rows, key=lambda row: "." in row.path):
        sections.setdefault(row.path.rpartition(".")[0], []).append(row)
    for section, group in sections.items():
        if section:
            lines += ["", f"[{'.'.join(_toml_key(part) for part in section.split('.'))}]"]
        for row in group:
            comment = "" if row.origin == "default" else f"  # {row.origin}"
            lines.append(f"{_toml_key(row.path.removeprefix(section).lstrip('.'))} = {_toml(row.value)}{comment}")
    return "\n".join(lines).lstrip() + "\n"


def _pairs(settings: Settings) -> Iterator[tuple[str, object]]:
    for key in KEYS.values():
        if key.attributes[0] == "ladder":
            continue
        value = _value_at(settings, key)
        if key.path == "portfolio":
            yield from ((f"portfolio.{name}", inner) for name, inner in portfolio_rows(settings.portfolio))
        elif key.is_table and isinstance(value, Mapping):
            yield from _of_table(key.path, value)
        else:
            yield key.path, value
    own = [kind for kind in KINDS if any(path.startswith(f"ladder.{kind}.") for path in settings.origins)]
    if settings.ladder.portfolio != settings.stated_ladder.portfolio and "portfolio" not in own:
        own.append("portfolio")
    common = next((kind for kind in KINDS if kind not in own), None)
    if common is not None:
        yield from ((f"ladder.{name}", value) for name, value in ladder_values(getattr(settings.ladder, common)))
    for kind in own:
        yield from ((f"ladder.{kind}.{name}", value) for name, value in ladder_values(getattr(settings.ladder, kind)))


def _of_table(path: str, table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, (Haircut, Reference)):
            yield from ((f"{path}.{name}.{part}", cut) for part, cut in value._asdict().items() if cut is not None)
        elif isinstance(value, TargetSettings):
            yield from _of_target(f"{path}.{name}", value)
        else:
            yield f"{path}.{name}", value


def _of_target(path: str, target: TargetSettings) -> Iterator[tuple[str, object]]:
    """Yield what a target is configured to be; what is at its default may be a value no file can state."""
    for part in fields(TargetSettings):
        value = getattr(target, part.name)
        if value != part.default:
            yield f"{path}.{part.name}", value


def _value_at(settings: Settings, key: Key) -> object:
    found: object = settings
    for attribute in key.attributes:
        found = getattr(found, attribute)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return format_exact(value)
    if isinstance(value, Decimal):
        return format_amount(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (StatedTier, Source)):
        return {name: _plain(one) for name, one in value._asdict().items() if one is not None}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _toml(value: object) -> str:
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_toml_key(name)} = {_toml(one)}' for name, one in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
