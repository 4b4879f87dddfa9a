"""The head of the line: a Ray Data source that claims videos from the ledger as the line has room.

The ledger is the queue. The source holds no list: it takes what is due, a few at a time, waits for what
soon will be, and stops when nothing is left that could still come (``actors/store/outlook.py``). Ray Data
asks a source for everything at once and counts only bytes, which ids have none of; so the look-ahead is
kept here, by what the ledger says is not prepared yet. A worker that dies in between leaves nothing to count wrong.

Ray runs a task that died again, and drops as many of the second attempt's rows as it had from the first:
a source must give the same rows each time. What a claim gives depends on the moment, so a second attempt
is refused: the pass ends, what it held goes back to the queue, and the next pass claims it.
"""

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from actors.rows import Request
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.run_queue import RunQueue
from pipelines import wire
from pipelines.context import RunContext

POLL_S = 0.25
LONGEST_POLL_S = 1.0
"""A look at a queue of 100,000 videos that may not be taken yet costs the database a tenth of a second."""
IDLE_POLL_S = 5.0
"""Where nothing is being fetched only time brings something; but another run may give back what it held."""


class Feed(Datasource):
    """Claimed requests, one a block."""

    def __init__(self, context: RunContext) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._context = context
        self._token = uuid.uuid4().hex

    def get_name(self) -> str:
        return "Claim"

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: object = None
    ) -> list[ReadTask]:
        context, token = self._context, self._token

        def read() -> Iterable[pa.Table]:
            is_first: Any = ray.get(context.scoreboard.enter_source.remote(token))
            if not is_first:
                raise RuntimeError("the source of this pass died; its rows can't be given a second time")
            for request in claims(context):
                yield pa.Table.from_pylist([wire.pack(request)])

        metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(read, metadata)]


def claims(context: RunContext) -> Iterator[Request]:
    """Requests as the line has room for them, until nothing is due that is worth waiting for."""
    with Database(context.database_url, pool_size=1) as database:
        ledger, queue = Ledger(database), RunQueue(database, context.run_id, context.settings)
        pause_s = POLL_S
        while True:
            n_ahead = ledger.n_look_ahead(context.run_id)
            room = context.settings.ray.look_ahead_videos - n_ahead
            claimed = queue.take(room) if room > 0 else []
            yield from claimed
            if claimed:
                pause_s = POLL_S
            elif n_ahead > 0:
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_POLL_S)
            else:
                outlook = queue.outlook()
                if outlook.exhausted(context.settings.retry.patience_s):
                    return
                time.sleep(outlook.pause_s(POLL_S, IDLE_POLL_S))
