"""Tests of the published schemas: current, valid, and as strict as the decoders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from monitor.adapters.wire.schemas import INPUTS, OUTPUTS, schemas, write
from tests.wire.samples import ACCOUNT, ASSET, DOCUMENT, FUND, INSTRUMENT, PRICE

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
SAMPLES = {
    "mark-prices": [PRICE, PRICE],
    "account-events": ACCOUNT,
    "instruments": INSTRUMENT,
    "assets": ASSET,
    "insurance-funds": FUND,
    "account-document": DOCUMENT,
}


def test_the_schemas_are_current() -> None:
    """The files under docs/schemas are what the types say now: `make schemas` writes them."""
    assert {path.name: path.read_bytes() for path in FOLDER.glob("*.json")} == schemas()


@pytest.mark.parametrize("name", [*INPUTS, *OUTPUTS])
def test_each_schema_is_valid(name: str) -> None:
    """Each file is a JSON Schema."""
    Draft202012Validator.check_schema(json.loads(schemas()[f"{name}.json"]))


@pytest.mark.parametrize("name", INPUTS)
def test_the_schemas_take_what_the_decoders_take(name: str) -> None:
    """A good message is valid; one with an unknown field is not."""
    sample = SAMPLES[name]
    one = sample[0] if isinstance(sample, list) else sample
    assert list(validator(name).iter_errors(sample)) == []
    assert not validator(name).is_valid(one | {"extra": 1})


@pytest.mark.parametrize("price", [61000.5, True, None, "1e5", "NaN", "+1", ""])
def test_the_schemas_refuse_what_is_no_amount(price: object) -> None:
    """A float, a boolean, null and text that is no plain decimal are no amounts."""
    assert not validator("mark-prices").is_valid(PRICE | {"mark_price": price})


def validator(name: str) -> Draft202012Validator:
    """Return the validator of a message."""
    return Draft202012Validator(json.loads(schemas()[f"{name}.json"]))


def test_stale_schemas_are_removed(tmp_path: Path) -> None:
    """Writing removes the file of a message that no longer exists and leaves other files alone."""
    (tmp_path / "gone.json").write_text("{}")
    (tmp_path / "README.md").write_text("kept")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*schemas(), "README.md"}
