"""What the commands do: open the database, call, print. Text for people, or one JSON document."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from actors.errors import ConfigError, EarmarkError
from actors.fetch.identity import SourceItem, identify
from actors.rows import Start
from actors.store.asking import Wanted
from actors.store.database import Database
from actors.store.speakers import hours_by_speaker, speaker_meant
from configs.home import home
from configs.settings import Settings
from pipelines import present, spoken
from pipelines.corpus import open_database
from pipelines.printing import answer
from pipelines.sources import Refused, read_sources

if TYPE_CHECKING:
    from cluster.resources import Hardware, TunedActors
    from pipelines.relabel import Relabelling
    from pipelines.reprocess import Intended

logger = logging.getLogger(__name__)


def ingest_sources(
    sources: Sequence[str], from_file: str | None, settings: Settings, limit: int | None,
    force: bool, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Ingest, or with ``dry_run`` only say what would be; gives the exit code."""
    refused: list[Refused] = []
    named = read_sources(sources, from_file)

    def accepted() -> Iterator[SourceItem]:
        for item in named:
            if isinstance(item, Refused):
                refused.append(item)
            else:
                yield item

    if dry_run:
        from pipelines.rehearsal import rehearse

        document: dict[str, Any] = rehearse(accepted(), settings, home(), refused, limit=limit, force=force)
        document["refused"] = [asdict(each) for each in refused]
        answer(document, present.rehearsal, as_json)
    else:
        try:
            outcome = _ingest(accepted(), settings, limit=limit, force=force)
        except EarmarkError:
            for line in present.left_out(
                [asdict(each) for each in refused]
            ):  # they are in no ledger, and would be named nowhere
                click.echo(line, err=True)
            raise
        document = present.outcome_document(outcome, refused, settings.report) | {"forced": force}
        answer(document, present.outcome, as_json)
    return present.exit_code(document)


def ingest_items(urls: Sequence[str], settings: Settings) -> Any:
    """Ingest these addresses, as ``ingest`` would."""
    return _ingest([identify(url) for url in urls], settings)


def reprocess_videos(
    start: Start, where: Sequence[str], settings: Settings, limit: int | None, dry_run: bool, as_json: bool
) -> int:
    """Do stored videos again, or with ``dry_run`` only say which; gives the exit code."""
    from pipelines import reprocess

    intended = reprocess.intend(settings, start, where, limit)
    if dry_run or not intended.videos:
        document = intended.document()
        if start == "identify" and intended.videos:
            document["relabelled"] = _labels(intended, settings, write=False).document()
        answer(document, reprocess.told, as_json)
        return 1 if document["left_out"] else 0
    if start == "identify":
        return _relabel(intended, settings, as_json)
    outcome = _ingest([], settings, intended=intended)
    document = present.outcome_document(outcome, [], settings.report) | {
        "from": start,
        "left_out": intended.document()["left_out"],
    }
    answer(document, present.outcome, as_json)
    return present.exit_code(document)


def _relabel(intended: "Intended", settings: Settings, as_json: bool) -> int:
    """Say anew who spoke: in place where that is possible, by the line where speakers change elsewhere."""
    done = _labels(intended, settings, write=True)
    with Database(open_database(settings, home()), pool_size=1) as database:
        spoken_now = hours_by_speaker(database)
    document: dict[str, Any] = {"from": "identify", "relabelled": done.document()}
    document |= {"left_out": intended.document()["left_out"], "speakers": spoken.spoken_document(spoken_now)}
    if not done.to_cut:
        answer(document, present.relabelled, as_json)
        return present.exit_code(document)
    outcome = _ingest(
        [],
        settings,
        intended=replace(intended, start="segment", videos=done.to_cut, left_out=()),
        reuse_vectors=True,
    )
    document |= present.outcome_document(outcome, [], settings.report)
    answer(document, present.relabelled, as_json)
    return present.exit_code(document)


def _labels(intended: "Intended", settings: Settings, *, write: bool) -> "Relabelling":
    from cluster.hardware import find_hardware
    from pipelines.relabel import relabel_stored

    url, n_cpus = open_database(settings, home()), find_hardware().n_cpus
    return relabel_stored(url, intended.videos, settings, write=write, n_cpus=n_cpus)


