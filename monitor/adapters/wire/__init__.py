"""The wire: messages and documents as bytes become core types, strictly, and the JSON schemas that describe them.

What the messages do lives in the core; which topic they come from is the application's business.
"""

from monitor.adapters.wire.accounts import decode_account_event
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.adapters.wire.prices import PriceMessage, RejectedElement, decode_prices
from monitor.adapters.wire.terms import (
    AssetMessage,
    FundMessage,
    InstrumentMessage,
    TermDefaults,
    decode_asset,
    decode_instrument,
    decode_insurance_fund,
)

__all__ = [
    "AssetMessage",
    "BadMessage",
    "Code",
    "FundMessage",
    "InstrumentMessage",
    "PriceMessage",
    "RejectedElement",
    "TermDefaults",
    "decode_account_event",
    "decode_asset",
    "decode_instrument",
    "decode_insurance_fund",
    "decode_prices",
]
