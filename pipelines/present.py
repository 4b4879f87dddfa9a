"""Results as text for people, out of the same documents that ``--json`` prints. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from configs.report import ReportSettings
from pipelines import accounts, quality, report, spoken
from pipelines.outcome import Outcome
from pipelines.progress import duration
from pipelines.recipe_change import tell
from pipelines.report import report_document
from pipelines.sources import Refused

SNIPPET = 200
"""Characters of a segment that a list of hits shows."""
STILL_SERVED = "its earlier version is served"


def outcome_document(outcome: Outcome, refused: Sequence[Refused], prices: ReportSettings) -> dict[str, Any]:
    """A run's end as plain data."""
    counts = asdict(outcome.counts)
    return {
        "run": outcome.run_id,
        "interrupted": outcome.interrupted,
        "asked": asdict(outcome.asked),
        "counts": counts,
        "unaccounted": outcome.unaccounted,
        **report_document(outcome.figures(), prices),
        "accounts": outcome.accounts.document() if outcome.accounts else None,
        "quality": outcome.quality.document() if outcome.quality else None,
        "differences": [line for each in outcome.differences for line in each.told()],
        "failed": outcome.failed,
        "turned_away": outcome.turned_away,
        "refused": [asdict(each) for each in refused],
        "speakers": spoken.spoken_document(outcome.spoken),
        "recipe_change": outcome.recipe_change.document(),
        "embed_model": outcome.embed_model,
        "search_model": outcome.search_model,
        "notices": list(outcome.notices),
    }


def exit_code(document: dict[str, Any]) -> int:
    """0 all well, 1 something failed, was refused or does not add up, 130 interrupted."""
    if document.get("interrupted"):
        return 130
    counts = document.get("counts", {})
    if document.get("relabelled", {}).get("undecided"):
        return 1
    wrong = ("unaccounted", "refused", "left_out", "differences")
    return 1 if counts.get("failed") or any(document.get(each) for each in wrong) else 0


def outcome(document: dict[str, Any]) -> Iterator[str]:
    counts, asked = document["counts"], document["asked"]
    known = [
        f"{asked[name]} {words}"
        for name, words in (
            ("stored", "stored already"), ("stored_other_recipe", "stored already, made by other settings"),
            ("skipped_before", "skipped before"), ("failed_before", "failed for good before"),
            ("not_due", "failed before and not due yet"), ("duplicate", "named twice"),
        )
        if asked.get(name)
    ]  # fmt: skip
    if known:
        yield "Not done again: " + ", ".join(known)
    if asked.get("failed_before") or asked.get("not_due"):
        yield "  `run.py status --failed` says why and what to do; `run.py retry --all`, or --code CODE, tries again"
    yield from tell({**document["recipe_change"], "begun": []})  # that was said before, and is done
    yield (
        f"Run {document['run']}: {counts['stored']} stored, {counts['skipped']} skipped, {counts['failed']} failed"
        + (f", {counts['held_elsewhere']} in another run's hands" if counts["held_elsewhere"] else "")
    )
    if counts["stored"]:
        yield (
            f"{document['audio_h']:.2f} h of audio in {duration(document['line_s'])}"
            f" ({document['speed_h_per_h']:.0f} h/h); with starting and stopping {duration(document['wall_s'])}"
        )
    if document["stages"]:
        yield from report.told_of_stages(document)
    if document.get("accounts"):
        yield from accounts.told(document["accounts"])
    if document.get("quality"):
        yield from quality.told(document["quality"])
    yield from spoken.told(document["speakers"])
    for video in document["failed"]:
        served = f" ({STILL_SERVED})" if video["in_corpus"] else ""
        yield f"  failed {video['id']} ({video['code']}): {_why(video)}{served}"
    yield from left_out(document["refused"])
    for source in document["turned_away"]:
        yield (
            f"  {source['videos']} left on the queue: {source['site']} turned us away and pauses until"
            f" {_moment(source['until'])}; {_way_on(document)} goes on from here"
        )
    if document["search_model"] != document["embed_model"]:
        yield (
            f"Search goes on with {document['search_model']}: {document['embed_model']} covers less of the corpus;"
            " `run.py reprocess --from embed` gives it the rest"
        )
    if document["interrupted"]:
        yield f"Stopped. What was finished is kept; {_way_on(document)} goes on from here."
    yield from document.get("differences") or ()


