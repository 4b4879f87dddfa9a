"""What a person is told of waiting."""

from datetime import UTC, datetime

from actors.rows import RunId
from actors.store.outlook import Group, Hold, Outlook
from actors.store.standing import Asked
from configs.report import ReportSettings
from pipelines.notices import pause_line, waiting_line
from pipelines.outcome import Outcome, turned_away
from pipelines.present import exit_code, nothing_due, outcome, outcome_document
from tests.unit.pipelines.counts import run_counts

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BUSY = Group("", "working", None, 1, 0.0)


def test_a_run_that_only_waits_says_for_what_and_how_long() -> None:
    """One video by its code, several by the first that is due; nothing while there is other work."""
    one, three = Group("a", "failed", "throttled", 1, 44.2), Group("a", "failed", "network", 3, 50.0)
    assert waiting_line(Outlook((one,))) == "waiting 45 s to try 1 video again (throttled)"
    assert waiting_line(Outlook((three,))) == "waiting 50 s to try the first of 3 videos again (network)"
    assert waiting_line(Outlook((one, BUSY))) is None
    assert waiting_line(Outlook(())) is None


def test_a_pause_says_who_until_when_and_why() -> None:
    """On the reader's own clock."""
    at = datetime(2026, 1, 1, 12, 15, tzinfo=UTC).astimezone()
    assert (
        pause_line(Hold("youtube", 900.0, True), NOW)
        == f"youtube pauses until {at:%H:%M:%S}: it turned us away"
    )
    assert "does not wait" in pause_line(Hold("youtube", 900.0, True, given_up=True), NOW)


def test_sources_given_up_are_named_with_what_stays_on_the_queue() -> None:
    """Not those that only pause, nor those of which nothing is left."""
    groups = (
        Group("a", "pending", None, 2, 0.0),
        Group("a", "pending", "x", 1, 9.0),
        Group("b", "pending", None, 5, 0.0),
    )
    holds = (
        Hold("a", 60.0, True, given_up=True),
        Hold("b", 60.0, True),
        Hold("c", 60.0, True, given_up=True),
    )
    (source,) = turned_away(Outlook(groups, holds), NOW)
    assert (source["site"], source["videos"], source["until"].minute) == ("a", 3, 1)


def test_retry_says_why_it_does_nothing() -> None:
    """How many wait and until when, or that nothing does."""
    (said,) = nothing_due({"later": 2, "next_due": NOW})
    assert said.startswith("Nothing is due. 2 videos failed for now; the next is due ")
    assert f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}" in said
    assert list(nothing_due({"later": 0, "next_due": None})) == [
        "Nothing failed for now: there is nothing to try again."
    ]


def test_a_runs_end_names_what_is_due_later_and_what_a_source_holds_back() -> None:
    """A failure for now with its time and next attempt, a permanent one without; no video is called lost that
    only waits on the queue."""
    passing = {
        "id": "a",
        "code": "network",
        "reason": "reset",
        "remedy": "Wait",
        "in_corpus": False,
        "not_before": NOW,
        "attempts": 3,
    }
    final = {
        "id": "b",
        "code": "removed",
        "reason": "gone",
        "remedy": None,
        "in_corpus": False,
        "not_before": None,
        "attempts": 1,
    }
    ended = Outcome(
        RunId(1), Asked(new=4), run_counts(to_do=4, failed=2, pending=2), 1.0, 1.0, failed=[passing, final],
        turned_away=[{"site": "youtube", "videos": 2, "until": NOW}],
    )  # fmt: skip
    document = outcome_document(ended, [], ReportSettings())
    lines = list(outcome(document))
    moment = f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}"
    assert f"  failed a (network): reset. Wait. Due {moment} (attempt 4)" in lines
    assert "  failed b (removed): gone." in lines
    assert any(
        f"2 left on the queue: youtube turned us away and pauses until {moment}" in line for line in lines
    )
    assert not any("ended neither" in line for line in lines)
    assert exit_code(document) == 1
