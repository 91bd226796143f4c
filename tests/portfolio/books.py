"""Random account documents with portfolio accounts: markets, parameters of the four methods, and books of every shape.

One seed makes one document; what is right for it is the oracle's business.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

D = Decimal
METHODS = ("scenario", "span", "tims", "hyperliquid")
CONTRACTS = {
    "BTCUSDT": ("linear", "USDT", "BTC", "1"),
    "BTCUSDC": ("linear", "USDC", "BTC", "0.001"),
    "BTCUSD": ("inverse", "BTC", "BTC", "100"),
    "ETHUSDT": ("linear", "USDT", "ETH", "0.1"),
    "ETHUSDC": ("linear", "USDC", "ETH", "1"),
    "ETHUSD": ("inverse", "ETH", "ETH", "10"),
    "SOLUSDT": ("linear", "USDT", "SOL", "1"),
    "DOGEUSDC": ("linear", "USDC", "DOGE", "100"),
    "XRPBTC": ("linear", "BTC", "XRP", "1"),
}
"""Contract, settle asset, base asset, size."""
PRICES = {"BTC": 60_000, "ETH": 3_000, "SOL": 150, "DOGE": 1, "XRP": 2}
ASSETS = ("USDT", "USDC", "BTC", "ETH", "SOL", "BNB")


def text(amount: Decimal) -> str:
    """Return an amount as plain text."""
    plain = f"{amount:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def of(random: Random, *choices: str) -> str:
    """Pick one."""
    return random.choice(choices)


def document(seed: int, method: str | None = None) -> dict[str, Any]:
    """Return the document of a seed."""
    random = Random(seed)
    method = method or random.choice(METHODS)
    marks = {base: D(price) * random.randrange(60, 160) / 100 for base, price in PRICES.items()}
    instruments = {name: instrument(random, name, marks) for name in CONTRACTS}
    ladder: dict[str, Any] = {}
    if random.random() < 0.3:
        ladder = {"inclusive": random.random() < 0.5, "portfolio": {"liquidation": "1.05"}}
    return {
        "instruments": instruments,
        "assets": assets(random, marks),
        "prices": prices(random, marks),
        "ladder": ladder,
        "portfolio": parameters(random, method),
        "accounts": [account(random, number, marks) for number in range(random.choice((1, 2, 3)))],
    }


# --------------------------------------------------------------------------------------------------------- the market
def instrument(random: Random, name: str, marks: dict[str, Decimal]) -> dict[str, Any]:
    """Return the terms of a contract with one to three brackets."""
    contract, settle, base, size = CONTRACTS[name]
    unit = D(10) if contract == "inverse" or settle == "BTC" else D(100_000)
    floor, rate, rows = D(0), D(random.randrange(2, 30)) / 1000, []
    for _ in range(random.choice((1, 2, 3))):
        row = {"floor": text(floor), "rate": text(rate)}
        if random.random() < 0.7:
            row["max_leverage"] = of(random, "125", "50", "20", "7")
        if floor and random.random() < 0.2:
            row["deduction"] = text(floor * rate / 3)
        rows.append(row)
        floor += unit * random.randrange(1, 20)
        rate += D(random.randrange(0, 60)) / 1000
    terms: dict[str, Any] = {
        "contract": contract, "settle_asset": settle, "base_asset": base, "contract_size": size, "brackets": rows,
    }  # fmt: skip
    if random.random() < 0.3:
        terms["closing_fee_rate"] = "0.0007"
    if random.random() < 0.25:
        terms["maintenance_basis"] = "entry"
    return terms


def assets(random: Random, marks: dict[str, Decimal]) -> dict[str, Any]:
    """Return collateral of all kinds of haircut; now and then something is missing."""
    found: dict[str, Any] = {}
    for name in ASSETS:
        price = marks.get(name, D(1) if name != "BNB" else D(600)) * D(of(random, "1", "1", "0.999", "1.003"))
        terms: dict[str, Any] = {"index_price": text(price)}
        haircut = random.random()
        if haircut < 0.3:
            terms |= {"bid_buffer": of(random, "0.01", "0.05"), "ask_buffer": of(random, "0.005", "0.04")}
        elif haircut < 0.6:
            terms |= {"collateral_ratio": of(random, "0.9999", "0.95", "0.7", "0")}
        if random.random() < 0.08:
            terms["margin_available"] = False
        if name in ("BTC", "ETH", "SOL") and random.random() < 0.3:
            terms["index_symbol"] = f"{name}USDT"
        if random.random() < 0.98:
            found[name] = terms
    return found


def prices(random: Random, marks: dict[str, Decimal]) -> dict[str, Any]:
    """Return the marks; contracts of one coin differ a little."""
    found: dict[str, Any] = {}
    for name, (_, settle, base, _) in CONTRACTS.items():
        mark = marks[base] * D(of(random, "1", "1", "1.001", "0.9985"))
        mark = (mark / marks["BTC"]).quantize(D("0.00000001")) if settle == "BTC" and base != "BTC" else mark
        found[name] = {"mark_price": text(mark)}
        if random.random() < 0.6:
            found[name]["index_price"] = text(mark * D("0.9995"))
        if random.random() < 0.01:
            del found[name]
    return found


# ----------------------------------------------------------------------------------------------------- the parameters
def parameters(random: Random, method: str) -> dict[str, Any]:
    """Return the parameters of a method: flat, as a table, or among the tables of other methods."""
    table = {"scenario": scenario, "span": span, "tims": tims, "hyperliquid": hyperliquid}
    mine, form = table[method](random), random.random()
    if form < 0.4:
        return {"method": method, **mine}
    if form < 0.6:
        return {"method": method, method: mine}
    return {"method": method, **{name: make(random) for name, make in table.items() if name != method}, method: mine}


def groups(random: Random) -> dict[str, dict[str, Any]]:
    """Return groups over some of the contracts; some stand in none, some groups are of mixed bases."""
    bases = random.sample(["BTC", "ETH", "SOL", "DOGE", "XRP"], random.choice((1, 2, 2, 3, 4)))
    found: dict[str, dict[str, Any]] = {}
    for base in bases:
        members = [name for name, terms in CONTRACTS.items() if terms[2] == base and random.random() < 0.9]
        if members:
            found[base] = {"members": members}
            if base in ASSETS and random.random() < 0.5:
                found[base]["assets"] = [base]
    if random.random() < 0.15 and "BTC" in found:
        found["BTC"].setdefault("assets", []).append("BNB")
    left = [name for name, terms in CONTRACTS.items() if terms[2] not in found]
    if len(left) > 1 and random.random() < 0.3:
        found["REST"] = {"members": random.sample(left, 2), "allow_mixed": True}
    return found or {"BTC": {"members": ["BTCUSDT", "BTCUSD"]}}


def some(random: Random, table: dict[str, Any]) -> dict[str, Any]:
    """Leave parameters out now and then: their defaults count."""
    return {name: value for name, value in table.items() if random.random() < 0.7}


def scenario(random: Random) -> dict[str, Any]:
    """Return parameters of `scenario`, moves that clip at −100 % among them."""
    table = groups(random)
    for group in table.values():
        if random.random() < 0.8:
            group["move"] = of(random, "0.16", "0.1", "0.25", "0.6", "0.9")
        if random.random() < 0.6:
            group["daily_volume"] = of(random, "1000000", "250000000", "10000", "640000")
    more = {
        "steps": random.choice((["1"], ["0.5", "1"], ["0.125", "0.25", "0.75", "1"])),
        "correlation_break": of(random, "0.5", "0", "1", "0.37"),
        "volatility_spike": some(random, {"multiple": of(random, "2", "1.5", "3"), "weight": of(random, "0.5", "1")}),
        "liquidity": some(random, {"rate": of(random, "0.01", "0.003", "0"), "exponent": of(random, "0.5", "1", "2")}),
        "basis_rate": of(random, "0.002", "0", "0.03"),
        "minimum_rate": of(random, "0.005", "0", "0.08"),
        "buffer": of(random, "0.1", "0", "0.35"),
        "initial_factor": of(random, "1.25", "1", "2"),
    }
    return {"groups": table, **some(random, more)}


def span(random: Random) -> dict[str, Any]:
    """Return parameters of `span` with chains of credits over the same groups."""
    table = groups(random)
    for group in table.values():
        if random.random() < 0.8:
            group["price_scan"] = of(random, "0.16", "0.08", "0.35", "0.5")
    pairs = [(one, other) for one in table for other in table if one < other]
    chain = [
        {
            "legs": list(pair),
            "credit": of(random, "0.6", "0.3", "1"),
            **({"ratio": [of(random, "1", "2"), of(random, "1", "3")]} if random.random() < 0.6 else {}),
        }
        for pair in random.sample(pairs, min(len(pairs), random.choice((0, 1, 2, 3))))
    ]
    more = {
        "extreme_multiple": of(random, "3", "2", "4"),
        "extreme_cover": of(random, "0.33", "0.35", "0.9"),
        "basis_rate": of(random, "0.002", "0", "0.02"),
        "minimum_rate": of(random, "0.005", "0", "0.05"),
        "credits": chain,
        "initial_factor": of(random, "1", "1.3"),
    }
    return {"groups": table, **some(random, more)}


def tims(random: Random) -> dict[str, Any]:
    """Return parameters of `tims`: classes in bundles of bundles, or alone."""
    table = groups(random)
    for group in table.values():
        if random.random() < 0.8:
            group |= {"down": of(random, "-0.15", "-0.08", "-1"), "up": of(random, "0.15", "0.06", "0.5")}
    names, products = list(table), {}
    for name in ("major", "minor"):
        chosen = [names.pop() for _ in range(min(len(names), random.choice((0, 1, 2, 3))))]
        if chosen:
            products[name] = {"classes": chosen, "offset": of(random, "0.5", "0.9", "0", "1")}
    more: dict[str, Any] = {"product_groups": products} if products else {}
    if products and random.random() < 0.6:
        bundle = {"product_groups": list(products), "offset": of(random, "0", "0.3", "1")}
        more["portfolio_groups"] = {"crypto": bundle}
    rates = {
        "basis_rate": of(random, "0", "0.01"),
        "minimum_rate": of(random, "0.005", "0", "0.05"),
        "initial_factor": of(random, "1", "1.1"),
    }
    return {"classes": table, **more, **some(random, rates)}


def hyperliquid(random: Random) -> dict[str, Any]:
    """Return tokens with and without caps, of which some can be borrowed."""
    tokens: dict[str, Any] = {"USDC": {"borrowable": True}}
    for name in random.sample(["USDT", "BTC", "ETH", "SOL", "BNB"], random.choice((1, 2, 3, 5))):
        terms: dict[str, Any] = {}
        if random.random() < 0.8:
            terms["ltv"] = of(random, "0.5", "0.65", "0", "1")
        if random.random() < 0.3:
            terms["supply_cap"] = of(random, "0.5", "20", "10000")
        if random.random() < 0.4:
            terms["borrowable"] = True
            if random.random() < 0.5:
                terms["borrow_cap"] = of(random, "1000", "90000", "5000000")
        tokens[name] = terms
    if random.random() < 0.4:
        tokens["USDC"] |= some(random, {"ltv": "1", "borrow_cap": "75000"})
    items = list(tokens.items())
    random.shuffle(items)
    return {"tokens": dict(items), **some(random, {"borrow_offset": of(random, "20", "0", "100")})}


# ------------------------------------------------------------------------------------------------------- the accounts
def account(random: Random, number: int, marks: dict[str, Decimal]) -> dict[str, Any]:
    """Return an account: hedges, spot against shorts, debts, and isolated positions beside the scope."""
    hedge = random.random() < 0.3
    sides = ("long", "short") if hedge else ("both",)
    keys = [(symbol, side) for symbol in CONTRACTS for side in sides]
    chosen = random.sample(keys, random.choice((0, 1, 1, 2, 3, 4, 6)))
    found: dict[str, Any] = {
        "account_id": f"a{number}",
        "margin_mode": "portfolio",
        "position_mode": "hedge" if hedge else "one_way",
        "balances": balances(random, marks),
        "positions": [position(random, *key, marks) for key in chosen],
    }
    if random.random() < 0.2:
        found["open_order_initial_margin"] = {"portfolio": "250"}
    if random.random() < 0.3:
        settings = {"bracket_multiplier": {"BTCUSDT": of(random, "4", "0.5")}, "leverage": {"ETHUSDT": "20"}}
        found["settings"] = some(random, settings)
    return found


def balances(random: Random, marks: dict[str, Decimal]) -> dict[str, str]:
    """Return wallets worth some thousands each, or debts."""
    found = {}
    for name in random.sample(ASSETS, random.choice((0, 1, 2, 2, 3))):
        worth = D(of(random, "0", "500", "5000", "20000", "100000", "-3000", "-40000"))
        found[name] = text((worth / marks.get(name, D(1))).quantize(D("0.0001")))
    if random.random() < 0.01:
        found["NOBODY"] = "1"
    return found


def position(random: Random, symbol: str, side: str, marks: dict[str, Decimal]) -> dict[str, str]:
    """Return one position worth up to some hundred thousands, its entry near the mark."""
    contract, settle, base, size = CONTRACTS[symbol]
    quoted = settle == "BTC" and base != "BTC"
    price = (marks[base] / (marks["BTC"] if quoted else 1)).quantize(D("0.00000001"))
    worth = D(of(random, "1000", "7000", "30000", "100000", "400000"))
    quantity = worth / D(size) if contract == "inverse" else worth / (marks[base] * D(size))
    quantity = max(quantity.quantize(D("0.01")), D("0.01")) * random.randrange(50, 150) / 100
    if side == "short" or (side == "both" and random.random() < 0.5):
        quantity = -quantity
    entry = (price * random.randrange(80, 125) / 100).quantize(D("0.00000001"))
    found = {"symbol": symbol, "side": side, "quantity": text(quantity), "entry_price": text(entry)}
    if random.random() < 0.7:
        found["leverage"] = of(random, "5", "20", "100")
    if random.random() < 0.15:
        found |= {"margin_type": "isolated", "isolated_wallet": of(random, "0.5", "100", "3000")}
    return found
