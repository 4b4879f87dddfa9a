"""What takes long is asked seldom."""

import pytest

from pipelines.sparingly import Sparingly


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
    sparingly = Sparingly(asked, 0.05, asked.clock)
    answers = []
    for _ in range(seconds):
        answers.append(sparingly())
        asked.now += 1.0
    return answers


def test_what_is_quick_is_asked_each_time() -> None:
    assert each_second(Slow(0.01), 20) == list(range(1, 21))


def test_what_is_slow_takes_no_more_than_its_share() -> None:
    """The last answer serves meanwhile."""
    asked = Slow(0.5)
    answers = each_second(asked, 1000)
    assert asked.n * asked.takes_s / asked.now == pytest.approx(0.05, rel=0.1)
    assert answers[:9] == [1] * 9 and answers == sorted(answers)


def test_a_failure_is_raised_and_asked_about_again_at_once() -> None:
    asked = Slow(0.5)
    sparingly = Sparingly(asked, 0.05, asked.clock)
    asked.fails = True
    for _ in range(2):
        with pytest.raises(ConnectionError):
            sparingly()
    asked.fails = False
    assert (sparingly(), sparingly()) == (1, 1)
