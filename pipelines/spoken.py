"""Hours by speaker, as plain data and as lines for people. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from actors.store.speakers import Spoken

NAMED = 12
"""Enrolled voices that a line names; the others are counted."""
BY_NAME = ("profile", "fast path")
"""Methods by which an enrolled voice is recognised."""


def spoken_document(spoken: Iterable[Spoken]) -> list[dict[str, Any]]:
    """An entry for each enrolled voice, for all whom nobody enrolled, and for each reason why it isn't known."""
    return [{**asdict(each), "hours": round(each.hours, 4)} for each in spoken]


def told(document: Sequence[dict[str, Any]]) -> Iterator[str]:
    """``spoken_document`` in a line."""
    if not document:
        return
    voices = [each for each in document if each["kind"] == "voice"]
    parts = [f"{each['name']} {each['hours']:.2f} h" for each in voices[:NAMED]]
    if len(voices) > NAMED:
        rest = voices[NAMED:]
        parts.append(f"{len(rest)} more voices {sum(each['hours'] for each in rest):.2f} h")
    parts += [f"not enrolled {each['hours']:.2f} h" for each in document if each["kind"] == "not enrolled"]
    unknown = [each for each in document if each["kind"] == "unknown"]
    if unknown:
        reasons = ", ".join(f"{each['name'] or 'no reason'} {each['hours']:.2f} h" for each in unknown[:4])
        parts.append(f"unknown {sum(each['hours'] for each in unknown):.2f} h ({reasons})")
    yield "Spoken by: " + ", ".join(parts)


def speakers_of(segments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who speaks in one video, who says most first: ``speaker`` (``None``: unknown), ``enrolled``, ``seconds`` and
    ``segments``.

    Args:
        segments: as ``show`` gives them.
    """
    seconds: dict[tuple[str | None, bool], float] = defaultdict(float)
    counts: dict[tuple[str | None, bool], int] = defaultdict(int)
    for segment in segments:
        who = (segment["speaker"], segment["speaker_method"] in BY_NAME)
        seconds[who] += segment["end_s"] - segment["start_s"]
        counts[who] += 1
    return [
        {"speaker": who[0], "enrolled": who[1], "seconds": round(seconds[who], 2), "segments": counts[who]}
        for who in sorted(seconds, key=lambda who: (-seconds[who], who[0] or ""))
    ]
