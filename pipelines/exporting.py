"""A run's metrics, kept up while it goes on: gathers what is known at each look and has it exported."""

import logging
import time
from collections.abc import Mapping

from actors.errors import TransientError
from actors.store.permits import Permits
from actors.store.run_counts import RunCounts
from cluster.telemetry import MachineSight
from pipelines.exporter import Exporter
from pipelines.readings import Source, machine_readings, run_readings, source_readings, stage_readings
from pipelines.tally import Tally
from pipelines.timeline import Timeline

logger = logging.getLogger(__name__)

SOURCES_EVERY_S = 5.0
"""How often the governor's rows are read; in between what was read is told again, since Ray forgets a gauge
that isn't set for two of its intervals."""


class RunExport:
    """One run's; for the watcher's thread.

    Args:
        n_cpus: cores that the run may use.
    """

    def __init__(self, exporter: Exporter, permits: Permits, n_cpus: float) -> None:
        self._exporter, self._permits, self._n_cpus = exporter, permits, n_cpus
        self._sources: Mapping[str, Source] = {}
        self._clock_ahead_s = 0.0
        self._asked_at: float | None = None

    def look(
        self, counts: RunCounts, stages: Mapping[str, Tally], timeline: Timeline, machine: MachineSight | None, *,
        line_s: float, tail_s: float | None,
    ) -> None:  # fmt: skip
        """Export the run as it is now. Seconds as in ``run_readings``."""
        self._exporter.export(stage_readings(stages, timeline))
        self._exporter.export(run_readings(counts, line_s, tail_s))
        if machine is not None:
            self._exporter.export(machine_readings(machine, self._n_cpus))
        self._read_sources()
        self._exporter.export(source_readings(self._sources, time.monotonic() + self._clock_ahead_s))

    def _read_sources(self) -> None:
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at < SOURCES_EVERY_S:
            return
        self._asked_at = now
        try:
            buckets, now_s = self._permits.buckets()
        except TransientError as error:  # away for the moment
            logger.warning("the governor's state can't be exported: %s", error)
            return
        self._clock_ahead_s = now_s - time.monotonic()
        self._sources = {
            site: Source(site, bucket, self._permits.policy(site)) for site, bucket in buckets.items()
        }
