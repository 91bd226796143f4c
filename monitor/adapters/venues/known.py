"""The venues that are known, by the name in the command."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.adapters.venues.binance import BinanceDialect
from monitor.adapters.venues.binance_accounts import BinanceAccounts
from monitor.adapters.venues.binance_terms import BinanceTerms
from monitor.adapters.venues.hyperliquid import HyperliquidDialect, HyperliquidTerms
from monitor.adapters.venues.hyperliquid_accounts import HyperliquidAccounts
from monitor.app.venue_feed.ports import Venue

_WALLETS_OF_ASTER = {
    "/fapi/v1/leverageBracket": "/fapi/v3/leverageBracket",
    "/fapi/v4/account": "/fapi/v3/accountWithJoinMargin",
    "/fapi/v2/positionRisk": "/fapi/v3/positionRisk",
    "/fapi/v1/positionSide/dual": "/fapi/v3/positionSide/dual",
    "/fapi/v1/multiAssetsMargin": "/fapi/v3/multiAssetsMargin",
    "/fapi/v1/listenKey": "/fapi/v3/listenKey",
}
"""Where its V3 interface has what V1 has: keys that are made today are wallets."""
_ASTER = Venue(
    BinanceDialect("aster", "wss://fstream.asterdex.com", streams_per_connection=200),
    "https://fapi.asterdex.com",
    BinanceTerms("/fapi/v1/exchangeInfo", "/fapi/v1/leverageBracket", unit="USDT", wallets=_WALLETS_OF_ASTER),
    BinanceAccounts("/fapi", "/fapi/v4/account", "/fapi/v2/positionRisk", wallets=_WALLETS_OF_ASTER),
)
_BINANCE_USDM = Venue(
    BinanceDialect("binance-usdm", "wss://fstream.binance.com", streams_per_connection=1024, has_indexes=True),
    "https://fapi.binance.com",
    BinanceTerms("/fapi/v1/exchangeInfo", "/fapi/v1/leverageBracket", index_path="/fapi/v1/assetIndex"),
    BinanceAccounts("/fapi", "/fapi/v2/account", "/fapi/v2/positionRisk"),
)
_BINANCE_COINM = Venue(
    BinanceDialect("binance-coinm", "wss://dstream.binance.com", streams_per_connection=200, has_all_marks=False),
    "https://dapi.binance.com",
    BinanceTerms("/dapi/v1/exchangeInfo", "/dapi/v2/leverageBracket", is_inverse=True),
    BinanceAccounts("/dapi", "/dapi/v1/account", "/dapi/v1/positionRisk", has_modes=False),
)
_HYPERLIQUID = Venue(HyperliquidDialect(), "https://api.hyperliquid.xyz", HyperliquidTerms(), HyperliquidAccounts())

VENUES: Mapping[str, Venue] = {
    venue.streams.venue: venue for venue in (_ASTER, _BINANCE_USDM, _BINANCE_COINM, _HYPERLIQUID)
}
