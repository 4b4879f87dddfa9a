"""What a run did with its time, out of the figures that are kept of it. Pure.

The same document is printed at a run's end, kept with it, shown again by ``report`` and drawn as a page.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from configs.report import ReportSettings
from pipelines.bottleneck import SourceLoad, StageLoad, find_bottleneck
from pipelines.progress import duration, in_line_order

HOUR_S = 3600.0
WH = 3600.0
"""Joules in a watt-hour."""


def report_document(figures: Mapping[str, Any], prices: ReportSettings) -> dict[str, Any]:
    """
    Args:
        figures: of a run, as ``Outcome.figures`` keeps them; of one that isn't over, as they are so far.
    """
    line_s = float(figures.get("line_s") or 0.0)
    stages = in_line_order(figures.get("stages", {}))
    loads = [_load(name, stage, line_s) for name, stage in stages.items()]
    sources, probes = _sources(figures.get("sources", {}), line_s), figures.get("probes", {})
    found = find_bottleneck(loads, line_s, sources)
    return {
        "speed_h_per_h": figures.get("speed_h_per_h", 0.0),
        "line_s": line_s,
        "wall_s": figures.get("wall_s", 0.0),
        "audio_h": round(float(figures.get("audio_s") or 0.0) / HOUR_S, 4),
        "tail_s": figures.get("tail_s"),
        "bottleneck": found.stage,
        "cause": found.cause,
        "why": found.why,
        "advice": found.advice,
        "stages": {load.name: _stage(load, stages[load.name], probes.get(load.name)) for load in loads},
        "sources": {
            each.cause: {"waited": round(each.waited, 4), "held": round(each.held, 4), "site": each.site}
            for each in sources
        },
        "notes": figures.get("notes", []),
        "scalings": figures.get("scalings", []),
        "cost": _cost(figures, prices),
    }


def _load(name: str, stage: Mapping[str, Any], line_s: float) -> StageLoad:
    """Shares of the line's time; what an actor waited for before the first row or after the last is left out."""
    actor_s = float(stage.get("age_s") or 0.0)
    actors = max(1, stage.get("actors_peak") or stage.get("actors") or 1)
    available_s = min(actor_s, actors * line_s) if line_s else actor_s
    held_back_s = min(stage.get("held_back_s", 0.0), stage.get("starved_s", 0.0))

    def part(seconds: float) -> float:
        return min(1.0, seconds / available_s) if available_s > 0 else 0.0

    busy_s, audio_s = stage["busy_s"], stage["audio_s"]
    busy = part(busy_s)
    paused = min(1.0 - busy, part(stage.get("paused_s", 0.0)))
    blocked = min(1.0 - busy - paused, part(stage["blocked_s"] + held_back_s))
    return StageLoad(
        name=name, busy=busy, blocked=blocked, paused=paused, starved=max(0.0, 1.0 - busy - blocked - paused),
        database=min(1.0, stage.get("database_s", 0.0) / busy_s) if busy_s > 0 else 0.0,
        queue_peak=stage.get("queue_peak", 0), actors=actors,
        capacity_h_per_h=round(actors * audio_s / busy_s, 1) if busy_s > 0 and audio_s > 0 else None,
    )  # fmt: skip


def _sources(kept: Mapping[str, Any], line_s: float) -> list[SourceLoad]:
    """Those that were waited for; ``kept`` as ``SourceWaits.document`` has it."""
    if line_s <= 0:
        return []
    return [
        SourceLoad(
            cause, min(1.0, each["waited_s"] / line_s), min(1.0, each["held_s"] / line_s), next(iter(each["sites"]), "")
        )
        for cause, each in kept.items()
        if each["held_s"] > 0
    ]  # fmt: skip


def _stage(load: StageLoad, kept: Mapping[str, Any], probe_h_per_h: float | None) -> dict[str, Any]:
    shares = {
        name: round(getattr(load, name), 4) for name in ("busy", "blocked", "paused", "starved", "database")
    }
    named = (
        "actors_least", "actors_most", "items", "failed", "codes", "p50_s", "p99_s", "load_s", "bytes_out", "batches",
        "batched",
    )  # fmt: skip
    return {
        **shares, "queue_peak": load.queue_peak, "actors": load.actors, "capacity_h_per_h": load.capacity_h_per_h,
        "probe_h_per_h": probe_h_per_h, **{name: kept.get(name) for name in named},
    }  # fmt: skip


