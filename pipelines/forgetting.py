"""Keeps the driver's memory flat: Ray Data remembers every block of a run, twice.

It keeps a record a block and stage, for the summary that a program may ask for at the end; ours has its own
figures. At one row a block that is 10 kB a video, a gigabyte for 100,000 of them, and nothing bounds it.

And a row from which nothing follows, a video that is skipped or a slice that doesn't complete its video, makes an empty
block. The next stage's operator counts it as queued and never as taken (Ray 2.60's ``RebundleQueue``), keeps it to the
run's end, 8 kB each, and hands all that came since the last full one to an actor beside the next. So it gets none.
"""

from collections import deque
from typing import Any

from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.interfaces import RefBundle
from ray.data._internal.execution.operators.map_operator import MapOperator
from ray.data._internal.execution.streaming_executor import StreamingExecutor

KEPT = 200
"""Blocks of each stage that the summary is made of."""
_RECORDS = "_output_blocks_stats"


class ForgetBlocks(ExecutionCallback):
    """Bounds the records and lets empty blocks go; Ray Data calls it at the start of every execution."""

    def before_execution_starts(self, executor: StreamingExecutor) -> None:
        for operator in executor._topology or ():
            if isinstance(getattr(operator, _RECORDS, None), list):
                setattr(operator, _RECORDS, deque(getattr(operator, _RECORDS), maxlen=KEPT))
            if isinstance(operator, MapOperator):
                _leave_out_empty(operator)


def _leave_out_empty(operator: Any) -> None:
    take = operator._add_input_inner

    def take_rows(refs: RefBundle, input_index: int) -> None:
        if refs.num_rows() != 0:  # ``None``: nobody counted
            take(refs, input_index)

    operator._add_input_inner = take_rows
