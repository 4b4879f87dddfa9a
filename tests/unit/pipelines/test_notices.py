"""What a person is told of waiting."""

from datetime import UTC, datetime

from actors.store.outlook import Group, Hold, Outlook
from pipelines.notices import pause_line, waiting_line
from pipelines.outcome import turned_away

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BUSY = Group("", "working", None, 1, 0.0)


def test_a_run_that_only_waits_says_for_what_and_how_long() -> None:
    """One video by its code, several by the first that is due; nothing while there is other work."""
    one, three = Group("a", "failed", "throttled", 1, 45.2), Group("a", "failed", "network", 3, 50.0)
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
