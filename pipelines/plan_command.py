"""``plan``: what a run would use, how fast it would be, what binds it, when it would be done.

Gathers what is known (hardware, earlier runs, what sources allow, how much there is), has ``planning.py``
judge, and makes one document of it. Fetches nothing and writes nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from actors.errors import ConfigError
from actors.fetch.asker import YOUTUBE
from actors.fetch.governor import Bucket
from actors.store.database import Database
from actors.store.measured import MeasuredRun, mean_duration_s, measured_runs
from actors.store.permits import Permits
from actors.store.tunings import Tuning, kept_tunings
from cluster import mps
from cluster.capacity import Sum
from cluster.figures import CARDS, DEFAULT_MBIT, NO_CARD, STARTING_S, Figure
from cluster.hardware import find_hardware
from cluster.memory import CardBudget, card_budget
from cluster.resources import GIB, DoesNotFit, Gpu, Hardware, Pools, TunedActors, plan_pools
from configs.home import Home, home
from configs.settings import Settings
from pipelines import measured, tuned
from pipelines.amount import Amount, amount_of
from pipelines.booking import booked, demand_room
from pipelines.corpus import existing_database
from pipelines.ingest import line
from pipelines.outcome import hardware_document
from pipelines.plan_words import told
from pipelines.planning import Forecast, Pool, Surroundings, forecast, seconds_for
from pipelines.printing import answer
from pipelines.stage import StageSpec
from pipelines.stage_costs import Machine, cost_of

ELSEWHERE = "ray.address is set: this is planned for this machine; --gpu and --cpus name another"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    sources: Sequence[str] = ()
    hours: float | None = None
    video_minutes: float | None = None
    gpu: str | None = None
    cpus: int | None = None
    mbit: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the database tells; nothing where there is none yet."""

    runs: list[MeasuredRun] = field(default_factory=list)
    mean_video: tuple[float, int] | None = None
    youtube: Bucket | None = None
    tunings: list[Tuning] = field(default_factory=list)


def show_plan(settings: Settings, asked: Asked, as_json: bool) -> int:
    """Print the plan; gives the exit code: 1 where a source was refused.

    Raises:
        ConfigError: the settings don't fit the hardware; the message says what to change.
    """
    document = plan_document(settings, asked, home(), datetime.now(UTC))
    answer(document, told, as_json)
    return 1 if document["amount"]["refused"] else 0


def plan_document(settings: Settings, asked: Asked, place: Home, now: datetime) -> dict[str, Any]:
    """The plan as plain data.

    Raises:
        ConfigError: ``does_not_fit``, or the database.
    """
    hardware = _hardware(asked)
    known = _known(settings, place)
    around = tuned.Surroundings(settings, hardware, mps.is_running())
    best = tuned.tuned_actors(known.tunings, around)
    try:
        pools = plan_pools(settings, hardware, best)
    except DoesNotFit as error:
        raise ConfigError(str(error), code="does_not_fit") from error
    stages = line(settings, pools)
    n_cpus = max(hardware.n_cpus, ceil(booked(stages).cpus))  # as the driver starts Ray
    demand_room(stages, Sum(n_cpus, len(hardware.gpus)))
    amount = amount_of(asked.sources, asked.hours, asked.video_minutes, known.mean_video, settings, place)
    machine = Machine(settings, hardware, pools, amount.mix)
    by_tables = {stage.name: cost_of(stage.name, machine) for stage in stages}
    sizes = {stage.name: stage.max_actors for stage in stages}
    here = hardware_document(hardware)
    by_runs = measured.measured_costs(known.runs, settings.model_dump(mode="json"), here, sizes, by_tables)
    costs = by_tables | {name: found.cost for name, found in by_runs.items()}
    if "Transcribe" in sizes and not measured.tells(by_runs, "Transcribe"):
        by_tuning = tuned.tuned_cost(known.tunings, around, sizes["Transcribe"], by_tables["Transcribe"])
        costs["Transcribe"] = by_tuning or costs["Transcribe"]
    found = forecast(
        [Pool(name, sizes[name], costs[name]) for name in sizes],
        _surroundings(settings, asked, hardware, known),
        amount.mix,
        contention_is_in=measured.contention_is_in(by_runs),
    )
    start_s = measured.starting_s(known.runs, here)
    return {
        "planned_at": now.astimezone().isoformat(timespec="seconds"),
        "machine": here | {"given": asked.gpu is not None or asked.cpus is not None},
        "pools": {stage.name: _pool(stage) for stage in stages},
        "notes": _notes(settings, pools, best),
        "memory": _memory(card_budget(settings, pools, hardware), len(hardware.gpus)),
        **_speeds(found),
        "amount": amount.document(),
        **_end(found, amount, STARTING_S if start_s is None else start_s, now),
    }