def _cost(figures: Mapping[str, Any], prices: ReportSettings) -> dict[str, Any]:
    """Of an hour of audio: energy where a card tells it, money where a price is set."""
    audio_h = float(figures.get("audio_s") or 0.0) / HOUR_S
    energy_j = figures.get("energy_j")
    cost: dict[str, Any] = {
        "gpu_wh_per_audio_h": None, "money_per_audio_h": None, "currency": prices.currency
    }  # fmt: skip
    if audio_h <= 0:
        return cost
    money = None
    if energy_j is not None:
        cost["gpu_wh_per_audio_h"] = round(energy_j / WH / audio_h, 3)
        if prices.price_per_kwh is not None:
            money = energy_j / WH / 1000 * prices.price_per_kwh
    if prices.machine_price_per_h is not None:
        money = (money or 0.0) + float(figures.get("wall_s") or 0.0) / HOUR_S * prices.machine_price_per_h
    if money is not None:
        cost["money_per_audio_h"] = round(money / audio_h, 6)
    return cost


def told(document: Mapping[str, Any]) -> Iterator[str]:
    """As text for people."""
    if document.get("run") is not None:
        yield f"Run {document['run']}, {standing(document)}"
    if not document["stages"]:
        yield "No stage had anything to do."
        return
    yield (
        f"{document['audio_h']:.2f} h of audio in {duration(document['line_s'])}:"
        f" {document['speed_h_per_h']:.0f} h/h"
        + (
            f"; the last video alone took {document['tail_s']:.0f} s"
            if document["tail_s"] is not None
            else ""
        )
    )
    yield from told_of_stages(document)


def standing(document: Mapping[str, Any]) -> str:
    """How a run ended, or that it goes on."""
    if document["outcome"] == "lost":
        return "lost: its driver died; this is what it noted last"
    if document["outcome"] is not None:
        return str(document["outcome"])
    return "still going on" if document["goes_on"] else "whose driver is gone: this is what it noted last"


def told_of_stages(document: Mapping[str, Any]) -> Iterator[str]:
    """What each stage did, which one held the others back, and what it cost."""
    yield f"{'stage':<12}{'busy':>6}{'blocked':>9}{'paused':>8}{'starved':>9}{'queue':>7}{'actors':>8}{'bounds':>8}{'could do':>11}{'p50':>9}{'p99':>9}"
    for name, stage in document["stages"].items():
        yield (
            f"{name:<12}{stage['busy']:>6.0%}{stage['blocked']:>9.0%}{stage['paused']:>8.0%}{stage['starved']:>9.0%}"
            f"{stage['queue_peak']:>7}{stage['actors']:>8}{bounds_said(stage):>8}{speed_said(stage['capacity_h_per_h']):>11}"
            f"{seconds_said(stage['p50_s']):>9}{seconds_said(stage['p99_s']):>9}"
        )
    for note in document["notes"]:
        yield f"Pools: {note}"
    yield from against_probes(document)
    yield f"Bottleneck: {document['bottleneck'] or 'none'} ({document['cause']}): {document['why']}"
    yield f"To change it: {document['advice']}"
    for each in document["scalings"][:MOST_SCALINGS]:
        yield (
            f"  after {each['at_s']:.0f} s {each['stage']} went from {each['before']} to {each['after']} actors:"
            f" {each['why']}"
        )
    cost = document["cost"]
    if cost["gpu_wh_per_audio_h"] is not None:
        yield f"Energy of the cards: {cost['gpu_wh_per_audio_h']:.1f} Wh for an hour of audio"
    if cost["money_per_audio_h"] is not None:
        yield f"Cost: {cost['money_per_audio_h']:.4f} {cost['currency']} for an hour of audio"


def against_probes(document: Mapping[str, Any]) -> Iterator[str]:
    """What stages could do in the run beside what was measured of them alone."""
    for name, stage in document["stages"].items():
        if stage.get("probe_h_per_h") and stage["capacity_h_per_h"]:
            share = stage["capacity_h_per_h"] / stage["probe_h_per_h"]
            yield (
                f"{name} by itself did {speed_said(stage['probe_h_per_h'])} when it was tuned here; in this run it"
                f" could do {share:.0%} of that"
            )


MOST_SCALINGS = 12
"""Lines about pools that a report on a terminal shows; the document has them all."""


def speed_said(speed: float | None) -> str:
    return "" if speed is None else f"{speed:.0f} h/h"


def bounds_said(stage: Mapping[str, Any]) -> str:
    """Between which numbers of actors the pool may go; nothing for a run that didn't keep them."""
    least, most = stage["actors_least"], stage["actors_most"]
    if least is None or most is None:
        return ""
    return f"{most}" if least == most else f"{least}–{most}"


def seconds_said(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
