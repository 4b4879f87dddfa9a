"""The ledger and the corpus as documents: what ``status`` and ``show`` print."""

from dataclasses import asdict
from typing import Any

from actors.errors import PermanentError
from actors.store import status as ledger
from actors.store.database import Database
from actors.store.redo import unfinished
from actors.store.speakers import hours_by_speaker
from actors.store.vectors import active_model, models, n_missing
from pipelines.audit import inspect
from pipelines.spoken import speakers_of, spoken_document

SHOWN = (
    "id",
    "url",
    "title",
    "status",
    "stage",
    "code",
    "reason",
    "remedy",
    "permanent",
    "attempts",
    "not_before",
    "in_corpus",
    "redo",
)


def status_document(database: Database, *, with_videos: bool, with_failed: bool) -> dict[str, Any]:
    """Counts, models and rates; rows where they are asked for."""
    corpus = ledger.corpus_size(database)
    run = ledger.last_run(database)
    document: dict[str, Any] = {
        "by_status": ledger.by_status(database),
        "to_be_done_again": unfinished(database),
        "corpus": corpus,
        "models": [
            {
                "name": m.name,
                "dim": m.dim,
                "active": m.active,
                "vectors": corpus["segments"] - n_missing(database, m),
            }
            for m in models(database)
        ],
        "speakers": spoken_document(hours_by_speaker(database)),
        "quality": inspect(database, active_model(database)).document(),
        "processing_rate": asdict(ledger.processing_rate(database)),
        "last_run": None,
    }
    if run is not None:
        rate = asdict(ledger.run_rate(database, run["run_id"]))
        document["last_run"] = {
            key: run[key] for key in ("run_id", "started_at", "finished_at", "outcome", "figures")
        } | {"rate": rate}
    if with_videos:
        document["videos"] = [_row(v) for v in ledger.videos(database) if v.kind != "list"]
    if with_failed:
        document["failed"] = [_row(v) for v in ledger.videos(database, status="failed")]
    return document


def _row(video: ledger.VideoStatus) -> dict[str, Any]:
    values = asdict(video)
    return {name: values[name] for name in SHOWN}


def video_document(database: Database, video_id: str) -> dict[str, Any]:
    """A stored video with its segments.

    Raises:
        PermanentError: it isn't in the corpus; the message says how it stands.
    """
    view = ledger.show(database, video_id)
    if view is None:
        known = ledger.video(database, video_id)
        standing = (
            f"it is {known.status}" + (f" ({known.reason})" if known.reason else "")
            if known
            else "no such id"
        )
        raise PermanentError(
            f"{video_id} is not in the corpus: {standing}",
            code="not_stored",
            remedy="`run.py status --videos` lists what is known",
        )
    return {**view.source, "speakers": speakers_of(view.segments), "segments": view.segments}
