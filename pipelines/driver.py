"""A run from start to end: ask the ledger, drive the line if there is work for it, account for every row.

Holds no video's data: rows end in the database, and what remains here is counts.
"""

import logging
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime

from actors.errors import EarmarkError
from actors.fetch.archive import AudioArchive
from actors.rows import RunId
from actors.store.asking import Wanted
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.permits import Permits
from actors.store.recipes import begun_otherwise, note_recipe, stored_otherwise
from actors.store.run_queue import RunQueue
from actors.store.runs import RunRegistry
from actors.store.speakers import hours_by_speaker
from actors.store.standing import Asked
from actors.store.status import videos
from actors.store.tunings import kept_tunings
from actors.store.vectors import ensure_model, prefer
from actors.text.models import embedding_name
from cluster import mps
from cluster.telemetry import MachineSampler
from pipelines.audit import audit
from pipelines.context import run_name
from pipelines.course import Course
from pipelines.drive import Drive
from pipelines.exporter import Exporter
from pipelines.exporting import RunExport
from pipelines.gate import Gate
from pipelines.lookout import look_into_lists
from pipelines.outcome import Outcome, hardware_document, turned_away
from pipelines.progress import Display
from pipelines.recipe_change import RecipeChange, tell
from pipelines.run_plan import Plan
from pipelines.signals import postponed
from pipelines.tuned import Surroundings, tuned_speed

logger = logging.getLogger(__name__)


def run(items: Iterable[Wanted], plan: Plan, display: Display) -> Outcome:
    """Ingest these items and say how it went.

    Raises:
        ConfigError: something that no video is to blame for: a model that can't be loaded, a database
            of another dimension. Nothing is lost; the same command goes on once it is mended.
        LeaseLost: another run took this one for dead and took over.
        TransientError: the line broke and broke again, or came to a standstill.
    """
    embed = plan.settings.embed
    hardware = hardware_document(plan.hardware)
    with (
        Database(plan.database_url, pool_size=2) as database,
        RunRegistry(plan.database_url) as registry,
        MachineSampler() as sampler,
        ExitStack() as waiting,
    ):
        table = ensure_model(database, embedding_name(embed), embed.dimensions)
        ledger = Ledger(database)
        waiting.enter_context(postponed())  # a run that is open is to be closed
        run_id = registry.open_run(plan.settings.model_dump(mode="json"))
        queue = RunQueue(database, run_id, plan.settings)
        permits = Permits.of(database, plan.settings.governor, plan.settings.download)
        export = None
        if plan.settings.report.metrics:
            export = RunExport(Exporter(run_name(run_id)), queue, plan.hardware.n_cpus)
        course = Course(registry, sampler, hardware, export, _probes(database, plan), plan.notes)
        drive = Drive(plan, run_id, database, queue, registry, display, course)
        started, asked, change = time.monotonic(), Asked(), RecipeChange()

        def close(how: str) -> Outcome:
            """Give back what is in hand, account for every row, end the run in the ledger."""
            ledger.release(run_id, forgive=drive.interrupted or drive.refused)
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
                turned_away=put_off, notices=drive.notices, hardware=hardware, course=course,
            )  # fmt: skip
            registry.close_run(how, outcome.figures(), course.timeline.document())
            return outcome

        try:
            waiting.close()
            asked, change = _ask(database, ledger, run_id, items, plan)
            for line_told in tell(change.document()):
                display.say(line_told)
            gate = Gate(permits, ledger)
            looked = look_into_lists(
                ledger, queue, gate, run_id, plan.settings, plan.home.cache_dir,
                force=plan.force, limit=plan.limit,
            )  # fmt: skip
            if looked.work_is_left:
                drive()
            else:
                asked += looked.asked
        except KeyboardInterrupt:  # while sources were read, or Ray came up or went down
            drive.interrupted = True
        except BaseException:
            try:
                close("failed")
            except EarmarkError as error:  # what ended the run is what the user must hear of
                logger.error("run %d can't be closed in the ledger: %s", run_id, error)
            raise
        outcome = close("interrupted" if drive.interrupted else "finished")
        AudioArchive(plan.home.audio_dir, plan.settings.archive).sweep(ledger.unended)
        in_use = prefer(database, table)
        spoken = hours_by_speaker(database, run_id)
    return replace(outcome, embed_model=table.name, search_model=in_use.name, spoken=tuple(spoken))


def _probes(database: Database, plan: Plan) -> dict[str, float]:
    """What stages of this run did by themselves when they were measured on this machine, in hours of audio an hour."""
    if plan.stages is not None:  # another engine, or another line
        return {}
    around = Surroundings(plan.settings, plan.hardware, mps.is_running())
    speed = tuned_speed(kept_tunings(database), around, plan.pools.n_transcribers)
    return {} if speed is None else {"Transcribe": speed}


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
