"""Account documents: bytes become a document that can be evaluated.

What a profile is and where it lies is known to the configuration: its ladders and defaults are passed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from msgspec import UNSET, UnsetType

from monitor.adapters.wire.accounts import check_scope, named_amounts, position_changes, scope_amounts, settings_of
from monitor.adapters.wire.decoding import Reader
from monitor.adapters.wire.document_shapes import AccountBody, DocumentBody, QuoteBody
from monitor.adapters.wire.faults import BadMessage, Code, segment
from monitor.adapters.wire.ladders import ladders_of, line_of_method, states_portfolio_line
from monitor.adapters.wire.liquidation import liquidation_of
from monitor.adapters.wire.portfolio import check_contracts, portfolio_of, rules_of
from monitor.adapters.wire.portfolio_terms import under
from monitor.adapters.wire.terms import NO_DEFAULTS, TermDefaults, asset_of, instrument_of
from monitor.adapters.wire.values import amount_at, check_id, check_name, positive_at
from monitor.core.accounts import Account, AccountEvent, BadFacts, after
from monitor.core.document import Document, DocumentAccount
from monitor.core.instruments import Asset, Instrument
from monitor.core.ladder import Ladder, MarginStatus
from monitor.core.limits import Limits
from monitor.core.market import FixedMarket, FundingBasis, FundingRate
from monitor.core.plan.rule import LiquidationRule
from monitor.core.portfolio.eligibility import PortfolioRules
from monitor.core.portfolio.terms import PortfolioTerms
from monitor.core.verdict import Ladders

_documents: Reader[DocumentBody] = Reader(DocumentBody)


@dataclass(frozen=True)
class Base:
    """Hold what stands wherever a document says nothing: the part of a profile and configuration that it needs.

    `portfolio_line_stated`: the liquidation line of portfolio scopes is somebody's word, which no method changes.
    `of_evidence`: what a verdict was made from stands as it was, also a group that mixes bases.
    """

    ladders: Ladders = field(default_factory=lambda: Ladders.same(Ladder.build()))
    usd_assets: Collection[str] = ("USD",)
    terms: TermDefaults = NO_DEFAULTS
    liquidation: LiquidationRule = field(default_factory=LiquidationRule)
    portfolio: PortfolioTerms | None = None
    portfolio_rules: PortfolioRules | None = None
    portfolio_line_stated: bool = False
    of_evidence: bool = False
    funding_basis: FundingBasis = FundingBasis.MARK


def decode_document(data: bytes, limits: Limits, base: Base | None = None) -> Document:
    """Return the document that bytes state, whatever its size. Raises `BadMessage`."""
    return document_of(read_document(data), limits, base or Base())


def read_document(data: bytes) -> DocumentBody:
    """Return a document as it is stated, so that its profile can be looked up. Raises `BadMessage`."""
    return _documents.read(data)


def document_of(body: DocumentBody, limits: Limits, base: Base) -> Document:
    """Return the checked document over what stands where it says nothing. Raises `BadMessage`."""
    market = _market_of(body, limits, base)
    ladders = ladders_of(body.ladder, base.ladders, limits.max_digits)
    if market.portfolio is not None and not base.portfolio_line_stated and not states_portfolio_line(body.ladder):
        ladders = line_of_method(ladders, market.portfolio.method)
    return Document(
        market=market,
        accounts=_accounts_of(body.accounts, limits),
        ladders=ladders,
        liquidation=liquidation_of(body.liquidation, base.liquidation, limits.max_digits),
        profile=None if body.profile is UNSET else body.profile,
    )


def _market_of(body: DocumentBody, limits: Limits, base: Base) -> FixedMarket:
    marks, index_prices, funding_rates = _prices_of(body.prices, limits)
    basis = UNSET if body.funding is UNSET else body.funding.basis
    usd_assets: Collection[str] = base.usd_assets if body.usd_assets is UNSET else body.usd_assets
    for index, name in enumerate(usd_assets):
        check_name(f"usd_assets[{index}]", name, limits.max_id_bytes)
    instruments = _instruments_of(body, limits, base.terms)
    return FixedMarket(
        instruments=instruments,
        marks=marks,
        index_prices=index_prices,
        assets=_assets_of(body, limits, base.terms),
        usd_assets=frozenset(usd_assets),
        portfolio=_portfolio_of(body, instruments, limits, base),
        funding_rates=funding_rates,
        funding_basis=base.funding_basis if basis is UNSET else basis,
    )


def _portfolio_of(
    body: DocumentBody, instruments: Mapping[str, Instrument[Decimal]], limits: Limits, base: Base
) -> PortfolioTerms | None:
    """Return what portfolio accounts are margined by, resolved over the contracts of the document."""
    rules = base.portfolio_rules
    if body.portfolio_rules is not UNSET:
        with under("portfolio_rules"):
            rules = rules_of(body.portfolio_rules, limits)
    terms = base.portfolio
    if body.portfolio is not UNSET:
        with under("portfolio"):
            given = portfolio_of(body.portfolio, limits)
            if not base.of_evidence:
                check_contracts(given, instruments)
        terms = given.terms
    if terms is None:
        return None
    return (terms if rules is None else replace(terms, rules=rules)).resolved(instruments)


def _instruments_of(body: DocumentBody, limits: Limits, defaults: TermDefaults) -> dict[str, Instrument[Decimal]]:
    if body.instruments is UNSET:
        return {}
    built: dict[str, Instrument[Decimal]] = {}
    for symbol, terms in body.instruments.items():
        try:
            check_name("", symbol, limits.max_id_bytes)
            built[symbol] = instrument_of(symbol, terms, limits, defaults, published_case=True)
        except BadMessage as bad:
            raise bad.under(segment(symbol)).under("instruments") from None
    return built


def _assets_of(body: DocumentBody, limits: Limits, defaults: TermDefaults) -> dict[str, Asset[Decimal]]:
    if body.assets is UNSET:
        return {}
    built: dict[str, Asset[Decimal]] = {}
    for name, terms in body.assets.items():
        try:
            check_name("", name, limits.max_id_bytes)
            built[name] = asset_of(name, terms, limits, defaults)
        except BadMessage as bad:
            raise bad.under(segment(name)).under("assets") from None
    return built


def _prices_of(
    given: Mapping[str, QuoteBody] | UnsetType, limits: Limits
) -> tuple[dict[str, Decimal], dict[str, Decimal], dict[str, FundingRate]]:
    """Return marks, index prices and funding rates by symbol."""
    marks: dict[str, Decimal] = {}
    index_prices: dict[str, Decimal] = {}
    funding_rates: dict[str, FundingRate] = {}
    for symbol, quote in {}.items() if given is UNSET else given.items():
        try:
            check_name("", symbol, limits.max_id_bytes)
            marks[symbol] = positive_at("mark_price", quote.mark_price, limits.max_digits)
            if quote.index_price is not UNSET:
                index_prices[symbol] = positive_at("index_price", quote.index_price, limits.max_digits)
            if quote.funding_rate is not UNSET:
                due = quote.next_funding_time_ms
                rate = amount_at("funding_rate", quote.funding_rate, limits.max_digits)
                funding_rates[symbol] = FundingRate(rate, None if due is UNSET else due)
        except BadMessage as bad:
            raise bad.under(segment(symbol)).under("prices") from None
    return marks, index_prices, funding_rates


def _accounts_of(bodies: list[AccountBody], limits: Limits) -> tuple[DocumentAccount, ...]:
    built: dict[str, DocumentAccount] = {}
    for index, body in enumerate(bodies):
        try:
            account = account_of(body, limits)
            if account.account_id in built:
                raise BadMessage(Code.CONTRADICTION, "account_id", "another account has this id")
            built[account.account_id] = DocumentAccount(account, _previous(body, limits))
        except BadMessage as bad:
            raise bad.under(f"accounts[{index}]") from None
    return tuple(built.values())


def account_of(body: AccountBody, limits: Limits) -> Account:
    """Return the checked facts of one account."""
    check_id("account_id", body.account_id, limits.max_id_bytes)
    event = AccountEvent(
        account_id=body.account_id,
        version=0,
        event_time_ms=0,
        snapshot=True,
        margin_mode=None if body.margin_mode is UNSET else body.margin_mode,
        position_mode=None if body.position_mode is UNSET else body.position_mode,
        balances=named_amounts("balances", body.balances, limits),
        positions=None if body.positions is UNSET else position_changes(body.positions, limits),
        open_order_initial_margin=scope_amounts("open_order_initial_margin", body.open_order_initial_margin, limits),
        net_transfers=named_amounts("net_transfers", body.net_transfers, limits),
        settings=None if body.settings is UNSET else settings_of(body.settings, limits),
    )
    try:
        account = after(event, None, limits.max_positions)
    except BadFacts as bad:
        code = Code.MISSING_FIELD if bad.why.startswith("is required") else Code.CONTRADICTION
        raise BadMessage(code, bad.path, bad.why) from None
    return account if body.ineligible is UNSET else replace(account, ineligible=tuple(body.ineligible))


def _previous(body: AccountBody, limits: Limits) -> dict[str, MarginStatus]:
    if body.previous_status is UNSET:
        return {}
    for name in body.previous_status:
        check_scope("previous_status", name, limits)
    return {name: MarginStatus(status) for name, status in body.previous_status.items()}
