"""Vectors against profiles: threshold, margin, and which profiles count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from voice_talks import DIM, VOICES, near, profile, unit

from actors.voices.matching import (
    NOBODY_ENROLLED,
    OTHER_MODEL,
    TOO_CLOSE,
    Match,
    comparable,
    margins,
    match,
    scores,
)

ANN, BOB = profile("ann", 0.6), profile("bob", 0.7)
BOTH = comparable([ANN, BOB], "m", DIM)


def decide(*directions: np.ndarray, margin: float = 0.05) -> list[Match]:
    return [match(row, BOTH, margin) for row in scores(np.array(directions, np.float32), BOTH)]


def test_near_and_clear_is_a_match() -> None:
    """Above its own threshold, and no other about as near."""
    assert decide(near("ann", 0.61), near("ann", 0.59), near("bob", 0.69), VOICES["cyd"]) == [
        Match(0), Match(None), Match(None), Match(None),
    ]  # fmt: skip


def test_between_two_profiles_is_neither() -> None:
    """Within the margin, or the nearer one not near enough by its own threshold: a doubt with its reason."""
    between = unit(VOICES["ann"] + VOICES["bob"])
    nearer_bob = unit(0.65 * VOICES["ann"] + 0.69 * VOICES["bob"] + 0.31 * VOICES["cyd"])
    assert decide(between, nearer_bob) == [Match(None, TOO_CLOSE)] * 2


@pytest.mark.parametrize(
    ("profiles", "reason"),
    [
        ([], NOBODY_ENROLLED),
        ([profile("ann", model="other")], OTHER_MODEL),
        ([profile("ann", voice=np.ones(3))], OTHER_MODEL),
        ([profile("ann", voice=np.full(DIM, np.nan))], OTHER_MODEL),
    ],
)
def test_what_cannot_be_compared_is_left_out(profiles: list, reason: str) -> None:
    """Another model, other dimensions, or numbers that are none."""
    known = comparable(profiles, "m", DIM)
    assert (known.profiles, known.reason) == ((), reason)
    assert scores(np.eye(2, DIM, dtype=np.float32), known).shape == (2, 0)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(-1, 1, width=32))
)
def test_a_margin_is_the_distance_to_the_best_other(of_profiles: np.ndarray) -> None:
    """As by definition, tried out one by one; without another it has no bound."""
    found = margins(of_profiles)
    for row, result in zip(of_profiles, found, strict=True):
        for index in range(len(row)):
            others = np.delete(row, index)
            assert result[index] == (row[index] - others.max() if len(others) else np.inf)
