"""How long a run waited for its sources: what waits on the queue, counted while the line had room for it."""

from actors.store.outlook import Group, Hold, Outlook
from pipelines.source_waits import LONGEST_S, MOST_SITES, SourceWaits

LOOK_AHEAD = 4


def pending(site: str, n: int = 10, due_in_s: float = 0.0) -> Group:
    return Group(site, "pending", None, n, due_in_s)


def fetching(n: int, site: str = "") -> Group:
    return Group(site, "fetching", None, n, 0.0)


def waits(*outlooks: Outlook, every_s: float = 2.0) -> dict:
    """After a look at each of them, and a first one at the line's begin."""
    waits = SourceWaits()
    for number, outlook in enumerate((Outlook(()), *outlooks)):
        waits.look(1000.0 + number * every_s, outlook, LOOK_AHEAD)
    return waits.document()


def test_videos_that_wait_for_a_permit_are_counted_by_whose_limit_it_is() -> None:
    """YouTube's, or that of all others, whichever of them it is; a second passes once for two hosts."""
    holds = tuple(Hold(site, 9.0, False) for site in ("youtube", "a.example", "b.example"))
    found = waits(
        Outlook((pending("youtube"), fetching(1, "youtube")), holds),
        Outlook((pending("youtube"), pending("a.example"), pending("b.example")), holds),
        Outlook((pending("a.example", due_in_s=5.0), pending("c.example")), holds),
        Outlook((pending("youtube"), pending("c.example"))),
    )
    assert found == {
        "youtube": {"waited_s": 4.0, "held_s": 4.0, "sites": {"youtube": 4.0}},
        "other_sources": {"waited_s": 4.0, "held_s": 4.0, "sites": {"a.example": 4.0, "b.example": 2.0}},
    }


def test_a_line_without_room_for_them_waits_for_no_source() -> None:
    """As many videos as it takes aren't prepared yet: something behind holds it back. Who may not be asked is known all
    the same, for a stage that is paused over it."""
    holds = (Hold("youtube", 9.0, False),)
    found = waits(
        Outlook((pending("youtube"), fetching(3), fetching(1, "youtube")), holds),
        Outlook((fetching(4, "youtube"),), holds),
    )
    assert found["youtube"] == {"waited_s": 0.0, "held_s": 4.0, "sites": {}}


def test_a_source_that_was_given_up_is_waited_for_no_more() -> None:
    """What is asked of it stays on the queue."""
    found = waits(Outlook((pending("youtube"),), (Hold("youtube", 9.0, True, given_up=True),)))
    assert found["youtube"]["held_s"] == 0.0


def test_what_passed_while_the_database_was_away_is_not_known() -> None:
    """And not counted for what is seen after it."""
    outlook = Outlook((pending("youtube"),), (Hold("youtube", 9.0, False),))
    assert waits(outlook, outlook, every_s=2 * LONGEST_S)["youtube"]["waited_s"] == 0.0


def test_a_thousand_feeds_take_no_thousand_lines_in_a_runs_figures() -> None:
    """Those waited for longest are kept."""
    sites = [f"{n}.example" for n in range(1000)]
    holds = tuple(Hold(site, 9.0, False) for site in sites)
    longest = Outlook((pending("7.example"),), holds)
    kept = waits(Outlook(tuple(map(pending, sites)), holds), longest)["other_sources"]["sites"]
    assert len(kept) == MOST_SITES and next(iter(kept)) == "7.example"
