"""What workers' slices come to."""

from typing import Any

import pytest

from cluster.telemetry import CardSight, MachineSight
from pipelines.tuning_crew import Finished, _CardMemory, rate


def test_workers_add_up_each_by_the_time_to_its_own_last_slice() -> None:
    """The slice that the end cut short counts for nobody, neither do the seconds that went into it."""
    finished = {
        0: [Finished(30.0, 101.0), Finished(30.0, 102.0)],  # 60 s in 2 s
        1: [Finished(40.0, 104.0)],  # 40 s in 4 s
    }
    assert rate(finished, began_at=100.0) == pytest.approx(30.0 + 10.0)
    assert rate({0: [Finished(30.0, 101.0)], 1: []}, began_at=100.0) == pytest.approx(30.0)


def sampler(*looks: dict[int, int | None]) -> Any:
    """Tells the memory in use of cards by their index, one look after the other."""

    left = iter(looks)

    class Sampler:
        def sample(self) -> MachineSight:
            used = next(left)
            cards = tuple(
                CardSight(index, "Some Card", None, memory, 16, None, None) for index, memory in used.items()
            )
            return MachineSight(1.0, cards, None, None)

    return Sampler()


def test_memory_is_that_of_the_card_that_grew_most() -> None:
    """A bug: a card that didn't tell its utilisation lost it; one that doesn't tell its memory counts for nothing."""
    memory = _CardMemory(sampler({0: 4, 1: 7, 2: None}, {0: 9, 1: 8, 2: None}, {0: None, 1: 10, 2: 99}))
    memory.look()
    memory.look()
    assert memory.most == 5


def test_without_a_card_that_tells_it_no_memory_is_known() -> None:
    """0 would be a wrong figure."""
    memory = _CardMemory(sampler({0: None}, {0: 5}))
    memory.look()
    assert memory.most is None
