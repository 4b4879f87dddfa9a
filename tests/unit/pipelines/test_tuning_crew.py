"""What workers' slices come to."""

import pytest

from pipelines.tuning_crew import Finished, rate


def test_workers_add_up_each_by_the_time_to_its_own_last_slice() -> None:
    """The slice that the end cut short counts for nobody, neither do the seconds that went into it."""
    finished = {
        0: [Finished(30.0, 101.0), Finished(30.0, 102.0)],  # 60 s in 2 s
        1: [Finished(40.0, 104.0)],  # 40 s in 4 s
    }
    assert rate(finished, began_at=100.0) == pytest.approx(30.0 + 10.0)
    assert rate({0: [Finished(30.0, 101.0)], 1: []}, began_at=100.0) == pytest.approx(30.0)
