"""The ledger's pure rules: who is asked for again, how long a failure waits, what an end writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import ConfigError, PermanentError, Rejected, SoftBlocked, TransientError
from actors.store.backoff import Backoff
from actors.store.endings import Ending
from actors.store.standing import Asked, Standing, State, standing
from configs.patience import RetrySettings

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
        (state("failed", code="no_text", permanent=True), Standing.FAILED_BEFORE, Standing.AGAIN),
        (state("failed", code="no_text", permanent=True, recipe="r0"), Standing.AGAIN, Standing.AGAIN),
        (
            state("failed", code="private", permanent=True, recipe="r0"),
            Standing.FAILED_BEFORE,
            Standing.AGAIN,
        ),
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


@given(st.integers(0, 10_000), st.none() | st.floats(0, 1e6))
def test_backoff_is_bounded_and_never_undercuts_the_source(attempts: int, asked: float | None) -> None:
    """Half to all of the doubling delay, at most the cap, at least what was asked for."""
    policy = Backoff(first_s=60.0, cap_s=3600.0)
    delay = policy.delay_s(attempts, asked)
    doubled = 60.0 * 2.0 ** min(max(attempts, 1) - 1, 30)
    assert delay >= max(min(doubled, 3600.0) / 2, asked or 0.0)
    assert delay <= max(min(doubled, 3600.0), 1.1 * (asked or 0.0))


def test_backoff_doubles_up_to_its_cap() -> None:
    """Each delay lies between half of 60, 120, 240, 480 and 600 s and the whole."""
    policy = Backoff(first_s=60.0, cap_s=600.0)
    for attempts, most in enumerate((60, 120, 240, 480, 600, 600), start=1):
        delays = [policy.delay_s(attempts) for _ in range(200)]
        assert most / 2 <= min(delays) <= max(delays) <= most


def test_what_failed_together_isnt_retried_together() -> None:
    """Half of each delay is random, and so is what is added to a source's own wish."""
    own = {Backoff().delay_s(3) for _ in range(50)}
    asked = {Backoff().delay_s(1, 7200.0) for _ in range(50)}
    assert len(own) == len(asked) == 50
    assert max(own) - min(own) > 30
    assert 7200 <= min(asked) < max(asked) <= 7920


def test_backoff_is_what_the_settings_say() -> None:
    """Both numbers reach it, and a cap below the first delay holds."""
    assert Backoff.of(RetrySettings(first_s=5, cap_s=7, patience_s=0)) == Backoff(5, 7)
    assert 1 <= Backoff(first_s=50, cap_s=2).delay_s(1) <= 2


@pytest.mark.parametrize(
    ("error", "permanent", "waits"),
    [
        (PermanentError("gone", code="removed"), True, False),
        (Rejected("odd"), True, False),
        (TransientError("reset", code="network"), False, True),
        (SoftBlocked("not a bot"), False, True),
        (ConfigError("the cookies can't be loaded"), False, True),
    ],
)
def test_an_error_becomes_an_ending(error: PermanentError, permanent: bool, waits: bool) -> None:
    """Only what may pass has a next attempt."""
    ending = Ending.of_error(error)
    assert (ending.code, ending.permanent) == (error.code, permanent)
    assert (ending.delay_s(Backoff(), 1) is not None) is waits
    assert Ending("skipped", "short", "a Short").delay_s(Backoff(), 1) is None
