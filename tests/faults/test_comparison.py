"""The comparison sees what it is there to see."""

from dataclasses import replace

import numpy as np
import pytest

from tests.faults.corpus_state import CorpusState, LedgerState, differences, ledger_faults
from tests.faults.faults import DECK, EXIT_CODES, deal

VECTOR = np.array([0.6, 0.8], dtype=np.float32)
CORPUS = CorpusState(
    {"a": {"source_id": "a", "title": "A"}},
    {("a", 0): {"text": "one", "start_s": 0.0}},
    {("a", 0): VECTOR},
    1,
)
LEDGER = LedgerState({"stored": 3}, 0, 0, 0, n_begun=9, n_begun_slices=8, n_slices=8)


def test_equal_corpora_do_not_differ() -> None:
    """A vector may differ by what shares its batch."""
    near = np.array([0.601, 0.799], dtype=np.float32)
    assert differences(CORPUS, replace(CORPUS, vectors={("a", 0): near / np.linalg.norm(near)})) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(CORPUS, sources={}), "source a is missing"),
        (replace(CORPUS, segments={**CORPUS.segments, ("a", 1): {}}), "segment ('a', 1) is too much"),
        (replace(CORPUS, segments={("a", 0): {"text": "two", "start_s": 0.0}}), "should be 'one'"),
        (replace(CORPUS, vectors={}, n_vectors=0), "has no vector"),
        (replace(CORPUS, n_vectors=2), "2 vectors for 1 segments"),
        (replace(CORPUS, vectors={("a", 0): -VECTOR}), "is another"),
    ],
)
def test_each_difference_is_named(found: CorpusState, words: str) -> None:
    """Missing, too much, changed, without a vector, with two, with another."""
    assert any(words in line for line in differences(CORPUS, found))


def test_a_closed_ledger_has_no_faults() -> None:
    """One slice was in hand and was transcribed again."""
    assert ledger_faults(LEDGER, n_videos=3, n_allowed_twice=1) == []


@pytest.mark.parametrize(
    "change",
    [
        {"by_status": {"stored": 2, "running": 1}}, {"n_in_hand": 1}, {"n_unfinished_runs": 1}, {"n_connections": 1},
        {"n_slices": 7}, {"n_begun": 10},
    ],
)  # fmt: skip
def test_each_fault_of_a_ledger_is_named(change: dict[str, object]) -> None:
    """Videos, work, runs or connections left open, a slice missing, work done twice without need."""
    assert len(ledger_faults(replace(LEDGER, **change), n_videos=3, n_allowed_twice=1)) == 1


def test_the_same_seed_deals_the_same_faults() -> None:
    """And the whole deck comes before anything comes twice."""
    dealt = deal(7, 2 * len(DECK))
    assert dealt == deal(7, 2 * len(DECK)) != deal(8, 2 * len(DECK))
    assert {(fault.kind, fault.stage) for fault in dealt[: len(DECK)]} == set(DECK)
    assert all(fault.ends_run for fault in dealt if fault.starting)
    assert {kind for kind, _ in DECK} > set(EXIT_CODES)
