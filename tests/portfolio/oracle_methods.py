"""The four portfolio methods, read aloud from the contract in fractions: a book and a parameter table in, figures out.

Parameters are the JSON tables of a document. Where deltas and requirements come from is in `oracle`; nothing here is
shared with the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tests.portfolio.oracle_groups import (
    ZERO,
    Answer,
    Book,
    Group,
    Table,
    clipped,
    groups_of,
    number,
    power,
    shares,
    ungrouped,
)

F = Fraction


def percent(fraction: str) -> str:
    """Return a fraction as per cents in plain text."""
    text = f"{Decimal(fraction) * 100:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def greatest(listed: Sequence[tuple[str, Fraction, Fraction]]) -> str:
    """Return the name of the scenario with the greatest loss, the first of equals."""
    return max(listed, key=lambda one: one[1])[0]


def scenario_moves(table: Table) -> list[tuple[str, dict[str, Fraction], Fraction]]:
    """Return name, move of every group, and weight of the scenarios, in the order that breaks ties."""
    moves = {name: number(group, "move", "0.16") for name, group in table["groups"].items()}
    found = []
    for step in table.get("steps", ["0.25", "0.5", "0.75", "1"]):
        for word, sign in (("up", 1), ("down", -1)):
            moved = {name: sign * F(step) * move for name, move in moves.items()}
            found.append((f"directional_{word}_{percent(step)}", moved, F(1)))
    against = number(table, "correlation_break", "0.5")
    if len(moves) > 1:
        for one in moves:
            for word, sign in (("up", 1), ("down", -1)):
                moved = {name: sign * (move if name == one else -against * move) for name, move in moves.items()}
                found.append((f"correlation_{word}_{one}", moved, F(1)))
    spike = table.get("volatility_spike", {})
    for word, sign in (("up", 1), ("down", -1)):
        moved = {name: sign * number(spike, "multiple", "2") * move for name, move in moves.items()}
        found.append((f"volatility_{word}", moved, number(spike, "weight", "0.5")))
    return found


def scenario(table: Table, book: Book) -> Answer:
    """Return the figures of method `scenario`: max(worst + liquidity + basis, minimum)·(1 + buffer)."""
    groups = groups_of(table["groups"], book)
    euler, worst, listed = shares(groups, book), ZERO, []
    for name, moves, weight in scenario_moves(table):
        loss = -sum((group.delta * clipped(moves[group.name]) for group in groups), ZERO) * weight
        listed.append((name, loss, weight))
        if loss > worst:
            worst = loss
            for group in groups:
                parts = {key: -part * clipped(moves[group.name]) * weight for key, part in group.parts.items()}
                euler.update(parts)
    terms = table.get("liquidity", {})
    liquidity, rounded = ZERO, False
    for group in groups:
        factor = F(1)
        if "daily_volume" in group.table and group.gross:
            quotient = group.gross / F(group.table["daily_volume"])
            factor, inexact = power(quotient, number(terms, "exponent", "0.5"))
            rounded |= inexact
        liquidity += number(terms, "rate", "0.01") * group.gross * factor
    basis = number(table, "basis_rate", "0.002") * sum((group.hedged for group in groups), ZERO)
    minimum = number(table, "minimum_rate", "0.005") * sum((group.gross for group in groups), ZERO)
    charge = max(worst + liquidity + basis, minimum)
    buffer, outside = charge * number(table, "buffer", "0.1"), ungrouped(groups, book)
    needed = charge + buffer + outside
    components = {"worst_loss": worst, "liquidity": liquidity, "basis": basis, "minimum": minimum, "buffer": buffer}
    return Answer(
        needed, needed * number(table, "initial_factor", "1.25"), listed, greatest(listed),
        components | {"ungrouped": outside}, euler, rounded=rounded,
    )  # fmt: skip


def span_array(table: Table, group: Group) -> list[tuple[str, Fraction, Fraction]]:
    """Return name, move and cover of the 16 scenarios of a group; volatility does nothing to a perpetual."""
    scan, multiple = number(group.table, "price_scan", "0.16"), number(table, "extreme_multiple", "3")
    cover = number(table, "extreme_cover", "0.33")
    prices = {"unchanged": 0, "up_1/3": 1, "down_1/3": -1, "up_2/3": 2, "down_2/3": -2, "up_3/3": 3, "down_3/3": -3}
    array = [
        (f"price_{price}_volatility_{volatility}_{group.name}", scan * F(third, 3), F(1))
        for price, third in prices.items()
        for volatility in ("up", "down")
    ]
    return [
        *array, (f"extreme_up_{group.name}", scan * multiple, cover),
        (f"extreme_down_{group.name}", -scan * multiple, cover),
    ]  # fmt: skip


def span(table: Table, book: Book) -> Answer:
    """Return the figures of method `span`: Σ max(scan + basis − credit, minimum)."""
    groups = groups_of(table["groups"], book)
    euler, scans, listed = shares(groups, book), {}, []
    for group in groups:
        scans[group.name] = ZERO
        for name, move, cover in span_array(table, group):
            loss = -group.delta * clipped(move) * cover
            listed.append((name, loss, cover))
            if loss > scans[group.name]:
                scans[group.name] = loss
                euler.update({key: -part * clipped(move) * cover for key, part in group.parts.items()})
    left, whole = ({group.name: group.delta for group in groups} for _ in range(2))
    credited = dict.fromkeys(whole, ZERO)
    for credit in table.get("credits", ()):
        legs, ratio = credit["legs"], [F(each) for each in credit.get("ratio", ["1", "1"])]
        if left[legs[0]] * left[legs[1]] >= 0:
            continue
        units = min(abs(left[leg]) / each for leg, each in zip(legs, ratio, strict=True))
        for leg, each in zip(legs, ratio, strict=True):
            used = units * each
            credited[leg] += used * scans[leg] / abs(whole[leg]) * number(credit, "credit", "0.6")
            left[leg] -= used if left[leg] > 0 else -used
    basis_rate, minimum_rate = number(table, "basis_rate", "0.002"), number(table, "minimum_rate", "0.005")
    basis = {group.name: basis_rate * group.hedged for group in groups}
    minimum = {group.name: minimum_rate * group.gross for group in groups}
    charged = [max(scans[name] + basis[name] - credited[name], minimum[name]) for name in scans]
    outside = ungrouped(groups, book)
    needed = sum(charged, outside)
    components = {
        "worst_loss": sum(scans.values(), ZERO), "basis": sum(basis.values(), ZERO),
        "credit": sum(credited.values(), ZERO), "minimum": sum(minimum.values(), ZERO), "ungrouped": outside,
    }  # fmt: skip
    return Answer(needed, needed * number(table, "initial_factor", "1"), listed, greatest(listed), components, euler)


def bundled(tables: Table, part_word: str, names: Sequence[str]) -> dict[str, tuple[list[str], Fraction]]:
    """Return parts and offset of every bundle; what is named in none stands alone under its name, with offset 0."""
    found = {name: (list(table[part_word]), F(table["offset"])) for name, table in tables.items()}
    named = {part for parts, _ in found.values() for part in parts}
    return found | {name: ([name], ZERO) for name in names if name not in named}


def tims(table: Table, book: Book) -> Answer:
    """Return the figures of method `tims`: Σ over portfolio groups of max(−min P&L + basis, minimum)."""
    groups = {group.name: group for group in groups_of(table["classes"], book)}
    points = {}
    for name, group in groups.items():
        down, up = number(group.table, "down", "-0.15"), number(group.table, "up", "0.15")
        points[name] = [end * F(step, 5) for end in (down, up) for step in (1, 2, 3, 4, 5)]
    products = bundled(table.get("product_groups", {}), "classes", list(groups))
    basis_rate, minimum_rate = number(table, "basis_rate", "0"), number(table, "minimum_rate", "0.005")
    euler, outside = shares(groups.values(), book), ungrouped(list(groups.values()), book)
    sums = {"worst_loss": ZERO, "basis": ZERO, "minimum": ZERO, "ungrouped": outside}
    needed, listed = outside, []
    for portfolio, (members, outer) in bundled(
        table.get("portfolio_groups", {}), "product_groups", list(products)
    ).items():
        classes = [groups[name] for member in members for name in products[member][0]]
        results = []
        for rank in range(10):
            total, counted = ZERO, {}
            for member in members:
                gains = {name: groups[name].delta * clipped(points[name][rank]) for name in products[member][0]}
                weights = {name: F(1) if gain < 0 else products[member][1] for name, gain in gains.items()}
                product = sum((gain * weights[name] for name, gain in gains.items()), ZERO)
                weight = F(1) if product < 0 else outer
                total += product * weight
                counted |= {name: weights[name] * weight for name in gains}
            results.append((total, counted, rank))
            listed.append((f"{'down' if rank < 5 else 'up'}_{rank % 5 + 1}_{portfolio}", -total, F(1)))
        worst, counted, rank = min(results, key=lambda result: result[0])
        if worst < 0:
            for group in classes:
                move = clipped(points[group.name][rank]) * counted[group.name]
                euler.update({key: -part * move for key, part in group.parts.items()})
        basis = basis_rate * sum((group.hedged for group in classes), ZERO)
        minimum = minimum_rate * sum((group.gross for group in classes), ZERO)
        needed += max(-worst + basis, minimum, ZERO)
        sums["worst_loss"] += max(-worst, ZERO)
        sums["basis"] += basis
        sums["minimum"] += minimum
    return Answer(needed, needed * number(table, "initial_factor", "1"), listed, greatest(listed), sums, euler)


def hyperliquid(table: Table, book: Book) -> Answer:
    """Return the figures of method `hyperliquid`: of the borrowable token whose requirement ÷ value is the worst.

    One exception of the product's own is in the README: who has no position and none of the tokens is asked nothing.
    """
    tokens: Table = table["tokens"]
    crossed = sum(book.requirements.values(), ZERO)
    if not book.requirements and not any(book.held.get(name) for name in tokens):
        return Answer(ZERO, ZERO, [], None, {"worst_loss": ZERO, "ungrouped": ZERO}, {}, equity=ZERO)
    found = []
    for name, terms in tokens.items():
        if not terms.get("borrowable", False):
            continue
        held, price = book.held.get(name, ZERO), book.prices.get(name, ZERO)
        collateral = ZERO
        for other, of_other in tokens.items():
            if other == name or of_other.get("ltv") is None:
                continue
            amount = max(ZERO, book.held.get(other, ZERO))
            if of_other.get("supply_cap") is not None:
                amount = min(amount, F(of_other["supply_cap"]))
            collateral += amount * book.prices.get(other, ZERO) * (F(1, 2) + F(of_other["ltv"]) / 2)
        if terms.get("borrow_cap") is not None:
            collateral = min(collateral, F(terms["borrow_cap"]))
        needed = number(table, "borrow_offset", "20") + crossed + max(ZERO, -held) * price
        found.append((name, needed, max(ZERO, held) * price + collateral))

    def badness(one: tuple[str, Fraction, Fraction]) -> tuple[bool, Fraction]:
        return (True, ZERO) if one[2] <= 0 else (False, one[1] / one[2])

    name, needed, value = max(found, key=badness)
    components = {"worst_loss": ZERO, "ungrouped": crossed}
    return Answer(needed, needed, [], f"token_{name}", components, dict.fromkeys(book.deltas, ZERO), equity=value)


METHODS = {"scenario": scenario, "span": span, "tims": tims, "hyperliquid": hyperliquid}
