"""Lets a cluster's autoscaler have back what a run no longer needs, while it goes on.

Ray Data asks for nodes by what its stages could do with more of them, and renews the last of its requests until the
execution's end: Ray's autoscaler keeps a node that is asked for, however idle. So the line's tail, or a lull of its source,
would hold every card that its backlog once brought. Here it asks for nothing unless rows wait for a while before a pool that
may grow.
What has an actor on it stays in any case.
"""

import time
from collections.abc import Callable, Iterable

from ray.data._internal.cluster_autoscaler import ClusterAutoscaler, RateBasedClusterAutoscaler
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.interfaces import ExecutionResources
from ray.data._internal.execution.streaming_executor import StreamingExecutor

LASTS_S = 30.0
"""A backlog that has stood for less is none: the slices of one video stand before a small pool for a while. One that has been
gone for less is still there: what it brought may be on its way."""
EVERY_S = 10.0
"""Between two requests for nothing. A run that asks for nothing at all is forgotten, and with it what it may use."""


class OnBacklog(ClusterAutoscaler):
    """Ray Data's own, which asks while there is a backlog.

    Args:
        own: what it would use otherwise.
        has_backlog: whether rows wait before a pool that may grow.
    """

    def __init__(self, own: RateBasedClusterAutoscaler, has_backlog: Callable[[], bool]) -> None:
        self._own, self._has_backlog = own, has_backlog
        self._began_at: float | None = None
        self._lasted_at = self._asked_at = float("-inf")

    def try_trigger_scaling(self) -> None:
        now = time.monotonic()
        if not self._has_backlog():
            self._began_at = None
        elif self._began_at is None:
            self._began_at = now
        if self._began_at is not None and now - self._began_at >= LASTS_S:
            self._lasted_at = now
        if now - self._lasted_at < LASTS_S:
            self._own.try_trigger_scaling()  # type: ignore[no-untyped-call]
        elif now - self._asked_at >= EVERY_S:
            self._asked_at = now
            self._own._send_resource_request([])

    def on_executor_shutdown(self) -> None:
        self._own.on_executor_shutdown()  # type: ignore[no-untyped-call]

    def get_total_resources(self) -> ExecutionResources:
        return self._own.get_total_resources()


class GiveBackNodes(ExecutionCallback):
    """Ray Data calls it before an execution starts, when its autoscaler is made and not yet used."""

    def before_execution_starts(self, executor: StreamingExecutor) -> None:
        own = executor._cluster_autoscaler
        if isinstance(own, RateBasedClusterAutoscaler):  # the environment may have chosen another
            executor._cluster_autoscaler = OnBacklog(own, lambda: has_backlog(_waiting(executor)))


def has_backlog(stages: Iterable[tuple[int, int, int]]) -> bool:
    """Whether more actors would have something to do. Pure.

    Args:
        stages: of each pool the rows that no actor was given yet, its actors, and the most that it may have.
    """
    return any(n_waiting > 0 and n_actors < most for n_waiting, n_actors, most in stages)


def _waiting(executor: StreamingExecutor) -> Iterable[tuple[int, int, int]]:
    for operator, state in (executor._topology or {}).items():
        for pool in operator.get_autoscaling_actor_pools():
            yield state.total_enqueued_input_blocks(), pool.current_size(), pool.max_size()
