"""A source of small rows for Ray Data, each a block. Ray's workers import this module, and with it Ray."""

import time
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

POLL_S = 0.05


class Roll:
    """Counts the stages' actors that are up."""

    def __init__(self) -> None:
        self._n = 0

    def join(self) -> None:
        self._n += 1

    def n(self) -> int:
        return self._n


class Passing:
    """A stage that does nothing."""

    def __init__(self, roll: Any) -> None:
        ray.get(roll.join.remote())

    def __call__(self, row: dict[str, Any]) -> Iterable[dict[str, Any]]:
        yield row


class Numbers(Datasource):
    """So many, as ``pipelines/feed.py`` gives its requests; the first one when so many actors are up, or the stages in
    front would run ahead while those behind come up."""

    def __init__(self, n: int, roll: Any, n_stages: int) -> None:
        super().__init__()
        self._n, self._roll, self._n_stages = n, roll, n_stages

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: object = None
    ) -> list[ReadTask]:
        n, roll, n_stages = self._n, self._roll, self._n_stages

        def read() -> Iterable[pa.Table]:
            while ray.get(roll.n.remote()) < n_stages:
                time.sleep(POLL_S)
            for number in range(n):
                yield pa.Table.from_pylist([{"number": number}])

        metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(read, metadata)]
