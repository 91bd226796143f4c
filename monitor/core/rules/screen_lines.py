"""Lines of the screen: at which values something may happen to an account, from its levels and what has fired.

What a level does is in `crossing`; here its lines only become floats.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.core.amounts import Number, exactly
from monitor.core.rules.crossing import rearm_line
from monitor.core.rules.memory import RuleMemory
from monitor.core.rules.parameters import Rule, RuleParameters
from monitor.core.rules.screen_columns import AccountLines, Lines
from monitor.core.rules.screen_rows import AccountRows


@exactly
def lines_of(parameters: RuleParameters, memory: RuleMemory, rows: AccountRows, ks: Sequence[float]) -> AccountLines:
    """Return the lines of an account; `ks` are the liquidation lines of its scopes."""
    base = memory.high if parameters.reference_equity is None else parameters.reference_equity
    watches_fall = bool(parameters.drawdown)
    return AccountLines(
        base=float("nan") if base is None or not watches_fall else float(base),
        tracks=watches_fall and parameters.reference_equity is None,
        drawdown=_lines(Rule.DRAWDOWN_STOP, "", parameters.drawdown, memory),
        scopes=[_lines(Rule.ACCOUNT_LIMIT, scope, parameters.account, memory) for scope in rows.scopes],
        sectors=[
            _lines(Rule.CONCENTRATION_LIMIT, sector, parameters.of_sector(sector), memory) for sector in rows.sectors
        ],
        funding=[
            (k, not memory.levels_of((Rule.FUNDING_LIMIT, scope))) if parameters.funding else (float("nan"), True)
            for scope, k in zip(rows.scopes, ks, strict=True)
        ],
    )


def _lines(rule: Rule, target: str, levels: Sequence[Number], memory: RuleMemory) -> Lines:
    """Return the lowest armed level and the highest line of a disarmed one, of a rule whose values are to stay low."""
    disarmed = memory.levels_of((rule, target))
    armed = [float(level) for level in levels if level not in disarmed]
    back = [float(rearm_line(rule, level)) for level in levels if level in disarmed]
    return Lines(min(armed, default=float("inf")), max(back, default=float("-inf")))
