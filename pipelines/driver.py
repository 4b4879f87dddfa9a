"""A run from start to end: ask the ledger, start the engine, drive the line, account for every row.

Holds no video's data: rows end in the database, and what remains here is counts.
"""

import logging
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from math import ceil
from typing import cast

import ray

from actors.errors import ConfigError, EarmarkError, TransientError
from actors.fetch.identity import SourceItem
from actors.rows import RunId
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from actors.store.standing import Asked
from actors.store.status import videos
from actors.store.vectors import ensure_model, prefer
from actors.text.models import embedding_name
from cluster.connect import Engine, engine
from cluster.resources import Hardware, Pools
from configs.home import Home
from configs.settings import Settings
from pipelines.booking import Booking, booked, demand_room
from pipelines.context import RunContext
from pipelines.ingest import build, line
from pipelines.outcome import Outcome
from pipelines.progress import Display
from pipelines.scoreboard import Scoreboard, Tally
from pipelines.stage import StageSpec
from pipelines.watcher import Watcher

logger = logging.getLogger(__name__)

MAX_PASSES = 5
"""Times the line is driven again for rows that a pass left behind, before the run gives up on them."""


@dataclass(frozen=True)
class Plan:
    """What a run works with."""

    settings: Settings
    database_url: str
    home: Home
    hardware: Hardware
    pools: Pools
    force: bool = False
    limit: int | None = None
    stages: Sequence[StageSpec] | None = None
    """The line to drive; ``None``: ``pipelines.ingest.line``. A benchmark puts another engine in."""


def run(items: Iterable[SourceItem], plan: Plan, display: Display) -> Outcome:
    """Ingest these items and say how it went.

    Raises:
        ConfigError: something that no video is to blame for: a model that can't be loaded, a database
            of another dimension. Nothing is lost; the same command goes on once it is mended.
        LeaseLost: another run took this one for dead and took over.
        TransientError: the line broke and broke again, or came to a standstill.
    """
    embed = plan.settings.embed
    with Database(plan.database_url, pool_size=2) as database, RunRegistry(plan.database_url) as registry:
        table = ensure_model(database, embedding_name(embed), embed.dimensions)
        ledger = Ledger(database)
        run_id = registry.open_run(plan.settings.model_dump(mode="json"))
        drive = _Drive(plan, run_id, database, registry, display)
        started, asked, ended = time.monotonic(), Asked(), "failed"
        try:
            asked = ledger.ask(run_id, items, plan.settings.recipe(), force=plan.force, limit=plan.limit)
            if not ledger.exhausted(run_id):
                drive()
            ended = "interrupted" if drive.interrupted else "finished"
        finally:
            ledger.release(run_id, forgive=drive.interrupted)
            outcome = Outcome(
                run_id, asked, ledger.counts(run_id), wall_s=time.monotonic() - started, line_s=drive.line_s,
                interrupted=drive.interrupted, stages=drive.stages,
                failed=[asdict(video) for video in videos(database, status="failed", run_id=run_id)],
            )  # fmt: skip
            registry.close_run(ended, outcome.figures())
        prefer(database, table)
    return outcome


class _Drive:
    """The part of a run in which Ray is up."""

    def __init__(
        self, plan: Plan, run_id: RunId, database: Database, registry: RunRegistry, display: Display
    ) -> None:
        self._plan, self._run_id = plan, run_id
        self._database, self._ledger = database, Ledger(database)
        self._registry, self._display = registry, display
        self._ended_at = 0.0
        self._began_at: float | None = None
        self.interrupted = False
        self.stages: dict[str, Tally] = {}

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
            demand_room(stages, Booking(n_cpus, len(plan.hardware.gpus)))
        os.environ.setdefault("HF_HOME", str(plan.home.models_dir))  # a model's own code is cached there
        self._display.say("Starting Ray …")
        with (
            ExitStack() as leaving,
            engine(plan.settings.ray, plan.home.ray_dir, n_cpus, len(plan.hardware.gpus)) as started,
        ):
            if started.dashboard_url:
                self._display.say(f"Ray dashboard: {started.dashboard_url}")
            demand_room(stages, Booking(started.n_cpus, started.n_gpus))
            context = RunContext(
                run_id=self._run_id, settings=plan.settings, database_url=plan.database_url,
                cache_dir=plan.home.cache_dir, models_dir=plan.home.models_dir,
                scoreboard=Scoreboard.remote(), force=plan.force, limit=plan.limit,  # type: ignore[attr-defined]
            )  # fmt: skip
            watcher = Watcher(
                self._run_id, self._database, self._registry, context.scoreboard, self._display, started,
                plan.settings, [stage.name for stage in stages],
            )  # fmt: skip
            leaving.callback(watcher.last_resort.call_off)
            try:
                with _interruptible(), self._display.running(), watcher.watching():
                    self._passes(context, stages, watcher, started)
            except KeyboardInterrupt:
                if watcher.ended is not None:
                    raise watcher.ended from None
                self.interrupted = True
                self._display.say("Stopping …")
            finally:
                self.stages, self._began_at = watcher.board.stages(), watcher.board.began_at

    def _passes(
        self, context: RunContext, stages: Sequence[StageSpec], watcher: Watcher, started: Engine
    ) -> None:
        for number in range(1, MAX_PASSES + 1):
            settled = self._ledger.counts(self._run_id).settled
            broken = self._one_pass(context, stages, watcher)
            left = self._ledger.release(self._run_id)
            if broken is None and not left and self._ledger.exhausted(self._run_id):
                return
            logger.warning("pass %d left %d videos behind; see %s", number, left, started.logs_dir)
            if self._ledger.counts(self._run_id).settled == settled:
                if broken is not None:
                    raise TransientError(
                        f"the line broke: {str(broken).splitlines()[0]}",
                        code="line",
                        remedy=f"The same command goes on from here; Ray's logs are in {started.logs_dir}",
                    ) from broken
                return

    def _one_pass(
        self, context: RunContext, stages: Sequence[StageSpec], watcher: Watcher
    ) -> ray.exceptions.RayError | None:
        """Drive the line once; gives what broke it, if something did."""
        try:
            watcher.begin_pass()
            for _ in build(context, stages).iter_rows():
                self._ended_at = time.time()
        except ray.exceptions.RayError as error:
            refusal = cast("EarmarkError | None", ray.get(context.scoreboard.refusal.remote()))
            if refusal is not None:
                raise ConfigError(refusal.reason, code=refusal.code, remedy=refusal.remedy) from error
            logger.exception("the line broke")
            return error
        return None


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does. Installed after ``ray.init``, which puts its own handler."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
