"""The source lays out more rows than Ray Data lets a task by itself, and nobody else does."""

from types import SimpleNamespace
from typing import Any

from ray.data._internal.execution.operators.actor_pool_map_operator import ActorPoolMapOperator
from ray.data._internal.execution.operators.task_pool_map_operator import TaskPoolMapOperator

from pipelines.feed import LAID_OUT, HandOver


def test_only_the_sources_task_lays_out_more() -> None:
    """A stage's rows are sound: two of them that nobody fetched yet are enough."""
    source: Any = object.__new__(TaskPoolMapOperator)
    stage: Any = object.__new__(ActorPoolMapOperator)
    source._ray_remote_args, stage._ray_remote_args = {}, {}
    HandOver().before_execution_starts(SimpleNamespace(_topology=[source, stage]))  # type: ignore[arg-type]
    assert source._ray_remote_args == {"_generator_backpressure_num_objects": 2 * LAID_OUT}
    assert stage._ray_remote_args == {}


def test_this_ray_reads_it_where_it_is_written() -> None:
    """A Ray that renames it would give two rows a step again, silently."""
    assert "_generator_backpressure_num_objects" in TaskPoolMapOperator._try_schedule_task.__code__.co_consts