def left_out(refused: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Sources that could not be taken at all."""
    for each in refused:
        yield f"  left out {each['source']} ({each['code']}): {each['reason']}"


def _way_on(document: dict[str, Any]) -> str:
    if document.get("forced"):
        return "the same command without --force"
    if "from" in document:
        return "the same command with --where status=pending"
    return "the same command"


def relabelling(document: dict[str, Any]) -> Iterator[str]:
    """What ``reprocess --from identify`` did, or would do, to labels."""
    n_cut = len(document["to_cut"])
    yield (
        f"Who spoke was told anew in {document['videos']:,} videos in {document['wall_s']:.1f} s:"
        f" {document['segments']:,} segments of {document['relabelled']:,} videos have other labels"
        + (f", and {n_cut:,} videos must be cut again, since speakers change elsewhere" if n_cut else "")
    )
    for video_id in document["undecided"]:
        yield f"  {video_id} keeps its labels: deciding failed, and the log says why; please report it"
    if document["stored_meanwhile"]:
        yield f"  {document['stored_meanwhile']:,} were stored anew meanwhile, and are as they should be"


def relabelled(document: dict[str, Any]) -> Iterator[str]:
    yield from relabelling(document["relabelled"])
    for video in document["left_out"]:
        yield f"  left out {video['id']}  {video['title']}: slices of it are no longer in the ledger"
    if "run" in document:
        yield from outcome(document)
    else:
        yield from spoken.told(document["speakers"])


def rehearsal(document: dict[str, Any]) -> Iterator[str]:
    for video in [*document["would_ingest"], *document["passed_over"]]:
        length = f"{duration(video['duration_s'])} " if video.get("duration_s") else ""
        yield f"{video['id']}  {length}{video.get('title') or ''}  {video['url']}  [{video['standing']}]"
    yield f"{len(document['would_ingest'])} videos would be ingested, {len(document['passed_over'])} passed over"
    for each in document["refused"]:
        yield f"left out {each['source']} ({each['code']}): {each['reason']}"


def hits(document: dict[str, Any]) -> Iterator[str]:
    if not document["hits"]:
        yield "nothing found"
    for number, hit in enumerate(document["hits"], start=1):
        text = hit["text"] if len(hit["text"]) <= SNIPPET else hit["text"][:SNIPPET].rsplit(" ", 1)[0] + " …"
        speaker = f" · {hit['speaker']}" if hit["speaker"] else ""
        yield f"{number}. {hit['title']}{speaker} · {clock(hit['start_s'])}–{clock(hit['end_s'])}"
        yield f"   {text}"
        yield f"   {hit['url']}"


def video(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['title']} · {clock(document['duration_s'] or 0)} · {document['url']}"
    said = [f"{each['speaker'] or 'unknown'} {clock(each['seconds'])}" for each in document["speakers"]]
    yield "Speakers: " + ", ".join(said)
    for segment in document["segments"]:
        speaker = f"{segment['speaker']}: " if segment["speaker"] else ""
        yield f"[{clock(segment['start_s'])}–{clock(segment['end_s'])}] {speaker}{segment['text']}"


def status(document: dict[str, Any]) -> Iterator[str]:
    by_status = document["by_status"]
    yield "Ledger: " + (", ".join(f"{n} {name}" for name, n in by_status.items() if n) or "empty")
    again = document["to_be_done_again"]
    if again["to_do"]:
        yield f"  {again['to_do']} stored videos are on the queue to be done again; {STILL_SERVED}"
    if again["not_done"]:
        yield f"  {again['not_done']} stored videos could not be done again; {STILL_SERVED}"
    corpus = document["corpus"]
    yield f"Corpus: {corpus['videos']} videos, {corpus['audio_h']:.2f} h, {corpus['segments']} segments"
    for model in document["models"]:
        active = ", used by search" if model["active"] else ""
        yield f"  vectors of {model['name']} ({model['dim']}): {model['vectors']}{active}"
    rate, run = document["processing_rate"], document["last_run"]
    if rate["throughput"]:
        yield f"Last 24 h: {rate['videos']} videos, {rate['throughput']:.0f} h of audio an hour from the first stored to the last"
    if run is not None:
        speed = run["rate"]["throughput"]
        yield f"Run {run['run_id']} ({run['outcome'] or 'running'}): {run['rate']['audio_h']:.2f} h" + (
            f" at {speed:.0f} h/h from start to finish" if speed else ""
        )
    yield from quality.told(document["quality"])
    yield from spoken.told(document["speakers"])
    for row in document.get("videos") or document.get("failed", []):
        why = f" ({row['code']}) {_why(row)}" if row["reason"] else ""
        served = f" [{STILL_SERVED}]" if row["in_corpus"] and row["status"] != "stored" else ""
        yield f"{row['status']:8} {row['id']}  {row['title'] or row['url']}{why}".rstrip() + served


def nothing_due(document: dict[str, Any]) -> Iterator[str]:
    """What ``retry`` says where it has nothing to do."""
    if not document["later"]:
        yield "Nothing failed for now: there is nothing to try again."
        return
    n = document["later"]
    yield (
        f"Nothing is due. {n} {'video' if n == 1 else 'videos'} failed for now; the next is due"
        f" {_moment(document['next_due'])}. --all does not wait for it."
    )


def _why(row: dict[str, Any]) -> str:
    """Reason and remedy of a row, and when it is tried again."""
    due = f"Due {_moment(row['not_before'])} (attempt {row['attempts'] + 1})" if row["not_before"] else ""
    return " ".join(filter(None, (f"{row['reason']}.", f"{row['remedy']}." if row["remedy"] else "", due)))


def _moment(at: datetime) -> str:
    """A time as the reader's own clock shows it."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def migrations(document: dict[str, Any]) -> Iterator[str]:
    yield "Applied: " + ", ".join(document["applied"]) if document["applied"] else "The schema is up to date."


def stopped(document: dict[str, Any]) -> Iterator[str]:
    yield (
        "The embedded database is stopped."
        if document["stopped"]
        else "The embedded database was not running."
    )


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
