"""Venues: one room for each wire format, pure: frames and documents of a venue in, the monitor's own words out.

Nothing else in the program knows a venue by its name.
"""

from monitor.adapters.venues.binance_quotes import read_quote
from monitor.adapters.venues.known import VENUES

__all__ = ["VENUES", "read_quote"]
