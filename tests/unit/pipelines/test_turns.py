"""Rows side by side, and one alone."""

import threading

from pipelines.in_hand import Hands
from pipelines.turns import OneAtATime, Turns
from tests.waiting import until

LONG_S = 30.0


def test_those_side_by_side_do_not_wait_for_each_other() -> None:
    """Both are inside at the same time, or the barrier breaks."""
    turns, both = Turns(), threading.Barrier(2, timeout=LONG_S)

    def work() -> None:
        with turns.side_by_side():
            both.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert not both.broken


def test_a_suspect_is_alone_and_goes_before_those_who_came_after_it() -> None:
    """It waits for who is inside; nobody joins it, and the newcomers go on after it."""
    turns, log = Turns(), []
    inside, leave, wants, alone_leaves = (threading.Event() for _ in range(4))

    def first() -> None:
        with turns.side_by_side():
            inside.set()
            assert leave.wait(LONG_S)
            log.append("first leaves")

    def suspect() -> None:
        wants.set()
        with turns.alone():
            log.append("suspect works")
            assert alone_leaves.wait(LONG_S)
            log.append("suspect leaves")

    def newcomer() -> None:
        with turns.side_by_side():
            log.append("newcomer works")

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(LONG_S)
    threads.append(threading.Thread(target=suspect))
    threads[1].start()
    while not turns.n_wanting_alone:
        wants.wait(0.01)
    threads += [threading.Thread(target=newcomer) for _ in range(3)]
    for thread in threads[2:]:
        thread.start()
    leave.set()
    alone_leaves.set()
    for thread in threads:
        thread.join(LONG_S)
    assert log == ["first leaves", "suspect works", "suspect leaves", *["newcomer works"] * 3]


def test_an_engine_takes_one_row_at_a_time_and_waiting_for_it_is_no_work() -> None:
    """While the first row is at the engine the second stands paused at its door; it goes in when the first leaves."""
    engine, hands, log = OneAtATime(), Hands(lambda row: None, lambda worked_s: None), []
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with hands.take("first", 0, LONG_S), engine.turn():
            inside.set()
            assert leave.wait(LONG_S)
            log.append("first leaves")

    def second() -> None:
        with hands.take("second", 0, LONG_S), engine.turn():
            log.append("second goes in")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(LONG_S)
    threads[1].start()
    states = {"first": "working", "second": "paused"}
    assert until(lambda: {row.label: row.state for row in hands.held()} == states, LONG_S, 0.01), hands.held()
    leave.set()
    for thread in threads:
        thread.join(LONG_S)
    assert log == ["first leaves", "second goes in"]
    assert hands.held() == ()
