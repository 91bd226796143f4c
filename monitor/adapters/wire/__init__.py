"""The wire: messages and documents as bytes become core types, strictly, and the JSON schemas that describe them.

What the messages do lives in the core; which topic they come from is the application's business.
"""

from monitor.adapters.wire.accounts import decode_account_event
from monitor.adapters.wire.codec import WireCodec
from monitor.adapters.wire.document import Base, decode_document, document_of, read_document
from monitor.adapters.wire.faults import BadMessage, Code
from monitor.adapters.wire.prices import decode_prices
from monitor.adapters.wire.terms import (
    TermDefaults,
    decode_asset,
    decode_instrument,
    decode_insurance_fund,
)
from monitor.app.codec import AssetMessage, FundMessage, InstrumentMessage, PriceMessage, RejectedElement

__all__ = [
    "AssetMessage",
    "BadMessage",
    "Base",
    "Code",
    "FundMessage",
    "InstrumentMessage",
    "PriceMessage",
    "RejectedElement",
    "TermDefaults",
    "WireCodec",
    "decode_account_event",
    "decode_asset",
    "decode_document",
    "decode_instrument",
    "decode_insurance_fund",
    "decode_prices",
    "document_of",
    "read_document",
]
