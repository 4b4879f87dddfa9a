"""Nothing is lost and nothing is done twice, whatever is killed or taken away: real processes, real kills.

The short set: each kind of fault that ends a run, or that a run lives through, at moments drawn by a seed.
``make faults N=100`` is the long one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.__main__ import say
from tests.faults.campaign import Campaign, Round
from tests.faults.faults import Card, Kind, time_faults
from tests.faults.shop import Scale, open_shop

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SEED = 3
SHORT_SET: tuple[Card, ...] = (
    (Kind.ACTOR, "Transcribe"),
    (Kind.DATABASE_KILLED, ""),
    (Kind.ACTOR, "Prepare"),
    (Kind.EVERYTHING, ""),
    (Kind.SERVER_GONE, ""),
    (Kind.ACTOR, "Claim"),
    (Kind.RAYLET, ""),
    (Kind.OUT_OF_MEMORY, ""),
    (Kind.ACTOR, "Store"),
    (Kind.SIGTERM, ""),
)


@dataclass(frozen=True)
class Played:
    """What the campaign came to."""

    rounds: list[Round]
    logs: Path


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """The campaign, once for all tests."""
    kept: list[Path] = []
    with open_shop(Scale(long_s=300), kept) as shop:
        logs = shop.home.parent / "logs"
        campaign = Campaign(shop, SEED, say, logs)
        rounds = campaign.play(time_faults(random.Random(SEED), SHORT_SET), campaign.undisturbed())
        if any(each.differences for each in rounds):
            kept.append(logs)
        yield Played(rounds, logs)


def test_every_fault_struck(played: Played) -> None:
    """None was left out because a run had ended before it."""
    struck = [(fault.kind, fault.stage) for each in played.rounds for fault in each.struck]
    assert sorted(struck) == sorted(SHORT_SET)


def test_the_corpus_is_that_of_an_undisturbed_run(played: Played) -> None:
    """The same sources, segments and vectors; nothing missing, nothing twice."""
    assert [wrong for each in played.rounds for wrong in each.wrong_corpus] == []


def test_every_run_ended_and_with_the_right_exit_code(played: Played) -> None:
    """130 after SIGTERM, 1 where the engine died, 0 where the run could go on."""
    assert [wrong for each in played.rounds for wrong in each.wrong_ends] == []


def test_the_ledger_is_closed_and_no_slice_was_transcribed_without_need(played: Played) -> None:
    """Everything stored, nothing in hand, no connection open; work done twice is what was in hand at a fault."""
    assert [wrong for each in played.rounds for wrong in each.wrong_ledger] == []


def test_nothing_is_left_behind(played: Played) -> None:
    """No process of Ray's, no folder of a transfer."""
    assert [wrong for each in played.rounds for wrong in each.left_over] == []
