"""When a run ends, and what it waits for."""

import pytest

from actors.store.outlook import Group, Hold, Outlook

FETCHING = Group("", "fetching", None, 1, 0.0)
WORKING = Group("", "working", None, 1, 0.0)


def pending(due_in_s: float = 0.0, site: str = "") -> Group:
    return Group(site, "pending", None, 2, due_in_s)


def failed(due_in_s: float, site: str = "", code: str = "network") -> Group:
    return Group(site, "failed", code, 1, due_in_s)


@pytest.mark.parametrize(
    ("groups", "without_patience", "with_a_minute"),
    [
        ((), True, True),
        ((WORKING,), True, True),
        ((FETCHING,), False, False),
        ((pending(),), False, False),
        ((pending(9999.0),), False, False),
        ((failed(0.0),), False, False),
        ((failed(30.0),), True, False),
        ((failed(61.0),), True, True),
        ((failed(61.0), failed(30.0)), True, False),
        ((failed(61.0), WORKING), False, False),
        ((failed(61.0), FETCHING), False, False),
    ],
)
def test_a_run_ends_when_nothing_comes_within_its_patience(
    groups: tuple[Group, ...], without_patience: bool, with_a_minute: bool
) -> None:
    """Work in hand keeps it up only where a failure may become due meanwhile, or a list be found."""
    assert Outlook(groups).exhausted(0.0) is without_patience
    assert Outlook(groups).exhausted(60.0) is with_a_minute


def test_a_pause_is_waited_for_unless_the_source_is_given_up() -> None:
    """Then its videos stay on the queue, and those of other sources don't wait."""
    paused, given_up = Hold("a", 500.0, True), Hold("a", 500.0, True, given_up=True)
    assert not Outlook((pending(site="a"),), (paused,)).exhausted(0.0)
    assert Outlook((pending(site="a"), failed(1.0, "a")), (given_up,)).exhausted(60.0)
    assert not Outlook((pending(site="a"), pending(site="b")), (given_up,)).exhausted(60.0)


def test_a_failure_of_a_paused_source_is_due_after_the_pause() -> None:
    """Beyond the run's patience it isn't waited for."""
    outlook = Outlook((failed(5.0, "a"),), (Hold("a", 500.0, True),))
    assert outlook.waiting[0].due_in_s == 500.0
    assert outlook.exhausted(60.0)
    assert not outlook.exhausted(600.0)


def test_the_next_look_is_no_later_than_something_is_due_and_never_at_once() -> None:
    """Between the shortest and the longest pause; the shortest while something is being fetched."""

    def pause_s(*groups: Group) -> float:
        return Outlook(groups).pause_s(0.25, 5.0)

    assert [pause_s(failed(s)) for s in (0.0, 0.1, 3.0, 300.0)] == [0.25, 0.25, 3.0, 5.0]
    assert pause_s(failed(300.0), FETCHING) == pause_s(FETCHING) == pause_s() == 0.25
    assert pause_s(failed(300.0), WORKING) == 5.0


def test_a_run_only_waits_when_nothing_is_in_hand_or_due() -> None:
    """What the display and a watchdog need to know."""
    assert Outlook((failed(30.0),)).only_waits
    assert Outlook((pending(site="a"),), (Hold("a", 5.0, True),)).only_waits
    for busy in ((failed(30.0), WORKING), (failed(30.0), pending()), (FETCHING,), ()):
        assert not Outlook(busy).only_waits
