"""When a line counts as stuck, and what a person is told."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from actors.errors import ConfigError
from actors.rows import Request, VideoId
from actors.store.standstill import InLine
from cluster.capacity import Sum
from configs.patience import WatchdogSettings
from pipelines.booking import booked, demand_room
from pipelines.deaths import set_aside
from pipelines.in_hand import Held, State
from pipelines.stage import StageSpec
from pipelines.tally import Board, Tally
from pipelines.watchdog import Sight, Standstill, Watchdog, culprit, explain
from tests.unit.pipelines.counts import run_counts

STAGES = ("Prefilter", "Download", "Store")
SETTINGS = WatchdogSettings(stalled_s=100.0, start_s=300.0)
COUNTS = run_counts(to_do=5, running=2, pending=3)


def held(label: str, state: State = "working", *, age_s: float = 10.0, left_s: float = 50.0) -> Held:
    return Held(label, 0, state, age_s, worked_s=age_s, limit_s=age_s + left_s)


def board(**tallies: Tally) -> Board:
    """A board on which every stage has one actor, idle unless told otherwise."""
    return Board({name: {"actor": tallies.get(name.lower(), Tally())} for name in STAGES})


def holding(*rows: Held, silent_s: float = 0.0) -> Tally:
    return Tally(in_hand=len(rows), held=rows, silent_s=silent_s)


def watch(*boards: Board | None, every_s: float = 60.0) -> list[Standstill | None]:
    """Verdicts on these sights, one a minute."""
    dog = Watchdog(SETTINGS, STAGES, 0.0)
    return [dog.judge(Sight(every_s * number, seen, COUNTS)) for number, seen in enumerate(boards, start=1)]


def test_a_line_in_which_nothing_ends_is_stuck_after_its_time() -> None:
    """Idle actors, videos claimed, nothing in hand: two minutes after the last change."""
    assert watch(*[board()] * 3) == [None, None, Standstill(120.0)]


def test_whatever_ends_anywhere_starts_the_time_anew() -> None:
    """One row of any stage, failed or not, or a video in the ledger."""
    moved = [board(store=Tally(items=number)) for number in range(10)]
    assert watch(*moved) == [None] * 10
    dog = Watchdog(SETTINGS, STAGES, 0.0)
    counts = [replace(COUNTS, failed=number) for number in range(10)]
    assert [dog.judge(Sight(60.0 * n, board(), each)) for n, each in enumerate(counts)] == [None] * 10


@pytest.mark.parametrize(
    ("tally", "stuck"),
    [
        (holding(held("a")), False),
        (holding(held("a", left_s=-1.0)), True),
        (holding(held("a"), silent_s=51.0), True),
        (holding(held("a", "paused", left_s=-1.0)), False),
        (holding(held("a", "paused"), silent_s=61.0), True),
        (holding(held("a", "blocked")), True),
        (holding(held("a", "blocked"), held("b")), False),
    ],
)
def test_a_row_that_may_still_be_worked_on_is_no_standstill(tally: Tally, stuck: bool) -> None:
    """Under its limit, or waiting for a permit in an actor that lives; a finished row proves nothing."""
    assert (watch(*[board(download=tally)] * 4)[-1] is not None) == stuck


def test_a_line_of_which_a_stage_does_not_come_up_has_its_own_limit() -> None:
    """Models are fetched: five minutes here, however long nothing ends; then the stage is named."""
    up_but_one = Board({name: {"actor": Tally()} for name in STAGES[:2]})
    assert watch(*[up_but_one] * 5) == [None] * 4 + [Standstill(60.0, ("Store",))]


def test_former_actors_do_not_count_as_up() -> None:
    """In a second pass what the first one did is on the board, and its actors are gone."""
    gone = Board({name: {"actor": Tally(items=3).ended()} for name in STAGES})
    assert watch(*[gone] * 5)[-1] == Standstill(60.0, STAGES)


def test_ray_or_database_that_do_not_answer_are_a_standstill_too() -> None:
    """Not at once, and an answer that comes and goes is no progress."""
    assert watch(None, None, None)[-1] == Standstill(120.0)
    assert watch(board(), None, board(), None)[-1] == Standstill(180.0)
    dog = Watchdog(SETTINGS, STAGES, 0.0)
    assert [dog.judge(Sight(60.0 * n, board(), None)) for n in (1, 2, 3)][-1] == Standstill(120.0)


def test_what_only_waits_for_its_time_is_excused() -> None:
    """A retry that is due later."""
    dog = Watchdog(SETTINGS, STAGES, 0.0)
    dog.judge(Sight(1.0, board(), COUNTS))
    assert dog.judge(Sight(150.0, board(), COUNTS)) is not None
    dog.excuse(150.0)
    assert dog.judge(Sight(200.0, board(), COUNTS)) is None


def told(seen: Board | None, in_line: InLine | None = None, counts: object = COUNTS) -> str:
    sight = Sight(0.0, seen, counts)
    return str(explain(Standstill(100.0), sight, STAGES, in_line, " (Ray has 0 of 2 CPUs free)", "the logs"))


def test_the_row_that_is_worked_on_longest_is_named_before_those_that_wait_for_it() -> None:
    """Finished rows pile up before the stage that hangs."""
    seen = board(
        prefilter=holding(held("a", "blocked", age_s=900.0)),
        download=holding(held("b", age_s=800.0), held("c", age_s=20.0), silent_s=30.0),
    )
    stuck = culprit(seen, STAGES)
    assert stuck is not None and (stuck.stage, stuck.row.label) == ("Download", "b")
    assert "Download has had b in hand for 830 s, its actor silent for 30 s" in told(seen)


def test_where_all_are_finished_the_stage_that_takes_nothing_is_named() -> None:
    """The one after the finished row that is furthest down."""
    seen = board(prefilter=holding(held("a", "blocked", age_s=900.0)), download=holding(held("b", "blocked")))
    assert "Download has finished b, and Store doesn't take it" in told(seen)


@pytest.mark.parametrize(
    ("in_line", "counts", "expected"),
    [
        (InLine(VideoId("a"), "download", 500.0), COUNTS, "a has been in the line for 500 s, was last seen in download"),
        (None, run_counts(to_do=3, pending=3), "claimed none of the 3 videos that are due: it has not started (Ray has 0"),
        (None, run_counts(to_do=3, stored=3), "Every video has ended, but the line hasn't"),
    ],
)  # fmt: skip
def test_with_nothing_in_hand_it_is_said_what_waits(in_line, counts, expected) -> None:
    """A video between two stages, a source that never started, an engine that doesn't end."""
    message = told(board(), in_line, counts)
    assert expected in message
    assert "the same command goes on" in message and "the logs" in message


