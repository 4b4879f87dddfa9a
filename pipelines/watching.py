"""A run that goes on, as a table for a terminal and as lines for everything else. Pure.

Shares are of the time since the last look, so that they show what binds now; the report says what bound it as a
whole.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from pipelines.progress import duration

PARTS = ("busy_s", "blocked_s", "paused_s", "starved_s", "held_back_s")


def table(document: Mapping[str, Any], now: Mapping[str, Any], before: Mapping[str, Any]) -> Group:
    """
    Args:
        document: the report as it would be now; its stages stand in the order of the line.
        now, before: figures of this look and of the last one, empty at the first.
    """
    drawn = Table(box=None, pad_edge=False)
    titles = (
        "stage",
        "in hand",
        "done",
        "failed",
        "busy",
        "blocked",
        "paused",
        "starved",
        "queue",
        "actors",
        "latest",
    )
    for title in titles:
        drawn.add_column(title, justify="left" if title in ("stage", "latest") else "right")
    for name in document["stages"]:
        stage = now["stages"][name]
        shares = _since(stage, before.get("stages", {}).get(name))
        is_bottleneck = name == document["bottleneck"]
        drawn.add_row(
            name, str(stage["in_hand"]), str(stage["items"]), str(stage["failed"] or ""), *(f"{share:.0%}" for share in shares),
            str(stage["queue"]), str(stage["actors"]),
            Text(stage["latest"]),  # a source's own name, which may look like rich's markup
            style="bold" if is_bottleneck else "",
        )  # fmt: skip
    return Group(Text(_head(document, now)), drawn, Text(_verdict(document)))


def lines(document: Mapping[str, Any], now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """The same as plain text: a line for the run, one for each stage that has done something."""
    yield _head(document, now)
    for name in document["stages"]:
        stage = now["stages"][name]
        busy, blocked, paused, starved = _since(stage, before.get("stages", {}).get(name))
        yield (
            f"  {name}: {stage['in_hand']} in hand, {stage['items']} done"
            + (f", {stage['failed']} failed" if stage["failed"] else "")
            + f"; busy {busy:.0%}, blocked {blocked:.0%}, paused {paused:.0%}, starved {starved:.0%};"
            f" {stage['queue']} waiting, {stage['actors']} actor{'' if stage['actors'] == 1 else 's'}"
        )
    yield f"  {_verdict(document)}"


def _since(stage: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[float, ...]:
    """Shares of the actors' time since the last look: busy, blocked, paused and starved. As in the report, a stage that
    Ray Data holds back is blocked, though its actors only know that they have no row."""
    spent = {part: max(0.0, stage[part] - (before[part] if before else 0.0)) for part in PARTS}
    held_back_s = min(spent["held_back_s"], spent["starved_s"])
    shares = (
        spent["busy_s"], spent["blocked_s"] + held_back_s, spent["paused_s"], spent["starved_s"] - held_back_s,
    )  # fmt: skip
    total = sum(shares)
    return tuple(share / total if total > 0 else 0.0 for share in shares)


def _head(document: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if not now.get("stages"):
        return f"Run {document['run']}: starting"
    said = [f"{now['stored']} stored"]
    said += [f"{now[name]} {name}" for name in ("skipped", "failed", "left") if now.get(name)]
    return (
        f"Run {document['run']} [{duration(document['line_s'])}]: {', '.join(said)};"
        f" {document['audio_h']:.2f} h of audio stored, {document['speed_h_per_h']:.0f} h/h"
    )


def _verdict(document: Mapping[str, Any]) -> str:
    return f"Bottleneck so far: {document['bottleneck'] or 'none'} ({document['cause']}): {document['why']}"