def _ingest(
    items: Iterable[Wanted], settings: Settings, *, limit: int | None = None, force: bool = False,
    intended: "Intended | None" = None, reuse_vectors: bool = False,
) -> Any:  # fmt: skip
    from cluster.resources import DoesNotFit, plan_pools
    from pipelines import preflight

    preflight.check(settings)
    try:
        hardware = preflight.hardware(settings)
        pools = plan_pools(settings, hardware)
    except DoesNotFit as error:
        raise ConfigError(str(error), code="does_not_fit") from error
    place = home()
    url = open_database(settings, place)
    if settings.transcribe.actors == "auto":
        pools = plan_pools(settings, hardware, _tuned_actors(url, settings, hardware))
    from actors.store.slots import slots
    from pipelines.connections import demand_connections
    from pipelines.driver import run
    from pipelines.ingest import line
    from pipelines.native_log import run_log
    from pipelines.progress import Display
    from pipelines.run_plan import Plan

    place.create()
    with run_log(place.logs_dir / f"ingest-{datetime.now(UTC):%Y%m%d-%H%M%S}.log") as terminal:
        display = Display(Console(file=terminal))
        plan = Plan(settings, url, place, hardware, pools, force, limit)
        if intended is not None:
            from pipelines.reprocess import line_from

            for told in intended.lines():
                display.say(told)
            stages = line_from(intended.start, settings, pools)
            plan = replace(plan, redo=intended.redo, stages=stages, reuse_vectors=reuse_vectors)
        warning = demand_connections(plan.stages or line(settings, pools), slots(url))
        plan = replace(plan, warnings=(warning,) if warning else ())
        for note in (*plan.notes, *preflight.notices(settings)):
            display.say_once(note)
        return run(items, plan, display)


def _tuned_actors(url: str, settings: Settings, hardware: "Hardware") -> "TunedActors | None":
    """How many recognisers a sweep on this machine found best."""
    from actors.store.tunings import kept_tunings
    from cluster import mps
    from pipelines import tuned

    with Database(url, pool_size=1) as database:
        around = tuned.Surroundings(settings, hardware, mps.is_running())
        return tuned.tuned_actors(kept_tunings(database), around)


def retry_failed(settings: Settings, codes: Sequence[str], every: bool, as_json: bool) -> int:
    """Ingest again what failed for now and is due; gives the exit code.

    Args:
        codes: only failures with one of these, those for good too; none given: all for now.
        every: what isn't due yet, too.
    """
    from actors.store import retries

    with Database(open_database(settings, home())) as database:
        if every:
            retries.bring_forward(database, codes)
        if codes:
            retries.reopen(database, codes)
        found = retries.overview(database, codes)
        if not found.due:
            answer({"run": None, **asdict(found)}, present.nothing_due, as_json)
            return 0
        outcome = _ingest(retries.due(database, codes), settings)
    document = present.outcome_document(outcome, [], settings.report)
    answer(document, present.outcome, as_json)
    return present.exit_code(document)


def show_status(settings: Settings, videos: bool, failed: bool, as_json: bool) -> None:
    """Print the ledger's counts, the corpus's size, speeds; with ``videos`` or ``failed`` the rows."""
    from pipelines.standing import status_document

    with Database(open_database(settings, home())) as database:
        document = status_document(database, with_videos=videos, with_failed=failed)
    answer(document, present.status, as_json)


def show_video(settings: Settings, video_id: str, as_json: bool) -> None:
    """Print one stored video.

    Raises:
        PermanentError: it isn't stored; the message says how it stands.
    """
    from pipelines.standing import video_document

    with Database(open_database(settings, home())) as database:
        document = video_document(database, video_id)
    answer(document, present.video, as_json)


def search_corpus(settings: Settings, query: str, limit: int, filters: dict[str, Any], as_json: bool) -> None:
    """Print the segments that answer ``query`` best.

    Raises:
        ConfigError: nothing is stored, or nobody is called what ``filters`` names as the speaker.
    """
    from pipelines.finder import Finder

    if filters.get("speaker") is not None:  # before a model is loaded
        with Database(open_database(settings, home())) as database:
            filters = {**filters, "speaker": speaker_meant(database, filters["speaker"])}
    with Finder(settings, home()) as finder:
        found = finder.find(query, limit=limit, filters=_whole_days(filters))
    answer({"query": query, "hits": found}, present.hits, as_json)


def _whole_days(filters: dict[str, Any]) -> dict[str, Any]:
    """Days as a person means them, in UTC: the last one counts whole."""
    since, until = filters.pop("since", None), filters.pop("until", None)
    return {
        **filters,
        "since": since.replace(tzinfo=UTC) if since else None,
        "until": until.replace(tzinfo=UTC) + timedelta(days=1) if until else None,
    }


def migrate_database(settings: Settings, as_json: bool) -> None:
    """Bring the schema to this version and say what was applied."""
    from actors.store.migrations import migrate
    from pipelines.corpus import database_url

    applied = migrate(database_url(settings, home()))
    answer({"applied": list(applied)}, present.migrations, as_json)


def stop_database(as_json: bool) -> None:
    """Stop the embedded database of this home."""
    from actors.store.embedded import stop_server

    answer({"stopped": stop_server(home().database_dir)}, present.stopped, as_json)
