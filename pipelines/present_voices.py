"""Enrolled voices as text for people, out of the same documents that ``--json`` prints. Pure."""

from collections.abc import Iterator
from typing import Any

from pipelines.present import clock

BIOMETRIC = "What is kept of a voice is biometric data: `run.py voices remove` takes it away with all that came of it."


NEAR = 0.1
"""How little under its threshold the centre of another voice may lie without a warning."""


def enrolled(document: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Enrolled {document['name']} from {document['speech_s']:.0f} s of speech"
        + (
            f"; {document['n_stray_windows']} windows unlike the others were left out"
            if document["n_stray_windows"]
            else ""
        )
    )
    yield from _threshold(document)
    yield BIOMETRIC
    yield "`run.py reprocess --from identify` looks for the voice in what is stored."


def listed(document: dict[str, Any]) -> Iterator[str]:
    if not document["voices"]:
        yield "No voice is enrolled. `run.py voices enroll NAME SOURCE…` does it."
    for voice in document["voices"]:
        eer = voice["calibration"]["eer"]
        yield (
            f"{voice['name']} · {voice['speech_s']:.0f} s of speech · threshold {voice['threshold']:.2f}"
            f" · {'no other voice yet' if eer is None else f'equal-error rate {_percent(eer)}'} · {voice['model']}"
            f" · {_day(voice)}"
        )


def shown(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['name']} · enrolled {_day(document)}"
    revision = f", revision {document['revision']}" if document["revision"] else ""
    yield (
        f"Model: {document['model']}{revision} ({document['dimensions']} dimensions);"
        f" {document['vectors']} windows of {document['window_s']:g} s are kept"
    )
    yield f"Heard for {document['speech_s']:.0f} s:"
    for source in document["sources"]:
        span = (
            f" from {clock(source['from_s'] or 0)} to {clock(source['to_s']) if source['to_s'] is not None else 'the end'}"
            if source["from_s"] is not None or source["to_s"] is not None
            else ""
        )
        yield f"  {source['source']}{span}: {source['speech_s']:.0f} s of speech, {source['n_windows']} windows"
    yield from _threshold(document)


def _threshold(document: dict[str, Any]) -> Iterator[str]:
    rests_on = document["calibration"]
    yield f"Threshold: cosine {document['threshold']:.2f} ({rests_on['basis']})"
    missed = f"{_percent(rests_on['missed'])} of {rests_on['n_own']} held-out windows of its own lie under it"
    if rests_on["eer"] is None:
        yield f"  {missed}; there was no other voice to compare with, so there is no equal-error rate"
    else:
        yield (
            f"  {missed}, {_percent(rests_on['mistaken'])} of {rests_on['n_other']} windows of"
            f" {rests_on['n_other_voices']} other voices reach it; equal-error rate {_percent(rests_on['eer'])}"
        )
    if rests_on["n_set_aside"]:
        yield (
            f"  {rests_on['n_set_aside']} windows of the corpus were set aside: they sound so much like it that they"
            " may be its own"
        )
    if rests_on["nearest"] is not None:
        yield f"  The enrolled voice most like it: {rests_on['nearest']} (cosine {rests_on['nearest_score']:.2f})"
        if rests_on["nearest_score"] >= document["threshold"] - NEAR:
            yield (
                f"  The two are hardly to be told apart, or one person under two names: what either says may stay"
                f" unknown. `run.py voices remove {rests_on['nearest']}` if it is one"
            )


def tested(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['name']}, threshold {document['threshold']:.2f}:"
    for source in document["sources"]:
        score = source["score"]
        other = (
            f"; {_percent(source['other_accepted'])} would be taken for {source['nearest_other']}"
            if source["nearest_other"] is not None
            else ""
        )
        yield (
            f"  {source['source']}: {_percent(source['accepted'])} of {source['windows']} windows would be taken for it"
            f" (cosine {score['p50']:.2f}, 5 to 95 %: {score['p5']:.2f} to {score['p95']:.2f}){other}"
        )


def removed(document: dict[str, Any]) -> Iterator[str]:
    n = document["segments"]
    yield (
        f"Removed {document['removed']}, with the labels and scores of {n:,} segment{'' if n == 1 else 's'}."
        " `run.py reprocess --from identify` tells who else may have said them."
    )


def imported(document: dict[str, Any]) -> Iterator[str]:
    yield f"Imported {', '.join(document['imported']) or 'nothing'}."


def _day(voice: dict[str, Any]) -> str:
    return f"{voice['created_at']:%Y-%m-%d}" if voice["created_at"] is not None else ""


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
