"""What takes long is looked at seldom."""

import pytest

from pipelines.pace import Pace


class Slow:
    """Answers how often it was asked, each time after ``takes_s`` seconds of a clock of its own."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s, self.now, self.n = takes_s, 0.0, 0
        self.fails = False

    def __call__(self) -> int:
        self.now += self.takes_s
        if self.fails:
            raise ConnectionError
        self.n += 1
        return self.n

    def clock(self) -> float:
        return self.now


def each_second(asked: Slow, seconds: int) -> list[int]:
    """How often it had been asked, second by second, by who keeps to the pace."""
    pace, counts = Pace(19.0, asked.clock), []
    for _ in range(seconds):
        if pace.is_due:
            with pace.looking():
                asked()
        counts.append(asked.n)
        asked.now += 1.0
    return counts


def test_what_is_quick_is_asked_each_time() -> None:
    assert each_second(Slow(0.01), 20) == list(range(1, 21))


def test_what_is_slow_takes_no_more_than_its_share() -> None:
    asked = Slow(0.5)
    counts = each_second(asked, 1000)
    assert asked.n * asked.takes_s / asked.now == pytest.approx(0.05, rel=0.1)
    assert counts[:9] == [1] * 9 and counts == sorted(counts)


def test_a_failure_is_raised_and_asked_about_again_at_once() -> None:
    asked = Slow(0.5)
    pace = Pace(19.0, asked.clock)
    asked.fails = True
    for _ in range(2):
        assert pace.is_due
        with pytest.raises(ConnectionError), pace.looking():
            asked()
    asked.fails = False
    with pace.looking():
        assert asked() == 1
    assert not pace.is_due
