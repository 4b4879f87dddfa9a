"""A run from start to end: ask the ledger, start the engine, drive the line, account for every row.

Holds no video's data: rows end in the database, and what remains here is counts.
"""

import logging
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import cast

import ray

from actors.errors import ConfigError, EarmarkError, TransientError
from actors.fetch.archive import AudioArchive
from actors.rows import RunId
from actors.store.asking import Wanted
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits
from actors.store.recipes import begun_otherwise, note_recipe, stored_otherwise
from actors.store.redo import Redo
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry
from actors.store.standing import Asked
from actors.store.status import videos
from actors.store.vectors import ensure_model, prefer
from actors.text.models import embedding_name
from cluster.connect import Engine, engine
from cluster.resources import Hardware, Pools
from configs.home import Home
from configs.settings import Settings
from pipelines.audit import audit
from pipelines.booking import Booking, booked, demand_room
from pipelines.context import RunContext
from pipelines.engine_guard import EngineGuard
from pipelines.gate import Gate
from pipelines.ingest import build, line
from pipelines.lookout import look_into_lists
from pipelines.outcome import Outcome, hardware_document, turned_away
from pipelines.progress import Display
from pipelines.recipe_change import RecipeChange, tell
from pipelines.scoreboard import Scoreboard, Tally
from pipelines.stage import StageSpec
from pipelines.watcher import Watcher

logger = logging.getLogger(__name__)

MAX_PASSES = 5
"""Times the line may leave rows behind and be driven again for them, before the run gives up on them."""
IDLE_PASSES = 2
"""So many in a row that settled no video are enough: one may have broken before it could."""


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
    redo: Redo | None = None
    """Stored videos to do again, instead of items to ask for."""


def run(items: Iterable[Wanted], plan: Plan, display: Display) -> Outcome:
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
        queue = RunQueue(database, run_id, plan.settings)
        drive = _Drive(plan, run_id, database, queue, registry, display)
        started, asked, change, ended = time.monotonic(), Asked(), RecipeChange(), "failed"
        try:
            asked, change = _ask(database, ledger, run_id, items, plan)
            for line_told in tell(change.document()):
                display.say(line_told)
            gate = Gate(Permits.of(database, plan.settings.governor, plan.settings.download), ledger)
            looked = look_into_lists(
                ledger,
                queue,
                gate,
                run_id,
                plan.settings,
                plan.home.cache_dir,
                force=plan.force,
                limit=plan.limit,
            )
            if looked.work_is_left:
                drive()
            else:
                asked += looked.asked
            ended = "interrupted" if drive.interrupted else "finished"
        except KeyboardInterrupt:  # while sources were read, or Ray came up or went down
            drive.interrupted, ended = True, "interrupted"
        finally:
            ledger.release(run_id, forgive=drive.interrupted)
            counts = ledger.counts(run_id)
            put_off = turned_away(queue.outlook(), datetime.now(UTC))
            accounts, quality = audit(
                database, run_id, table, counts, interrupted=drive.interrupted,
                n_put_off=sum(source["videos"] for source in put_off),
            )  # fmt: skip
            outcome = Outcome(
                run_id, asked, counts, wall_s=time.monotonic() - started, line_s=drive.line_s,
                interrupted=drive.interrupted, stages=drive.stages,
                failed=[asdict(video) for video in videos(database, status="failed", run_id=run_id)],
                accounts=accounts, quality=quality,
                # Entries of lists were not known before the work.
                recipe_change=replace(change, stored=stored_otherwise(database, run_id)),
                turned_away=put_off, hardware=hardware_document(plan.hardware),
            )  # fmt: skip
            registry.close_run(ended, outcome.figures())
        AudioArchive(plan.home.audio_dir, plan.settings.archive).sweep(ledger.unended)
        in_use = prefer(database, table)
    return replace(outcome, embed_model=table.name, search_model=in_use.name)


def _ask(
    database: Database, ledger: Ledger, run_id: RunId, items: Iterable[Wanted], plan: Plan
) -> tuple[Asked, RecipeChange]:
    """Put the work on the queue; gives what that came to, and what other recipes mean for it."""
    recipe, settings = plan.settings.recipe(), plan.settings.recipe_settings()
    note_recipe(database, recipe, settings)
    if plan.redo is not None:
        return ledger.redo(run_id, plan.redo, recipe), RecipeChange(recipe, settings)
    asked = ledger.ask(run_id, items, recipe, force=plan.force, limit=plan.limit)
    begun, stored = begun_otherwise(database, run_id, recipe), stored_otherwise(database, run_id)
    return asked, RecipeChange(recipe, settings, begun, stored)


class _Drive:
    """The part of a run in which Ray is up."""

    def __init__(
        self, plan: Plan, run_id: RunId, database: Database, queue: RunQueue, registry: RunRegistry,
        display: Display,
    ) -> None:  # fmt: skip
        self._plan, self._run_id, self._queue = plan, run_id, queue
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
        self._display.expected = tuple(stage.name for stage in stages)
        plan.home.keep_model_caches()
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
                cache_dir=plan.home.cache_dir, models_dir=plan.home.models_dir, audio_dir=plan.home.audio_dir,
                scoreboard=Scoreboard.remote(), force=plan.force, limit=plan.limit,  # type: ignore[attr-defined]
            )  # fmt: skip
            watcher = Watcher(
                self._run_id, self._database, self._registry, context.scoreboard, self._display, started,
                plan.settings, self._queue, [stage.name for stage in stages],
            )  # fmt: skip
            guard = EngineGuard(started, self._give_back, self._display.say)
            leaving.callback(watcher.last_resort.call_off)
            try:
                with _interruptible(), self._display.running(), guard.watching(), watcher.watching():
                    self._passes(context, stages, watcher, started)
            except KeyboardInterrupt:
                if watcher.ended is not None:
                    raise watcher.ended from None
                self.interrupted = True
                self._display.say("Stopping …")
            finally:
                self.stages, self._began_at = watcher.board.stages(), watcher.board.began_at

    def _give_back(self) -> None:
        self._ledger.release(self._run_id, forgive=True)
        self._registry.close_run("failed", {})

    def _passes(
        self, context: RunContext, stages: Sequence[StageSpec], watcher: Watcher, started: Engine
    ) -> None:
        n_setbacks = n_idle = 0
        while n_setbacks < MAX_PASSES:
            settled = self._ledger.counts(self._run_id).settled
            broken = self._one_pass(context, stages, watcher)
            left = self._ledger.release(self._run_id)
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
