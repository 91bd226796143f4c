"""Tests of the simulation: hundreds of seeds, and that a seed is the same story wherever it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import seeds_of
from tests.simulation.mutants import (
    MUTANTS,
    Mutant,
    broken_by,
    catching_up_is_left_out,
    doubtful_terms_count,
    ends_are_not_told,
    everybody_dead_letters,
    late_prices_count,
    memory_is_not_read,
    memory_is_not_written,
    missed_prices_are_judged_backwards,
    nobody_is_fenced,
    nobody_is_suspect,
    noticed_at,
    parts_use_their_message_up,
    positions_are_old,
)
from tests.simulation.seeds import live

SEEDS = int(os.environ.get("LIQMON_SIMULATION_SEEDS", "300"))
TOGETHER = 10
MUTANT_SEEDS = 30
SHORT: tuple[Mutant, ...] = (
    nobody_is_fenced,
    parts_use_their_message_up,
    everybody_dead_letters,
    catching_up_is_left_out,
    missed_prices_are_judged_backwards,
    positions_are_old,
    memory_is_not_read,
    memory_is_not_written,
    late_prices_count,
    nobody_is_suspect,
    doubtful_terms_count,
    ends_are_not_told,
)
"""The mutants that need few seeds; `python -m tests.simulation --mutants` tries all of them."""


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_no_seed_breaks_a_rule(first: int) -> None:
    """Whatever a seed brings upon messages, instances, clocks and the log, the judge has no complaint."""
    verdicts = [live(seed) for seed in range(first, first + TOGETHER)]
    for verdict in verdicts:
        story = "\n".join([f"seed {verdict.seed}", *verdict.lines, *verdict.complaints])
        assert not verdict.complaints, f"{story}\npython -m tests.simulation --seeds {verdict.seed}..{verdict.seed}"


@pytest.mark.parametrize("seed", [11, 30])
def test_a_seed_tells_the_same_story_in_every_process(seed: int) -> None:
    """The story and all that was ever committed are the same to the byte, however a process hashes."""
    program = f"from tests.simulation.seeds import live; print(live({seed}).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
            timeout=240,
        ).stdout
        for hash_seed in ("1", "4711")
    }
    assert digests == {live(seed).digest + "\n"}


def test_seeds_are_named_by_number_or_by_their_ends() -> None:
    """`N` are the first N seeds, `A..B` those from A to B with both ends."""
    assert seeds_of("3") == range(3)
    assert seeds_of("7..9") == range(7, 10)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_every_mutant_finds_what_it_breaks(mutant: Mutant) -> None:
    """The verbs the mutants patch are where they are looked for, those the suite does not try included."""
    with broken_by(mutant):
        pass


@pytest.mark.parametrize("mutant", SHORT, ids=lambda mutant: mutant.__name__)
def test_the_judge_notices_a_broken_application(mutant: Mutant) -> None:
    """Whichever of these rules the application breaks, a few seeds are enough to see it."""
    seed, _ = noticed_at(mutant, range(MUTANT_SEEDS))
    assert seed is not None, f"{mutant.__name__} was not noticed: {mutant.__doc__}"
