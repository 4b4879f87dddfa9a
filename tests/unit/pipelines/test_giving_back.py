"""A run asks for nodes while it has a backlog, and for none in its lulls and at its tail."""

from typing import Any

import pytest
from ray.data._internal.cluster_autoscaler import RateBasedClusterAutoscaler

from pipelines import giving_back
from pipelines.giving_back import GiveBackNodes, OnBacklog, has_backlog


class Own:
    """Ray Data's autoscaler, as far as it is spoken to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def try_trigger_scaling(self) -> None:
        self.asked.append("more")

    def _send_resource_request(self, request: list[Any]) -> None:
        self.asked.append(request)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([], False),
        ([(0, 1, 8), (0, 2, 2)], False),
        ([(3, 2, 2), (0, 1, 8)], False),
        ([(0, 2, 2), (1, 7, 8)], True),
    ],
)
def test_rows_that_wait_before_a_pool_that_may_grow_are_a_backlog(
    stages: list[tuple[int, int, int]], expected: bool
) -> None:
    assert has_backlog(stages) is expected


def test_a_backlog_that_lasts_asks_for_more_and_after_a_lull_nothing_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for what was asked for last: Ray's autoscaler would keep it. And again from time to time, or the run is forgotten."""
    now, own, backlog = [0.0], Own(), [True]
    monkeypatch.setattr(giving_back.time, "monotonic", lambda: now[0])
    autoscaler = OnBacklog(own, lambda: backlog[0])  # type: ignore[arg-type]

    def at(seconds: float) -> list[Any]:
        now[0], before = seconds, len(own.asked)
        autoscaler.try_trigger_scaling()
        return own.asked[before:]

    assert (at(1), at(20)) == ([[]], [[]]), "a moment's queue brings no node"
    assert at(32) == at(40) == ["more"]
    backlog[0] = False
    assert at(41) == at(69) == ["more"], "a lull of half a minute is none"
    assert (at(71), at(75), at(82)) == ([[]], [], [[]])
    for second in range(100, 200, 10):  # the slices of a video now and then
        backlog[0] = not backlog[0]
        assert "more" not in at(second)


def test_the_autoscaler_of_the_ray_that_is_installed_can_be_spoken_to_so() -> None:
    """Names of Ray's own, which another version may have changed."""
    assert callable(RateBasedClusterAutoscaler._send_resource_request)

    class Executor:
        _topology: dict[Any, Any] | None = None
        _cluster_autoscaler: Any = object.__new__(RateBasedClusterAutoscaler)

    executor: Any = Executor()
    GiveBackNodes().before_execution_starts(executor)
    assert isinstance(executor._cluster_autoscaler, OnBacklog)
