"""Documents from files: read over the profile they name, or over the configuration.

What is done with a document is its command's business.
"""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.adapters.wire import BadMessage
from monitor.adapters.wire.document import Base, document_of, read_document
from monitor.cli.exits import BadInput
from monitor.config import ConfigError, Settings, load, term_defaults
from monitor.core.document import Document

STANDARD_INPUT = "standard input"


def document_from(file: str, config: str | None, settings: Settings) -> Document:
    """Return the document in a file, `-` for standard input. Raises `BadInput`.

    What the document does not say is taken from its own profile, else from the configuration.
    """
    if file == "-" and config == "-":
        raise BadInput("FILE and --config cannot both be standard input")
    name = STANDARD_INPUT if file == "-" else file
    try:
        body = read_document(_bytes_of(file, name))
        below = _profile(name, body.profile) if isinstance(body.profile, str) else settings
        return document_of(body, settings.limits, base_of(below))
    except BadMessage as bad:
        raise BadInput(f"{name}: {bad}") from None


def _bytes_of(file: str, name: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as fault:
        raise BadInput(f"{name}: {fault.strerror}") from None


def _profile(name: str, profile: str) -> Settings:
    """Return what a shipped profile gives on its own. Raises `BadInput`."""
    try:
        return load(overrides={"venue.profile": profile}, overrides_name=name)
    except ConfigError as fault:
        reasons = "; ".join(complaint.reason for complaint in fault.complaints)
        raise BadInput(f"{name}: $.profile: {reasons}") from None


def base_of(settings: Settings) -> Base:
    """Return what stands where a document says nothing."""
    return Base(
        funding_basis=settings.funding.basis,
        ladders=settings.stated_ladder,
        usd_assets=settings.usd_assets,
        terms=term_defaults(settings),
        liquidation=settings.liquidation,
        portfolio=settings.portfolio,
        portfolio_rules=settings.portfolio_rules,
        portfolio_line_stated="ladder.portfolio.liquidation" in settings.origins,
    )
