"""What tunings mean for a plan: how many recognisers ``auto`` takes, and how fast so many are. Pure.

A tuning counts where hardware, model, device, arithmetic, beams, clips a slice and threads are the plan's own, and
where it shared the card as processes would share it now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actors.store.tunings import Tuning
from cluster.resources import Hardware, TunedActors
from configs.settings import Settings
from pipelines.outcome import hardware_document
from pipelines.stage_costs import HOUR_S, Cost, model_name
from pipelines.sweep import Combination, Result, best


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tunings are compared with."""

    settings: Settings
    hardware: Hardware
    mps: bool
    """Whether programs that are started now go through MPS."""


def fitting(tunings: Iterable[Tuning], here: Surroundings) -> list[Tuning]:
    """Those that say something of these settings on this machine."""
    document = hardware_document(here.hardware)
    return [each for each in tunings if each.key.hardware == document and _fits(each, here)]


def tuned_actors(tunings: Iterable[Tuning], here: Surroundings) -> TunedActors | None:
    """The best number of recognisers; ``None``: nothing was tuned for these settings here."""
    results = {result_of(each): each for each in fitting(tunings, here)}
    found = best(results)
    if found is None:
        return None
    return TunedActors(
        found.combination.actors,
        f"the best when {of_day(results[found])} ({found.speed_h_per_h:.0f} h/h by themselves)",
    )


def tuned_cost(
    tunings: Iterable[Tuning], here: Surroundings, n_actors: int, known: Cost | None
) -> Cost | None:
    """What an hour of audio takes so many recognisers; ``None``: that was not tuned.

    Args:
        known: by the tables, for what a tuning doesn't tell: shares of cores and cards.
    """
    found = _of_so_many(tunings, here, n_actors)
    if found is None or not found.speed_h_per_h:
        return None
    busy_s = n_actors * HOUR_S / found.speed_h_per_h
    cost = Cost(busy_s, busy_s, 0.0, "measured here", of_day(found))
    if known is not None and known.busy_s:
        scale = busy_s / known.busy_s
        cost = replace(cost, core_s=known.core_s * scale, gpu_s=known.gpu_s * scale)
    return cost


def tuned_speed(tunings: Iterable[Tuning], here: Surroundings, n_actors: int) -> float | None:
    """Hours of audio an hour that so many recognisers did by themselves; ``None``: that was not tuned."""
    found = _of_so_many(tunings, here, n_actors)
    return None if found is None else found.speed_h_per_h


def _of_so_many(tunings: Iterable[Tuning], here: Surroundings, n_actors: int) -> Tuning | None:
    """The first that fits and could be done with this number of recognisers."""
    fit = (each for each in fitting(tunings, here) if each.key.actors == n_actors and each.speed_h_per_h)
    return next(fit, None)


def of_day(tuning: Tuning) -> str:
    return f"tuned on {tuning.measured_at.astimezone():%Y-%m-%d %H:%M}"


def device_of(settings: Settings, hardware: Hardware) -> str:
    """Where the recogniser runs: ``cpu`` or ``cuda``."""
    if settings.transcribe.device != "auto":
        return settings.transcribe.device
    return "cuda" if hardware.gpus else "cpu"


def _fits(tuning: Tuning, here: Surroundings) -> bool:
    key, settings = tuning.key, here.settings
    recogniser = settings.transcribe
    return (
        key.model == model_name(recogniser.model)
        and key.device == device_of(settings, here.hardware)
        and recogniser.compute_type in (key.compute_type, tuning.figures.get("in_effect"))
        and (key.beam_size, key.batch) == (recogniser.beam_size, settings.prepare.slice_max_clips)
        and (key.device == "cuda" or key.cpu_threads == recogniser.cpu_threads)
        and key.mps == (here.mps and key.device == "cuda" and key.actors > len(here.hardware.gpus))
    )


def result_of(tuning: Tuning) -> Result:
    key = tuning.key
    combination = Combination(key.actors, key.batch, key.beam_size, key.compute_type, key.mps)
    return Result(combination, tuning.speed_h_per_h, tuning.reason)


def plain(tuning: Tuning) -> Mapping[str, Any]:
    """As ``tune --json`` prints it."""
    key = tuning.key
    return {
        "actors": key.actors, "batch": key.batch, "beam_size": key.beam_size, "compute_type": key.compute_type,
        "mps": key.mps, "device": key.device, "cpu_threads": key.cpu_threads, "model": key.model,
        "hardware": dict(key.hardware), "measured_at": tuning.measured_at,
        "speed_h_per_h": tuning.speed_h_per_h, "reason": tuning.reason, **tuning.figures,
    }  # fmt: skip
