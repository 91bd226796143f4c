"""Loading: built-in defaults < venue profile < one TOML file < environment < flags, every complaint collected.

The order of the sources and the building of the settings classes live here; reading a single source or value does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from monitor.config.complaints import Complaint, ConfigError
from monitor.config.keys import Key, keys_of
from monitor.config.ladders import build_ladders, into_health
from monitor.config.places import find_profile, profile_names
from monitor.config.settings import Settings
from monitor.config.sources import Source, from_environment, from_mapping, from_toml
from monitor.config.values import read_loose, read_value
from monitor.core.instruments import BadTerms
from monitor.core.ladder import BadLadder
from monitor.core.portfolio.ladder import with_line_of_method
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.verdict import Ladders

KEYS: Mapping[str, Key] = {key.path: key for key in keys_of(Settings)}
TABLES = tuple(path for path, key in KEYS.items() if key.is_table)
SECTIONS = frozenset(path.rpartition(".")[0] for path in KEYS) | {"ladder", *TABLES}

PROFILE_SECTIONS = frozenset(
    {
        "ladder",
        "prices",
        "quality",
        "references",
        "assets",
        "usd_assets",
        "instruments",
        "brackets",
        "haircuts",
        "adl",
        "liquidation",
        "funding",
        "portfolio",
        "portfolio_rules",
    }
)
"""What a venue profile may set: what a venue decides, not what an operator does."""


@dataclass(slots=True)
class _Merged:
    """Collect what the sources gave, the outranking last."""

    values: dict[str, object]
    origins: dict[str, str]
    complaints: list[Complaint]
    conventions: dict[str, str]


def load(
    path: Path | str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    overrides_name: str = "flags",
) -> Settings:
    """Return the settings that a TOML file, an environment and overrides give over a venue profile and the defaults.

    Args:
        path: the file; None for none, `-` for standard input.
        environment: variables, of which `LIQMON_SECTION__KEY` count.
        overrides: nested mappings or dotted paths; their values may be of a key's own type or text.
        overrides_name: what complaints call the origin of the overrides.

    Raises:
        ConfigError: with every complaint there is.
    """
    sources: list[Source] = []
    if path is not None:
        sources.append(from_toml(path))
    sources.append(from_environment(environment or {}, [key for key in KEYS if "." not in key]))
    sources.append(from_mapping(overrides or {}, overrides_name, from_text=True))
    merged = _Merged({}, {}, [], {})
    profile = _profile(sources, None if path in (None, "-") else Path(str(path)), merged.complaints)
    for source in [*profile, *sources]:
        _merge(source, merged)
    settings = _build(merged)
    if merged.complaints:
        raise ConfigError(merged.complaints)
    return settings


def _profile(sources: Iterable[Source], config_file: Path | None, complaints: list[Complaint]) -> Iterator[Source]:
    """Yield the profile that the other sources name, without the keys no profile may set."""
    name, origin = "generic", "defaults"
    for source in sources:
        if isinstance(given := source.given.get("venue.profile"), str):
            name, origin = given, source.origin("venue.profile")
    file = find_profile(name, config_file) if Path(name).name == name else None
    if file is None:
        known = ", ".join(profile_names(config_file))
        complaints.append(Complaint("venue.profile", origin, f"there is no profile {name!r}; known: {known}"))
        return
    read = from_toml(file)
    allowed = {key: value for key, value in read.given.items() if key.partition(".")[0] in PROFILE_SECTIONS}
    foreign = [key for key in read.given if key not in allowed]
    complaints.extend(Complaint(key, read.name, "is not for a venue profile to say") for key in foreign)
    yield Source(f"profile {name}", allowed)


def _merge(source: Source, merged: _Merged) -> None:
    layer: dict[str, object] = {}
    meant: dict[str, str] = {}
    for path, given in source.given.items():
        if given == {} and path in SECTIONS:
            continue
        try:
            key = _meant(path, source, merged)
            layer[key] = _read(key, given, source)
            meant[key] = path
        except BadTerms as bad:
            merged.complaints.append(Complaint(below(path, bad.path), source.origin(path), bad.why))
        except ValueError as why:
            merged.complaints.append(Complaint(path, source.origin(path), str(why)))
    into_health(layer, merged.conventions)
    for path, value in layer.items():
        merged.values.pop(path, None)  # what is given last stands last: of two spellings it counts
        merged.values[path] = value
    merged.origins.update({path: source.origin(meant.get(path, path)) for path in layer})


def _table_of(path: str) -> Key | None:
    """Return the free table a path stands in."""
    return next((KEYS[table] for table in TABLES if path.startswith(f"{table}.")), None)


def _meant(path: str, source: Source, merged: _Merged) -> str:
    """Return the path a source means: a variable names what stands in a free table without regard to case."""
    table = _table_of(path)
    find = None if table is None or source.keeps_case else table.bounds.get("recased")
    if table is None or find is None:
        return path
    prefix = f"{table.path}."
    known = {name.removeprefix(prefix): value for name, value in merged.values.items() if name.startswith(prefix)}
    return prefix + str(find(path.removeprefix(prefix), known))


def _read(path: str, given: object, source: Source) -> object:
    key = KEYS.get(path)
    if key is not None and not key.is_table:
        return read_value(key, given, from_text=source.from_text)
    table = _table_of(path)
    if table is not None:
        read, name = table.bounds.get("read"), path.removeprefix(f"{table.path}.")
        if read is None:
            return read_loose(given, from_text=source.from_text)
        if source.from_text and isinstance(given, str) and "read_text" in table.bounds:
            return table.bounds["read_text"](name, given)
        if not source.keeps_case:
            raise ValueError("stands in files only: a variable cannot tell upper case from lower case")
        return read(name, given)
    if path in SECTIONS:
        raise ValueError("is a table of keys, not a value")
    near = get_close_matches(path, KEYS, n=1, cutoff=0.75)
    raise ValueError("unknown key" + (f"; did you mean {near[0]}?" if near else ""))


def _build(merged: _Merged) -> Settings:
    ladders, wrong = build_ladders(merged.values, merged.origins)
    merged.complaints.extend(wrong)
    portfolio = _table(KEYS["portfolio"], merged)
    given: dict[str, Any] = {"portfolio": portfolio, "stated_ladder": ladders}
    given["ladder"] = _with_line_of_method(ladders, portfolio, merged)
    given["origins"] = merged.origins
    kinds = get_type_hints(Settings)
    for item in fields(Settings):
        kind = kinds[item.name]
        if item.name in given:
            continue
        if item.name in TABLES:
            given[item.name] = _table(KEYS[item.name], merged)
        elif is_dataclass(kind) and isinstance(kind, type):
            given[item.name] = _section(kind, item.name, merged)
        elif item.name in merged.values:
            given[item.name] = merged.values[item.name]
    return Settings(**given)


def _with_line_of_method(ladders: Ladders, portfolio: PortfolioTerms | None, merged: _Merged) -> Ladders:
    """Return the ladders with the liquidation line that the portfolio method has where none is stated."""
    if portfolio is None or "ladder.portfolio.liquidation" in merged.origins:
        return ladders
    try:
        return with_line_of_method(ladders, portfolio.method)
    except BadLadder as bad:
        why = f"{bad.why}: {portfolio.method} has a line of its own; state ladder.portfolio.liquidation"
        merged.complaints.append(Complaint(f"ladder.portfolio.{bad.path}", "defaults", why))
        return ladders


def _section(kind: type[Any], name: str, merged: _Merged) -> Any:
    """Return one section; where its own check refuses the values together, complain and return its defaults."""
    given: dict[str, object] = {}
    for key in keys_of(kind, (name,)):
        if key.is_table:
            given[key.attributes[-1]] = _table(key, merged)
        elif key.path in merged.values:
            given[key.attributes[-1]] = merged.values[key.path]
    try:
        return kind(**given)
    except ValueError as why:
        merged.complaints.extend(_of_section(name, str(why), merged.origins))
        return kind()


def _table(key: Key, merged: _Merged) -> Any:
    """Return a free table; where its values contradict each other, complain and return its default."""
    prefix = f"{key.path}."
    table = {path.removeprefix(prefix): value for path, value in merged.values.items() if path.startswith(prefix)}
    build = key.bounds.get("build")
    if build is None:
        return table
    faults: list[BadTerms] = []
    try:
        return build(table)
    except BadTerms as bad:
        faults.append(bad)
    except ExceptionGroup as group:
        faults += (bad for bad in group.exceptions if isinstance(bad, BadTerms))
    for fault in faults:
        path = below(key.path, fault.path)
        merged.complaints.append(Complaint(path, _origin_at(path, merged.origins), fault.why))
    return key.default


def _origin_at(path: str, origins: Mapping[str, str]) -> str:
    """Return where a place was given: the key it is, lies in, or holds."""
    holding = [name for name in origins if path == name or path.startswith((f"{name}.", f"{name}["))]
    held = [name for name in origins if name.startswith(f"{path}.")]
    found = holding or held or [name for name in origins if name.partition(".")[0] == path.partition(".")[0]]
    return ", ".join(dict.fromkeys(origins[name] for name in found)) or "defaults"


def below(path: str, place: str) -> str:
    """Return the path of a place below another: an element of a list, or a key."""
    return path + place if not place or place.startswith("[") else f"{path}.{place}"


def _of_section(name: str, problems: str, origins: Mapping[str, str]) -> Iterator[Complaint]:
    """Yield what a section says of its values together: parts between semicolons, each begun by the key it is about."""
    given = sorted({origin for path, origin in origins.items() if path.partition(".")[0] == name})
    for problem in problems.split("; "):
        word, _, reason = problem.partition(" ")
        path = f"{name}.{word}"
        if (path in KEYS or path in origins) and not reason.startswith("and "):
            yield Complaint(path, origins.get(path, ", ".join(given) or "defaults"), reason)
        else:
            yield Complaint(name, ", ".join(given) or "defaults", problem)
