"""The ledger's pure rules: who is asked for again, how long a failure waits, what an end writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import PermanentError, Rejected, SoftBlocked, TransientError
from actors.store.backoff import Backoff
from actors.store.endings import Ending
from actors.store.standing import Asked, Standing, State, standing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STORED = State("stored", None, False, None, "r1", False, False)


def state(status: str, **more: object) -> State:
    return replace(STORED, status=status, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "plain", "forced"),
    [
        (None, Standing.NEW, Standing.NEW),
        (state("pending"), Standing.AGAIN, Standing.AGAIN),
        (state("running"), Standing.HELD, Standing.HELD),
        (STORED, Standing.STORED, Standing.AGAIN),
        (state("stored", recipe="r0"), Standing.STORED_OTHER_RECIPE, Standing.AGAIN),
        (state("failed", permanent=True), Standing.FAILED_BEFORE, Standing.AGAIN),
        (state("failed", not_before=NOW), Standing.AGAIN, Standing.AGAIN),
        (state("failed", not_before=None), Standing.AGAIN, Standing.AGAIN),
        (state("failed", not_before=NOW + timedelta(seconds=1)), Standing.NOT_DUE, Standing.AGAIN),
        (state("skipped", code="short"), Standing.SKIPPED_BEFORE, Standing.AGAIN),
        (state("skipped", code="too_long"), Standing.SKIPPED_BEFORE, Standing.AGAIN),
        (state("skipped", code="live"), Standing.AGAIN, Standing.AGAIN),
        (state("skipped", code="upcoming"), Standing.AGAIN, Standing.AGAIN),
        (state("skipped", code="list"), Standing.AGAIN, Standing.AGAIN),
        (state("skipped", code="no_speech"), Standing.SKIPPED_BEFORE, Standing.AGAIN),
        (state("skipped", code="no_speech", recipe="r0"), Standing.AGAIN, Standing.AGAIN),
        (
            state("skipped", code="duplicate", original_is_stored=True),
            Standing.SKIPPED_BEFORE,
            Standing.AGAIN,
        ),
        (state("skipped", code="duplicate"), Standing.AGAIN, Standing.AGAIN),
        (state("stored", asked_by_this_run=True), Standing.DUPLICATE, Standing.DUPLICATE),
    ],
)
def test_standing(known: State | None, plain: Standing, forced: Standing) -> None:
    """What asking again does, without and with force."""
    assert standing(known, recipe="r1", force=False, now=NOW) is plain
    assert standing(known, recipe="r1", force=True, now=NOW) is forced


def test_asked_has_a_count_for_every_standing_and_adds_up() -> None:
    """No standing can be forgotten in the sum."""
    each = Asked(**{standing.value: n + 1 for n, standing in enumerate(Standing)})
    assert each.n_items == sum(range(1, len(Standing) + 1))
    assert (each + each).n_items == 2 * each.n_items
    assert Asked(new=1, again=2, held=3, stored=4).to_work_on == 6


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e6))
def test_backoff_is_bounded_and_never_undercuts_the_source(
    attempts: int, chance: float, asked: float | None
) -> None:
    """Half to all of the doubling delay, at most the cap, at least what was asked for."""
    policy = Backoff(first_s=60.0, cap_s=3600.0)
    delay = policy.delay_s(attempts, chance, asked)
    assert delay >= max(30.0, asked or 0.0)
    assert delay <= max(3600.0, 1.1 * (asked or 0.0))


def test_backoff_doubles() -> None:
    """60 s, 120 s, 240 s … at their upper ends."""
    assert [round(Backoff().delay_s(n, 1.0)) for n in (1, 2, 3, 4)] == [60, 120, 240, 480]


@pytest.mark.parametrize(
    ("error", "permanent", "waits"),
    [
        (PermanentError("gone", code="removed"), True, False),
        (Rejected("odd"), True, False),
        (TransientError("reset", code="network"), False, True),
        (SoftBlocked("not a bot"), False, True),
    ],
)
def test_an_error_becomes_an_ending(error: PermanentError, permanent: bool, waits: bool) -> None:
    """Only what may pass has a next attempt."""
    ending = Ending.of_error(error)
    assert (ending.code, ending.permanent) == (error.code, permanent)
    assert (ending.delay_s(Backoff(), 1, 0.5) is not None) is waits
    assert Ending("skipped", "short", "a Short").delay_s(Backoff(), 1, 0.5) is None
