"""The part of a run in which Ray is up: start it, drive the line until nothing is left, take it down."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from math import ceil
from typing import cast

import ray

from actors.errors import ConfigError, EarmarkError, TransientError
from actors.rows import RunId
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry
from cluster.capacity import Sum, usable
from cluster.cluster_telemetry import ClusterSampler
from cluster.connect import Engine, beside_the_driver, engine
from cluster.scrape_target import scrape_target
from pipelines.booking import booked, demand_room
from pipelines.context import RunContext, run_name
from pipelines.course import Course
from pipelines.engine_guard import EngineGuard
from pipelines.ingest import build, line
from pipelines.last_resort import LastResort
from pipelines.progress import Display
from pipelines.run_plan import Plan
from pipelines.scoreboard import Scoreboard
from pipelines.signals import interruptible
from pipelines.stage import StageSpec
from pipelines.tally import Board, Tally
from pipelines.watcher import Watcher

logger = logging.getLogger(__name__)

MAX_PASSES = 5
"""Times the line may leave rows behind and be driven again for them, before the run gives up on them."""
IDLE_PASSES = 2
"""So many in a row that settled no video are enough: one may have broken before it could."""


class Drive:
    """The part of a run in which Ray is up."""

    def __init__(
        self, plan: Plan, run_id: RunId, database: Database, queue: RunQueue, registry: RunRegistry,
        display: Display, course: Course,
    ) -> None:  # fmt: skip
        self._plan, self._run_id, self._queue = plan, run_id, queue
        self._database, self._ledger = database, Ledger(database)
        self._registry, self._display, self._course = registry, display, course
        self._ended_at = 0.0
        self._began_at: float | None = None
        self.interrupted = False
        self.refused = False
        """A stage could not start: what others had in hand was cut short from outside."""
        self.stages: dict[str, Tally] = {}
        self.notices: tuple[str, ...] = ()

    @property
    def line_s(self) -> float:
        """Seconds from the first row in hand to the last one stored."""
        return max(0.0, self._ended_at - self._began_at) if self._began_at is not None else 0.0

    def __call__(self) -> None:
        """Drive the line until nothing is left or a pass gets nowhere."""
        plan = self._plan
        stages = plan.stages or line(plan.settings, plan.pools)
        n_cpus = max(plan.hardware.n_cpus, ceil(booked(stages).cpus))
        if plan.settings.ray.address is None:  # told sooner than by starting it
            demand_room(stages, Sum(n_cpus, len(plan.hardware.gpus)))
        self._display.expected = tuple(stage.name for stage in stages)
        self._course.bounds = {stage.name: (stage.min_actors, stage.max_actors) for stage in stages}
        plan.home.keep_model_caches()
        self._display.say("Starting Ray …")
        with (
            ExitStack() as leaving,
            engine(
                plan.settings.ray, plan.home.ray_dir, n_cpus, len(plan.hardware.gpus),
                with_metrics=plan.settings.report.metrics,
            ) as started,
        ):  # fmt: skip
            if started.dashboard_url:
                self._display.say(f"Ray dashboard: {started.dashboard_url}")
            if started.metrics_address:
                self._display.say(f"Metrics: http://{started.metrics_address}/metrics")
                target = scrape_target(plan.home.metrics_dir, run_name(self._run_id), started.metrics_address)
                leaving.enter_context(target)
            demand_room(stages, usable(plan.settings.ray))
            context = RunContext(
                run_id=self._run_id, settings=plan.settings, database_url=plan.database_url,
                cache_dir=plan.home.cache_dir, models_dir=plan.home.models_dir, audio_dir=plan.home.audio_dir,
                scoreboard=beside_the_driver(Scoreboard).remote(), force=plan.force,
                reuse_vectors=plan.reuse_vectors, limit=plan.limit,
            )  # fmt: skip
            last_resort = LastResort(self._give_back, started.kill)
            watcher = Watcher(
                self._run_id, self._database, self._registry, context.scoreboard, self._display, started,
                plan.settings, self._queue, [stage.name for stage in stages], last_resort, self._course,
            )  # fmt: skip
            guard = EngineGuard(started, last_resort, self._display.say)
            leaving.callback(last_resort.call_off)
            try:
                with interruptible(), self._sampled(), self._display.running(), guard.watching():
                    with watcher.watching():
                        self._passes(context, stages, watcher, started)
                    self._keep(watcher.board)
                    self._export_end(watcher)
            except KeyboardInterrupt:
                if watcher.ended is not None:
                    raise watcher.ended from None
                self.interrupted = True
                self._display.say("Stopping …")
            finally:
                self._keep(watcher.board)

    def _keep(self, board: Board) -> None:
        self.stages, self._began_at, self.notices = board.stages(), board.began_at, board.notices

    def _export_end(self, watcher: Watcher) -> None:
        """Ray takes its Prometheus endpoint with it: give Prometheus time for the last figures, if asked to. All
        work is done, so an interruption ends this wait and nothing else."""
        settings = self._plan.settings
        with suppress(KeyboardInterrupt):
            watcher.export_end(
                self.line_s, settings.report.last_scrape_s if settings.ray.address is None else 0.0
            )

    @contextmanager
    def _sampled(self) -> Iterator[None]:
        """On a cluster all of its machines are looked at, else the driver's."""
        if self._plan.settings.ray.address is None:
            yield
            return
        with ClusterSampler() as sampler, self._course.sampled_by(sampler):
            yield

    def _give_back(self, forgive: bool) -> None:
        self._ledger.release(self._run_id, forgive=forgive)
        self._registry.close_run("failed", {})

    def _passes(
        self, context: RunContext, stages: Sequence[StageSpec], watcher: Watcher, started: Engine
    ) -> None:
        n_setbacks = n_idle = 0
        while n_setbacks < MAX_PASSES:
            settled = self._ledger.counts(self._run_id).settled
            self.refused = False
            broken = self._one_pass(context, stages, watcher)
            left = self._ledger.release(self._run_id, forgive=self.refused)
            if broken is None and not left:
                if self._queue.exhausted():
                    return
                continue  # something failed for now once its source had closed, and is due again soon
            n_setbacks += 1
            logger.warning("pass left %d videos behind (%d); see %s", left, n_setbacks, started.logs_dir)
            n_idle = n_idle + 1 if self._ledger.counts(self._run_id).settled == settled else 0
            if n_idle == IDLE_PASSES:
                if broken is not None:
                    raise TransientError(
                        f"the line broke: {str(broken).splitlines()[0]}",
                        code="line",
                        remedy=f"The same command goes on from here; Ray's logs are in {started.logs_dir}",
                    ) from broken
                return

    def _one_pass(
        self, context: RunContext, stages: Sequence[StageSpec], watcher: Watcher
    ) -> ray.exceptions.RayError | TransientError | None:
        """Drive the line once; gives what broke it, if something did.

        Raises:
            ConfigError: an actor can't start, and couldn't the next time either.
        """
        try:
            watcher.begin_pass()
            for _ in build(context, stages).iter_rows():
                self._ended_at = time.time()
        except ray.exceptions.RayError as error:
            refusal = cast("EarmarkError | None", ray.get(context.scoreboard.refusal.remote()))
            self.refused = refusal is not None
            if refusal is not None and not isinstance(refusal, TransientError):
                raise ConfigError(refusal.reason, code=refusal.code, remedy=refusal.remedy) from error
            logger.exception("the line broke")
            return refusal or error  # no memory for the moment, the database away
        return None