def _notes(settings: Settings, pools: Pools, best: TunedActors | None) -> list[str]:
    notes = list(pools.notes)
    if best is not None and settings.transcribe.actors not in ("auto", best.n):
        notes.append(f"transcribe.actors={best.n} was {best.why}")
    if settings.ray.address is not None:
        notes.append(ELSEWHERE)
    return notes


def _hardware(asked: Asked) -> Hardware:
    """The machine that is planned for: what the command line names of it, and for the rest this one."""
    if asked.gpu is None:
        here = find_hardware()
        return Hardware(asked.cpus or here.n_cpus, here.gpus)
    n_cpus = asked.cpus or find_hardware().n_cpus
    if asked.gpu == NO_CARD:
        return Hardware(n_cpus)
    card = CARDS[asked.gpu]
    return Hardware(n_cpus, (Gpu(card.name, round(card.memory_gib * GIB)),))


def _known(settings: Settings, place: Home) -> Known:
    url = existing_database(settings, place)
    if url is None:
        return Known()
    with Database(url, pool_size=1) as database:
        buckets, _ = Permits.of(database, settings.governor, settings.download).buckets()
        return Known(
            measured_runs(database), mean_duration_s(database), buckets[YOUTUBE], kept_tunings(database)
        )


def _surroundings(settings: Settings, asked: Asked, hardware: Hardware, known: Known) -> Surroundings:
    governor = settings.governor
    mbit = Figure(DEFAULT_MBIT, "estimated", "nobody said how fast the line is (--mbit)")
    if asked.mbit is not None:
        mbit = Figure(asked.mbit, "measured here", "as given")
    youtube = Figure(
        governor.youtube_videos_per_h, "measured elsewhere", "a guest is blocked near 300 (yt-dlp's wiki)"
    )
    if known.youtube is not None and known.youtube.learned_per_h is not None:
        learned = min(known.youtube.learned_per_h, governor.youtube_videos_per_h)
        youtube = Figure(round(learned, 1), "measured here", "learned after YouTube turned us away")
    other = governor.other_videos_per_h
    return Surroundings(
        n_cpus=hardware.n_cpus, n_gpus=len(hardware.gpus), mbit_per_s=mbit, youtube_per_h=youtube,
        other_per_h=Figure(other, "measured elsewhere", "governor.other_videos_per_h") if other else None,
    )  # fmt: skip


def _pool(stage: StageSpec) -> dict[str, Any]:
    return {
        "at_start": stage.initial_actors, "at_most": stage.max_actors, "cpus_each": stage.num_cpus,
        "gpu_share_each": stage.num_gpus,
    }  # fmt: skip


def _memory(budget: CardBudget | None, n_cards: int) -> dict[str, Any]:
    if budget is None:
        return {"cards": 0, "card_gib": 0.0, "items": [], "used_gib": 0.0, "free_gib": 0.0}
    return {
        "cards": n_cards, "card_gib": round(budget.card_gib, 1),
        "items": [asdict(item) | {"total_gib": round(item.total_gib, 2)} for item in budget.items],
        "used_gib": round(budget.used_gib, 1), "free_gib": round(budget.free_gib, 1),
    }  # fmt: skip


def _speeds(found: Forecast) -> dict[str, Any]:
    limits = [
        {"limit": each.code, "said": each.said, "speed_h_per_h": _rounded(each.speed_h_per_h),
         "origin": each.origin, "source": each.source, "turn": each.turn}
        for each in found.limits
    ]  # fmt: skip
    stages: dict[str, Any] = {
        stage: {
            "speed_h_per_h": _rounded(limit.speed_h_per_h),
            "origin": limit.origin,
            "source": limit.source,
        }
        for stage, limit in found.stage_limits.items()
    }
    return {
        "limit": found.limit.code,
        "speed_h_per_h": _rounded(found.limit.speed_h_per_h),
        "own": found.own.code if found.own else None,
        "stages": stages | dict.fromkeys(found.without_figures),
        "limits": limits,
    }


def _end(found: Forecast, amount: Amount, start_s: float, now: datetime) -> dict[str, Any]:
    """When it would be done; nothing where it isn't known how much there is."""
    if amount.audio_h is None:
        return {"starting_s": round(start_s, 1), "seconds": None, "done_at": None}
    took_s = seconds_for(amount.audio_h, found.limit.speed_h_per_h, start_s) if amount.audio_h else 0.0
    return {
        "starting_s": round(start_s, 1),
        "seconds": round(took_s, 1),
        "done_at": (now + timedelta(seconds=took_s)).astimezone().isoformat(timespec="seconds"),
    }


def _rounded(speed: float) -> float:
    return round(speed, 1) if speed < 1000 else float(round(speed))
