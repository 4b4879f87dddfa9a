"""The driver's memory stays flat: Ray Data's records of blocks are bounded."""

from types import SimpleNamespace

from ray.data._internal.execution.operators.map_operator import MapOperator

from pipelines.forgetting import KEPT, ForgetBlocks


def test_only_the_newest_records_of_a_stage_are_kept() -> None:
    """However many rows pass; an operator that keeps none is left alone."""
    stage = SimpleNamespace(_output_blocks_stats=[])
    executor = SimpleNamespace(_topology=[SimpleNamespace(), stage])
    ForgetBlocks().before_execution_starts(executor)
    for number in range(10 * KEPT):
        stage._output_blocks_stats.extend([number])
    assert list(stage._output_blocks_stats) == list(range(9 * KEPT, 10 * KEPT))


def test_this_ray_keeps_its_records_where_we_bound_them() -> None:
    """A Ray that renames them would let the driver grow again, silently."""
    assert "_output_blocks_stats" in MapOperator.__init__.__code__.co_names
    assert "_output_blocks_stats" in MapOperator._get_next_inner.__code__.co_names
