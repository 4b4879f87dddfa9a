"""A plan as a person reads it. Pure: from the document that ``--json`` prints."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipelines.progress import duration

SHOWN_LIMITS = 3


def told(document: dict[str, Any]) -> Iterator[str]:
    machine = document["machine"]
    cards = ", ".join(machine["gpus"]) or "no GPU"
    yield f"Machine: {machine['cpus']} cores, {cards}{' (as given)' if machine['given'] else ''}"
    yield "Pools:   " + ", ".join(_pool(name, pool) for name, pool in document["pools"].items())
    for note in document["notes"]:
        yield f"         {note}"
    yield from _memory(document["memory"])
    yield "Speed of each stage by itself, in hours of audio an hour:"
    for name, stage in document["stages"].items():
        if stage is None:
            yield f"  {name:<11} {'?':>7}  no figure"
        else:
            yield f"  {name:<11} {stage['speed_h_per_h']:>7,.0f}  {stage['origin']}: {stage['source'] or 'by definition'}"
    yield "What bounds the line:"
    for limit in document["limits"][:SHOWN_LIMITS]:
        yield f"  {limit['said']:<24} {limit['speed_h_per_h']:>7,.0f}  {limit['origin']}: {limit['source']}"
    amount = document["amount"]
    yield f"Videos:  {_videos(amount)}"
    for each in amount["refused"]:
        yield f"  left out {each['source']} ({each['code']}): {each['reason']}"
    yield verdict(document)
    binding = document["limits"][0]
    if binding["turn"]:
        yield f"To change: {binding['turn']}"


def verdict(document: dict[str, Any]) -> str:
    """The plan in a sentence: "the GPU could do 148 h/h; YouTube's budget allows 62; done Tuesday 04:10"."""
    binding = document["limits"][0]
    own = next((limit for limit in document["limits"] if limit["limit"] == document["own"]), None)
    said = f"Limit: {binding['said']}, at {binding['speed_h_per_h']:,.0f} h/h"
    if own is not None and own["limit"] != binding["limit"]:
        said = (
            f"{_upper(own['said'])} could do {own['speed_h_per_h']:,.0f} h/h; "
            f"{binding['said']} allows {binding['speed_h_per_h']:,.0f}"
        )
    if document["seconds"] is None:
        return said
    if not document["amount"]["videos"]:
        return f"{said}; there is nothing to do"
    took, done = (
        duration(document["seconds"]),
        _day(document["done_at"], document["planned_at"]),
    )
    return f"{said}; {took} for it, done {done}"


def _pool(name: str, pool: dict[str, Any]) -> str:
    grows = f" to {pool['at_most']}" if pool["at_most"] != pool["at_start"] else ""
    share = f" × {pool['gpu_share_each']:g} GPU" if pool["gpu_share_each"] else ""
    return f"{name} {pool['at_start']}{grows}{share}"


def _memory(memory: dict[str, Any]) -> Iterator[str]:
    if not memory["items"]:
        return
    parts = " + ".join(
        f"{item['n']} × {item['what']} {item['gib']:.1f}"
        if item["n"] > 1
        else f"{item['what']} {item['gib']:.1f}"
        for item in memory["items"]
    )
    which = "card" if memory["cards"] == 1 else f"fullest of {memory['cards']} cards"
    yield (
        f"Memory of the {which}: {parts} = {memory['used_gib']:.1f} of {memory['card_gib']:.1f} GiB, "
        f"{memory['free_gib']:.1f} left (estimates)"
    )


def _videos(amount: dict[str, Any]) -> str:
    mean = f"{amount['mean_video_min']:g} min on average ({amount['mean_from']})"
    if amount["audio_h"] is None:
        return f"{mean}; name sources or --hours to be told when it would be done"
    unknown = f", {amount['length_unknown']} of unknown length" if amount["length_unknown"] else ""
    passed = f"; {amount['passed_over']} passed over" if amount["passed_over"] else ""
    youtube = f", {amount['youtube_share']:.0%} of them YouTube's" if amount["youtube_share"] else ""
    return f"{amount['videos']} with {amount['audio_h']:,.2f} h, {mean}{youtube}{unknown}{passed}"


def _day(moment: str, now: str) -> str:
    """``Tuesday 04:10``, with the date where that is more than six days away."""
    at = datetime.fromisoformat(moment)
    days = (at.date() - datetime.fromisoformat(now).date()).days
    return f"{at:%A %H:%M}" if days < 7 else f"{at:%A %Y-%m-%d %H:%M}"


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
