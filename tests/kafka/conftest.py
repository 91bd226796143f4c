"""The broker of the run, for tests that are about Kafka alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.broker import shared_broker


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Any:
    """Return the running broker; a test that stops it starts it again."""
    return shared_broker(request)
