"""Liquidation rules in a document: the parameters it states, laid over those of a profile.

What a rule does with its parameters, and their bounds, is the core's.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from monitor.adapters.wire.document_shapes import LiquidationBody
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.adapters.wire.ladders import fraction_at
from monitor.adapters.wire.values import amount_at
from monitor.core.plan.rule import BadRule, LiquidationRule

_AMOUNTS = ("share", "share_above", "fund_share", "spread_to_maintenance", "bankruptcy_adjustment", "maximum_fee_rate")


def liquidation_of(body: LiquidationBody | UnsetType, base: LiquidationRule, max_digits: int) -> LiquidationRule:
    """Return the rule a document states, over `base` where it says nothing. Raises `BadMessage`."""
    if body is UNSET:
        return base
    given: dict[str, Any] = {
        name: getattr(body, name) for name in ("rule", "brackets", "cancel_orders") if getattr(body, name) is not UNSET
    }
    for name in _AMOUNTS:
        stated: str | int | UnsetType | None = getattr(body, name)
        if stated is not UNSET:
            given[name] = _amount(name, stated, max_digits)
    if body.target is not UNSET:
        given["target"] = None if body.target is None else fraction_at("liquidation.target", body.target, max_digits)
    try:
        return replace(base, **given)
    except BadRule as bad:
        raise BadMessage(Code.OUT_OF_RANGE, f"liquidation.{bad.path}", bad.why) from None


def _amount(name: str, stated: str | int | None, max_digits: int) -> Decimal | None:
    return None if stated is None else amount_at(f"liquidation.{name}", stated, max_digits)
