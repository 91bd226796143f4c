"""Wording of verdicts on prices, for the explanation of an event.

What they say is stated in the event's evidence; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_FIGURES = ("reference", "sigma", "level", "index_price", "basis", "index_unchanged_ms", "mark_unchanged_ms")


def quality_lines(symbol: str, origin: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was found about the price of a symbol that counts, and about a later one that does not."""
    if "quality" in origin:
        quality = origin["quality"]
        released = f", believed at {quality['released_ms']} when its delay was over" if "released_ms" in quality else ""
        yield f"  the price of {symbol} is {_verdict(quality)}{released}"
    if "quarantined" in origin:
        doubted = origin["quarantined"]
        until = f" until {doubted['quality']['until_ms']}" if "until_ms" in doubted["quality"] else ""
        yield f"  a later one, {doubted['mark_price']}, is quarantined{until}: {_verdict(doubted['quality'])}"


def _verdict(quality: Mapping[str, Any]) -> str:
    if not quality["reasons"]:
        return str(quality["verdict"])
    observed = quality["observed"]
    figures = ", ".join(f"{name} {observed[name]}" for name in _FIGURES if name in observed)
    return f"{quality['verdict']} ({', '.join(quality['reasons'])}; {figures})"
