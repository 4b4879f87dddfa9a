"""Rows that kill their actor or hang in it, and lines that come to a stop: real Ray, real kills."""

from collections.abc import Callable

import pytest
from small_run import Ended

from actors.store.database import Database

pytestmark = pytest.mark.timeout(300)

NEIGHBOURS = [f"fine-{number}" for number in range(12)]


def limits(row_s: float, stalled_s: float = 600.0, start_s: float = 600.0) -> dict[str, float]:
    given = {"row_s": row_s, "row_s_per_audio_s": 0.0, "stalled_s": stalled_s, "start_s": start_s}
    return {f"watchdog.{name}": value for name, value in given.items()}


def test_a_row_that_kills_or_hangs_is_set_aside_after_three_deaths_and_costs_its_neighbours_nothing(
    drive: Callable[..., Ended],
) -> None:
    """SIGKILL in a stage of one row, SIGKILL in one that works on eight at once, and a call that doesn't
    return: each is named with its reason; whoever queued behind or worked beside is stored at first try."""
    harmful = ["embed-kills", "prepare-kills", "prefilter-hangs"]
    ended = drive([*NEIGHBOURS[:4], *harmful, *NEIGHBOURS[4:]], settings=limits(row_s=5.0))
    found = {name: (row.status, row.code, row.attempts) for name, row in ended.by_id.items()}
    assert found == dict.fromkeys(NEIGHBOURS, ("stored", None, 1)) | dict.fromkeys(
        harmful, ("failed", "kills_its_worker", 1)
    ), ended.said
    assert ended.by_id["prepare-kills"].reason == "prepare died 3 times while it worked on this video"
    assert ended.by_id["embed-kills"].reason == "embed died 3 times while it worked on this video"
    assert "prefilter was at it 3 times" in ended.by_id["prefilter-hangs"].reason
    assert "each time: it took longer than its limit of 5 s" in ended.by_id["prefilter-hangs"].reason
    assert all(ended.by_id[name].permanent for name in harmful)
    assert (ended.exit_code, ended.left) == (1, [])


def test_a_line_that_is_stuck_ends_with_stage_and_row(drive: Callable[..., Ended]) -> None:
    """A stopped process can't end itself over its row: the run says so, gives back what it holds and goes."""
    ended = drive(["prepare-freezes", "fine-0"], settings=limits(row_s=2.0, stalled_s=3.0))
    assert (ended.exit_code, ended.code) == (1, "stalled"), ended.said
    assert "Prepare has had prepare-freezes in hand for" in ended.reason
    assert "Nothing is lost" in ended.remedy
    assert {row.status for row in ended.by_id.values()} <= {"pending", "stored"}
    assert ended.left == []


def test_a_run_ends_even_when_ray_hangs(drive: Callable[..., Ended]) -> None:
    """Raylet and control store are stopped: neither progress nor an orderly shutdown can be had of them.
    Their processes end all the same."""
    ended = drive(["prepare-freezesray", "fine-0"], settings=limits(row_s=2.0, stalled_s=3.0))
    assert (ended.exit_code, ended.left) == (1, []), ended.said
    assert "line is stuck" in ended.reason + ended.said
    assert {row.status for row in ended.by_id.values()} <= {"pending", "stored"}


def test_a_line_that_books_more_than_there_is_is_refused(drive: Callable[..., Ended]) -> None:
    """Before any video is claimed, with the sum and what to change; the videos stay on the queue."""
    ended = drive(["fine-0"], variant="wants a card")
    assert (ended.exit_code, ended.code) == (2, "does_not_fit"), ended.said
    assert "books 1 GPUs at its start (Embed 1 × 1), and Ray has 0" in ended.reason
    assert (ended.by_id["fine-0"].status, ended.by_id["fine-0"].attempts) == ("pending", 0)
    assert ended.left == []


def test_a_stage_that_never_comes_up_ends_the_run(drive: Callable[..., Ended]) -> None:
    """Its rows would wait for ever: the run names the stage and what Ray has free."""
    ended = drive(["fine-0"], variant="never comes up", settings=limits(row_s=600.0, start_s=10.0))
    assert (ended.exit_code, ended.code) == (1, "not_started"), ended.said
    assert "Embed" in ended.reason, "on a slow machine others may be late as well"
    assert "CPUs free)" in ended.reason
    assert ended.by_id["fine-0"].status == "pending"
    assert ended.left == []


def test_a_stage_that_can_not_start_for_the_moment_is_started_again(
    drive: Callable[..., Ended], database_url: str
) -> None:
    """No memory on a card is no mistake in the settings: the line is driven once more, and what other stages had in
    hand meanwhile is not held against their rows."""
    ended = drive(["fine-0"], variant="second time")
    assert ended.exit_code == 0, ended.said
    assert ended.by_id["fine-0"].status == "stored"
    with Database(database_url) as database:
        tries = database.run(lambda connection: connection.execute("select * from work_in_hand").fetchall())
    assert tries == []
