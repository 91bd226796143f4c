"""Random books: every figure that `liqmon evaluate` reports of a portfolio is the oracle's.

`LIQMON_PORTFOLIO_BOOKS=100000 LIQMON_PORTFOLIO_SEED=7 pytest tests/portfolio/test_agreement.py`: a long campaign.
"""

from __future__ import annotations

import os

import pytest

from tests.portfolio.books import METHODS, document
from tests.portfolio.comparing import compare
from tests.portfolio.evaluating import reports
from tests.portfolio.oracle import Accounts

BOOKS = int(os.environ.get("LIQMON_PORTFOLIO_BOOKS", "100"))
SEED = int(os.environ.get("LIQMON_PORTFOLIO_SEED", "0"))


@pytest.mark.parametrize("method", METHODS)
def test_every_figure_is_the_oracles(method: str) -> None:
    """Requirement, equity, scenarios, components, contributions, statuses: all as an independent reading has them."""
    for seed in range(SEED, SEED + BOOKS // len(METHODS)):
        stated = document(seed, method)
        right = Accounts(stated).scopes()
        found = {key: body for key, body in reports(stated).items() if key in right}
        assert found.keys() == right.keys(), seed
        for key, figures in right.items():
            compare((seed, method, *key), found[key], figures)
