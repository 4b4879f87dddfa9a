"""Has Ray Data tell ``queues`` what waits."""

from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.streaming_executor import StreamingExecutor

from pipelines.queues import queues


class WatchQueues(ExecutionCallback):
    """Ray Data calls it at each step of an execution."""

    def on_execution_step(self, executor: StreamingExecutor) -> None:
        queues.look(executor)

    def after_execution_succeeds(self, executor: StreamingExecutor) -> None:
        queues.forget()

    def after_execution_fails(self, executor: StreamingExecutor, error: Exception) -> None:
        queues.forget()
