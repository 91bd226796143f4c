"""Proof of what an event says of its prices: each verdict made again, held against the prices and words of the event.

The rest of an event is `verify`'s and the rules' business; verdicts made again from the topic are in `redoing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import Any

from monitor.core.quality.pegs import peg_terms
from monitor.core.quality.stating import quality_of, quality_terms

Terms = Iterator[tuple[str, Any, Any]]
_WORDS = ("quarantined_price:", "doubtful_price:")


def price_terms(evidence: Mapping[str, Any]) -> Terms:
    """Yield what was found of every price and asset of an event, and what follows.

    The price that counts must be believed, and be the one the event was computed from; the quarantined one beside it
    must not be, and lie above. Needs the exact context.
    """
    stated = evidence["document"]["prices"]
    for symbol, origin in evidence["price_origins"].items():
        place = f"evidence.price_origins.{symbol}"
        if "quality" in origin:
            yield from quality_terms(f"{place}.quality", origin["quality"], stated[symbol]["mark_price"])
            yield f"{place}.quality.believed", origin["quality"]["believed"], True
            index = origin["quality"]["observed"].get("index_price")
            if index is not None:
                yield f"{place}.quality.observed.index_price", float(index), float(stated[symbol]["index_price"])
        if "quarantined" in origin:
            doubted = origin["quarantined"]
            yield from quality_terms(f"{place}.quarantined.quality", doubted["quality"], doubted["mark_price"])
            yield f"{place}.quarantined.quality.believed", doubted["quality"]["believed"], False
            yield f"{place}.quarantined", f"above: {_place(doubted) > _place(origin)}", "above: True"
    assets = evidence["document"]["assets"]
    for name, peg in evidence.get("asset_quality", {}).items():
        yield from peg_terms(f"evidence.asset_quality.{name}", peg, assets[name]["index_price"])


def word_terms(term: str, words: Collection[str], evidence: Mapping[str, Any], symbols: Collection[str]) -> Terms:
    """Yield which prices are called quarantined or doubtful, and which are, of the symbols something stands on."""
    origins = evidence["price_origins"]
    due = [word for symbol in symbols if symbol in origins for word in _words(symbol, origins[symbol])]
    yield term, sorted(word for word in words if word.startswith(_WORDS)), sorted(due)


def band_terms(evidence: Mapping[str, Any]) -> Terms:
    """Yield that each band lies around its price, and all are as wide."""
    document, widths = evidence["document"], set[Fraction]()
    for number, band in enumerate(evidence.get("bands", ())):
        price = document["assets"][band["asset"]]["index_price"] if "asset" in band else _mark(document, band)
        low, high = Fraction(band["low"]), Fraction(band["high"])
        yield f"evidence.bands[{number}]", low + high, 2 * Fraction(price)
        widths.add((high - low) / (low + high))
    yield "evidence.bands", f"{len(widths)} widths", f"{min(len(widths), 1)} widths"


def off_terms(evidence: Mapping[str, Any], used: Collection[str]) -> Terms:
    """Yield that no asset in use is off its peg: a rule measures nothing then."""
    off = [name for name, peg in evidence.get("asset_quality", {}).items() if name in used and not peg["believed"]]
    yield "evidence.asset_quality", off, []


def _mark(document: Mapping[str, Any], band: Mapping[str, Any]) -> str:
    return str(document["prices"][band["symbol"]]["mark_price"])


def _words(symbol: str, origin: Mapping[str, Any]) -> list[str]:
    if "quarantined" in origin:
        return [f"quarantined_price:{symbol}"]
    return [f"doubtful_price:{symbol}"] if "quality" in origin and quality_of(origin["quality"]).is_shaky else []


def _place(origin: Mapping[str, Any]) -> tuple[int, int, int]:
    return origin["event_time_ms"], origin["partition"], origin["offset"]
