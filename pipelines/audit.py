"""Asks the database for a run's sums and lets ``accounts.py`` and ``quality.py`` judge them."""

from actors.rows import RunId
from actors.store.accounting import (
    SegmentSums,
    Wordless,
    bad_segments,
    left_open,
    segment_sums,
    video_sums,
    wordless,
)
from actors.store.database import Database
from actors.store.run_counts import RunCounts
from actors.store.vectors import EmbeddingTable
from pipelines.accounts import NAMED, Accounts, account
from pipelines.quality import Quality, judge, missed

N_WORST = 5
"""Videos named for their speech without a word."""
NOTHING = SegmentSums(0, 0, 0, 0, 0, 0, 0, 0, None, {})


def audit(
    database: Database, run_id: RunId, table: EmbeddingTable, counts: RunCounts, *, interrupted: bool,
    n_put_off: int = 0,
) -> tuple[Accounts, Quality | None]:  # fmt: skip
    """The books of a run and its quality gates; no gates where it stored nothing.

    Args:
        table: the model whose vectors the run wrote.
        counts: of this run, taken after its last row was put back.
        n_put_off: videos left on the queue because their source turned us away.
    """
    open_rows = left_open(database, run_id, NAMED) if counts.pending + counts.running else []
    stored = video_sums(database, run_id, table) if counts.stored else ()
    accounts = account(counts, open_rows, stored, interrupted=interrupted, n_put_off=n_put_off)
    return accounts, inspect(database, table, run_id) if accounts.totals.videos else None


def inspect(database: Database, table: EmbeddingTable | None, run_id: RunId | None = None) -> Quality:
    """The gates of what a run stored, or without ``run_id`` of the whole corpus; ``None`` for the table:
    nothing was ever embedded."""
    if table is None:
        return Quality(NOTHING, Wordless(0.0, 0.0, 0, ()))
    sums = segment_sums(database, table, run_id)
    bad = {gate: bad_segments(database, table, gate, NAMED, run_id) for gate in missed(sums)}
    return judge(sums, wordless(database, N_WORST, run_id), bad)