def test_a_time_out_and_a_crash_are_told_apart() -> None:
    """Both set the video aside; one names its limit."""
    assert "limit of 900 s" in set_aside("transcribe", 3, 3, 900.0).reason
    assert "2 of 3 times" in set_aside("transcribe", 3, 2, 900.0).reason
    assert set_aside("transcribe", 3, 0, 900.0).reason.startswith("transcribe died 3 times")
    assert {set_aside("x", 3, n, 1.0).code for n in (0, 3)} == {"kills_its_worker"}


def specs(*shares: tuple[str, int, float, float]) -> Sequence[StageSpec]:
    return [
        StageSpec(name, (Request,), lambda context, ledger: iter, n, n, n, num_cpus=cpus, num_gpus=gpus)
        for name, n, cpus, gpus in shares
    ]


def test_the_booking_is_the_sum_of_all_actors_and_the_source() -> None:
    """With one hundredth too few the source would wait for ever."""
    line = specs(("Prepare", 2, 1.0, 0.0), ("Transcribe", 3, 0.0, 0.25), ("Embed", 1, 0.0, 0.25))
    assert booked(line) == Sum(2.01, 1.0)
    demand_room(line, Sum(3.0, 1.0))
    with pytest.raises(
        ConfigError,
        match=r"2\.01 CPUs at its start \(Prepare 2 × 1, the source 0\.01\), and Ray has 2.*--num-cpus=3",
    ):
        demand_room(line, Sum(2.0, 1.0))
    with pytest.raises(ConfigError, match=r"1 GPUs at its start .*, and Ray has 0\.5.*transcribe\.gpu_share"):
        demand_room(line, Sum(3.0, 0.5))
