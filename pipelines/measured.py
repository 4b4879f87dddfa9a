"""Costs out of earlier runs with the same models on the same machine. Pure.

Owns which runs count for which stage. What a download server or a source did that day counts for nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actors.store.measured import MeasuredRun
from pipelines.stage_costs import HOUR_S, Cost

OTHERS_WORK = frozenset({"Prefilter", "Download"})
"""Stages whose time is the source's, not ours."""
MATTERS: Mapping[str, tuple[str, ...]] = {
    "Prepare": ("prepare.vad_threshold", "prepare.min_silence_ms"),
    "Transcribe": ("transcribe.model", "transcribe.compute_type", "transcribe.device", "transcribe.beam_size",
                   "transcribe.cpu_threads"),
    "Identify": ("identify.enabled", "identify.model", "identify.device", "identify.hop_s", "identify.window_s",
                 "identify.assume_monologue"),
    "Embed": ("embed.model", "embed.device", "embed.dtype", "segment.min_chars", "segment.max_chars"),
}  # fmt: skip
"""Settings that must be the same for a stage's figures to count."""
MAIN_STAGES = ("Prepare", "Transcribe", "Identify", "Embed")
LEAST_AUDIO_S = 300.0
"""A shorter run measures its start."""
MOST_RUNS = 3
LEAST_COST_S = 0.001
"""A stage that took no time that a clock could see."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What runs say of one stage."""

    cost: Cost
    same_pool: bool
    """Whether the stage had as many actors then."""


def measured_costs(
    runs: Sequence[MeasuredRun], settings: Mapping[str, Any], hardware: Mapping[str, Any],
    pools: Mapping[str, int], known: Mapping[str, Cost | None],
) -> dict[str, Measured]:  # fmt: skip
    """Costs of the stages that such runs measured.

    Args:
        runs: newest first.
        settings: what is planned with, as plain data.
        hardware: where, as a run's figures name it.
        pools: actors of each stage.
        known: costs by the tables, for what a run doesn't tell: shares of cores and cards.
    """
    whole = [run for run in runs if run.figures["hardware"] == hardware and _is_whole(run.figures)]
    found = {}
    for stage, n_actors in pools.items():
        if stage in OTHERS_WORK:
            continue
        fitting = [run for run in whole if _fits(stage, run, settings, n_actors, known.get(stage))][
            :MOST_RUNS
        ]
        if fitting:
            found[stage] = _sum(stage, fitting, n_actors, known.get(stage))
    return found


def starting_s(runs: Sequence[MeasuredRun], hardware: Mapping[str, Any]) -> float | None:
    """Mean time of such runs outside of the line, in seconds."""
    whole = [run.figures for run in runs if run.figures["hardware"] == hardware and _is_whole(run.figures)]
    spent = [figures["wall_s"] - figures["line_s"] for figures in whole[:MOST_RUNS]]
    return sum(spent) / len(spent) if spent else None


def tells(measured: Mapping[str, Measured], stage: str) -> bool:
    """Whether runs say of a stage what nothing else can say better: in a pool of this size, beside the others."""
    return stage in measured and measured[stage].same_pool


def contention_is_in(measured: Mapping[str, Measured]) -> bool:
    """Whether the stages that take most of a machine were measured beside each other, in these pools."""
    return all(tells(measured, stage) for stage in MAIN_STAGES)


def _is_whole(figures: Mapping[str, Any]) -> bool:
    """Whether every stored video went through the whole line in this run."""
    stages = figures["stages"]
    return bool(
        figures["audio_s"] >= LEAST_AUDIO_S
        and not figures["failed"]
        and stages.get("Prepare", {}).get("items") == figures["stored"]
    )


def _fits(
    stage: str, run: MeasuredRun, settings: Mapping[str, Any], n_actors: int, known: Cost | None
) -> bool:
    if stage not in run.figures["stages"] or not run.figures["stages"][stage]["items"]:
        return False
    if known is not None and known.gpu_s and _most_actors(run, stage) != n_actors:
        return False  # how workers share a card doesn't scale
    names = MATTERS.get(stage, ())
    return all(_setting(run.settings, name) == _setting(settings, name) for name in names)


def _setting(settings: Mapping[str, Any], name: str) -> Any:
    section, _, field = name.partition(".")
    return settings.get(section, {}).get(field)


def _most_actors(run: MeasuredRun, stage: str) -> int:
    """Its pool at its largest: at a run's end it has shrunk already. Runs of earlier versions kept all that it ever had."""
    kept = run.figures["stages"][stage]
    return int(kept.get("actors_peak", kept["actors"]))


def _sum(stage: str, runs: Sequence[MeasuredRun], n_actors: int, known: Cost | None) -> Measured:
    audio_h = sum(run.figures["audio_s"] for run in runs) / HOUR_S
    busy_s = max(sum(run.figures["stages"][stage]["busy_s"] for run in runs) / audio_h, LEAST_COST_S)
    numbers = ", ".join(str(run.run_id) for run in runs)
    cost = Cost(busy_s, busy_s, 0.0, "measured here", f"run {numbers}")
    if known is not None and known.busy_s:
        scale = busy_s / known.busy_s
        cost = replace(cost, core_s=known.core_s * scale, gpu_s=known.gpu_s * scale)
    same = all(_most_actors(run, stage) == n_actors for run in runs)
    return Measured(cost, same)
