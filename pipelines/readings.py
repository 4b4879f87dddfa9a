"""What the metrics of a run are at one moment, out of what is known of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from actors.fetch.asker import YOUTUBE
from actors.fetch.governor import Bucket, Policy, n_free, rate_per_h
from actors.store.run_counts import RunCounts
from cluster.telemetry import MachineSight
from pipelines.tally import Tally
from pipelines.timeline import Timeline

MAX_SITES = 20
"""Sources of which the governor's state is told, YouTube and those asked most: every feed may have a host of its own."""

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric's value. Of a counter it is the sum so far."""

    name: str
    value: float
    labels: Labels


@dataclass(frozen=True, slots=True)
class Source:
    """What the governor knows of one site, and what the settings allow for it."""

    site: str
    exits: tuple[Bucket, ...]
    """Of each exit address that asks it: on one machine there is one."""
    policy: Policy


def stage_readings(stages: Mapping[str, Tally], timeline: Timeline) -> Iterator[Reading]:
    """Of every stage that has been heard of."""
    for stage, tally in stages.items():
        labels = {"stage": stage}
        held_back_s = min(timeline.held_back_s(stage), tally.starved_s)
        times = {
            "busy": tally.busy_s, "blocked": tally.blocked_s, "held_back": held_back_s, "paused": tally.paused_s,
            "starved": tally.starved_s - held_back_s,
        }  # fmt: skip
        for state, seconds in times.items():
            yield Reading("earmark_stage_time_seconds", seconds, {**labels, "state": state})
        for code, n in tally.codes.items():
            yield Reading("earmark_stage_failures", n, {**labels, "code": code})
        for what, n in tally.made.items():
            yield Reading("earmark_stage_made", n, {**labels, "what": what})
        plain = {
            "items": tally.items, "audio_seconds": tally.audio_s, "database_seconds": tally.database_s,
            "batches": tally.batches, "batched": tally.batched, "output_bytes": tally.bytes_out,
            "load_seconds": tally.load_s, "in_hand": tally.in_hand, "queue": timeline.queue(stage),
            "oldest_row_seconds": tally.held[0].age_s if tally.held else 0.0,
            "actors": timeline.actors(stage), "silent_seconds": tally.silent_s,
        }  # fmt: skip
        for name, value in plain.items():
            yield Reading(f"earmark_stage_{name}", value, labels)


def run_readings(
    counts: RunCounts, line_s: float, tail_s: float | None, database_away_s: float
) -> Iterator[Reading]:
    """
    Args:
        counts: as the database told them last.
        line_s: since the first row was taken in hand.
        tail_s: how long the last video has been alone; ``None``: it isn't.
        database_away_s: since the database last answered; 0: it does.
    """
    for state in ("pending", "running", "held_elsewhere", "stored", "skipped", "failed"):
        yield Reading("earmark_run_videos", getattr(counts, state), {"state": state})
    yield Reading("earmark_run_stored_audio_seconds", counts.stored_audio_s, {})
    yield Reading("earmark_run_transcribed_speech_seconds", counts.transcribed_speech_s, {})
    yield Reading("earmark_run_line_seconds", line_s, {})
    yield Reading("earmark_run_speed_ratio", counts.stored_audio_s / line_s if line_s > 0 else 0.0, {})
    yield Reading("earmark_run_tail_seconds", tail_s or 0.0, {})
    yield Reading("earmark_database_away_seconds", database_away_s, {})


def source_readings(sources: Mapping[str, Source], now_s: float) -> Iterator[Reading]:
    """
    What several exits may ask is added up, and a source is paused where all of them are: no label holds an address.

    Args:
        now_s: on the governor's clock.
    """
    recent = {
        site: sum(bucket.recent_at(now_s) for bucket in source.exits) for site, source in sources.items()
    }
    asked_most = sorted(sources, key=lambda site: (site != YOUTUBE, -recent[site], site))
    for site in asked_most[:MAX_SITES]:
        labels, exits, policy = {"site": site}, sources[site].exits, sources[site].policy
        rate = _sum(rate_per_h(bucket, policy) for bucket in exits)
        free = _sum(n_free(bucket, policy, now_s) for bucket in exits)
        if rate is not None:
            yield Reading("earmark_governor_permits_per_hour", rate, labels)
        if free is not None:
            yield Reading("earmark_governor_permits_free", free, labels)
        yield Reading("earmark_governor_recent_permits", recent[site], labels)
        pause_s = min(bucket.pause_left_s(now_s) for bucket in exits)
        yield Reading("earmark_governor_pause_seconds", pause_s, labels)


def _sum(limits: Iterable[float | None]) -> float | None:
    """``None``: one of them has no limit."""
    known = list(limits)
    return None if None in known else sum(limit for limit in known if limit is not None)


def machine_readings(machine: MachineSight, n_cpus: float) -> Iterator[Reading]:
    """
    Args:
        n_cpus: cores that the run may use.
    """
    yield Reading("earmark_cpu_busy_seconds", machine.cpu_busy_s, {})
    yield Reading("earmark_cpu_cores", n_cpus, {})
    if machine.energy_j is not None:
        yield Reading("earmark_gpu_energy_joules", machine.energy_j, {})
    for card in machine.cards:
        labels = {"gpu": str(card.index), "model": card.name}
        told = {
            "utilisation_ratio": card.utilisation, "memory_bytes": card.memory_bytes,
            "memory_total_bytes": card.memory_total_bytes, "power_watts": card.power_w,
        }  # fmt: skip
        for name, value in told.items():
            if value is not None:
                yield Reading(f"earmark_gpu_{name}", value, labels)
