"""A run's metrics, kept up while it goes on: gathers what is known at each look and has it exported.

Ray forgets a gauge that isn't set for two of its intervals (of 5 s). So ``look`` asks nobody: what the database has to
say is asked by ``ask_sources``, elsewhere, and what it said last is exported until it says more.
"""

import logging
import time
from collections.abc import Mapping

from actors.errors import TransientError
from actors.store.run_counts import RunCounts
from actors.store.run_queue import RunQueue
from cluster.telemetry import MachineSight
from pipelines.exporter import Exporter
from pipelines.readings import Source, machine_readings, run_readings, source_readings, stage_readings
from pipelines.tally import Tally
from pipelines.timeline import Timeline

logger = logging.getLogger(__name__)

SOURCES_EVERY_S = 5.0
"""How often the governor's rows are read."""


class RunExport:
    """One run's. ``look`` is for one thread, ``ask_sources`` for one, the same or another.

    Args:
        queue: says what is known of each source, on a cluster of all nodes' exits.
        n_cpus: cores that the run may use.
    """

    def __init__(self, exporter: Exporter, queue: RunQueue, n_cpus: float) -> None:
        self._exporter, self._queue, self._n_cpus = exporter, queue, n_cpus
        self._sources: tuple[Mapping[str, Source], float] = {}, 0.0
        """With how far the governor's clock is ahead of ours, in seconds."""
        self._asked_at: float | None = None

    def look(
        self, counts: RunCounts, stages: Mapping[str, Tally], timeline: Timeline, machine: MachineSight | None, *,
        line_s: float, tail_s: float | None, database_away_s: float,
    ) -> None:  # fmt: skip
        """Export the run as it is now. Counts and seconds as in ``run_readings``."""
        self._exporter.export(stage_readings(stages, timeline))
        self._exporter.export(run_readings(counts, line_s, tail_s, database_away_s))
        if machine is not None:
            self._exporter.export(machine_readings(machine, self._n_cpus))
        sources, ahead_s = self._sources
        self._exporter.export(source_readings(sources, time.monotonic() + ahead_s))

    def ask_sources(self) -> None:
        """Read what the governor knows, if that is due; may take as long as the database is away."""
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at < SOURCES_EVERY_S:
            return
        self._asked_at = now
        try:
            buckets, now_s = self._queue.buckets()
        except TransientError as error:  # away for the moment
            logger.warning("the governor's state can't be exported: %s", error)
            return
        sources = {
            site: Source(site, tuple(exits), self._queue.policy(site)) for site, exits in buckets.items()
        }
        self._sources = sources, now_s - time.monotonic()
