"""Keeps the driver's memory flat: Ray Data remembers the statistics of every block of a run.

It keeps a record a block and stage, for the summary that a program may ask for at the end; ours has its own
figures. At one row a block that is 10 kB a video, a gigabyte for 100,000 of them, and nothing bounds it.
"""

from collections import deque

from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.streaming_executor import StreamingExecutor

KEPT = 200
"""Blocks of each stage that the summary is made of."""
_RECORDS = "_output_blocks_stats"


class ForgetBlocks(ExecutionCallback):
    """Bounds those records; Ray Data calls it at the start of every execution."""

    def before_execution_starts(self, executor: StreamingExecutor) -> None:
        for operator in executor._topology or ():
            if isinstance(getattr(operator, _RECORDS, None), list):
                setattr(operator, _RECORDS, deque(getattr(operator, _RECORDS), maxlen=KEPT))
