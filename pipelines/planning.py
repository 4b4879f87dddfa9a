"""How fast a line would be and what binds it. Pure: pools, costs and amounts in, a forecast out.

Every bound is said in hours of audio an hour (h/h): what each stage's actors can do, what the cores and the
cards can do for all stages together, what sources and the line to them allow. The least of them binds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from cluster.figures import BYTES_PER_AUDIO_H, ORIGINS, Figure, Origin
from pipelines.stage_costs import HOUR_S, Cost, Mix

CODES = {
    "Prefilter": "asking", "Download": "download", "Prepare": "prepare", "Transcribe": "transcribe",
    "Identify": "identify", "Segment": "segment", "Embed": "embed", "Assemble": "database", "Store": "database",
}  # fmt: skip
"""Limits by the stages that they are named for; another stage's is its own name."""
SAID = {
    "youtube": "YouTube's budget", "other_sources": "the other sources' budget", "network": "the network",
    "asking": "asking the sources", "download": "downloading", "prepare": "CPU preparation",
    "cpu": "the CPU's cores", "gpu": "the GPU", "transcribe": "the recognisers", "identify": "telling voices apart", "segment": "segmenting",
    "embed": "embedding", "database": "the database",
}  # fmt: skip
TURN = {
    "youtube": "longer videos or another exit address; beyond 300 videos an hour a guest is blocked "
    "(governor.youtube_videos_per_h)",
    "other_sources": "governor.other_videos_per_h",
    "network": "a faster line; --mbit says how fast yours is",
    "asking": "prefilter.actors",
    "download": "download.actors",
    "prepare": "prepare.actors, where there are cores for it",
    "cpu": "more cores, or a smaller model on them",
    "gpu": "a smaller transcribe.model, transcribe.beam_size=1, or a further card",
    "transcribe": "transcribe.actors, where there is room for it",
    "identify": "identify.actors, identify.hop_s, or identify.device",
    "embed": "a smaller embed.model",
    "database": "store.ledger_actors and store.writers, or a faster disk",
}
"""What to change where it binds."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A stage of the line, at its largest."""

    stage: str
    n_actors: int
    cost: Cost | None


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that bounds the line."""

    code: str
    speed_h_per_h: float
    origin: Origin
    source: str

    @property
    def said(self) -> str:
        return SAID.get(self.code, self.code)

    @property
    def turn(self) -> str:
        return TURN.get(self.code, "")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What bounds a line beside its stages."""

    n_cpus: int
    n_gpus: int
    mbit_per_s: Figure
    youtube_per_h: Figure
    other_per_h: Figure | None
    """``None``: no limit."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected."""

    limits: tuple[Limit, ...]
    """The one that binds first."""
    stage_limits: Mapping[str, Limit]
    without_figures: tuple[str, ...]
    """Stages of which nothing is known: they are left out."""

    @property
    def limit(self) -> Limit:
        return self.limits[0]

    @property
    def own(self) -> Limit | None:
        """The first limit that is of this machine, not of sources and the line to them."""
        outside = ("youtube", "other_sources", "network", "asking", "download")
        return next((each for each in self.limits if each.code not in outside), None)


def forecast(
    pools: Sequence[Pool], around: Surroundings, mix: Mix, *, contention_is_in: bool = False
) -> Forecast:
    """
    Args:
        contention_is_in: the costs were measured with these very pools on this very machine, so that what
            stages take from each other is in them already.
    """
    by_stage = {pool.stage: _of_stage(pool, pool.cost) for pool in pools if pool.cost is not None}
    # Of two that are equal the machine is named: a stage that has it for itself can't be given more actors.
    limits = [] if contention_is_in else list(_of_machine(pools, around))
    limits += [*by_stage.values(), *_of_sources(around, mix)]
    return Forecast(
        limits=tuple(sorted(limits, key=lambda limit: limit.speed_h_per_h)),
        stage_limits=by_stage,
        without_figures=tuple(pool.stage for pool in pools if pool.cost is None),
    )


def _of_stage(pool: Pool, cost: Cost) -> Limit:
    speed = pool.n_actors * HOUR_S / cost.busy_s
    return Limit(CODES.get(pool.stage, pool.stage.lower()), speed, cost.origin, cost.source)


def _of_sources(around: Surroundings, mix: Mix) -> Iterator[Limit]:
    """What sources allow and what the line to them carries."""
    for code, share, rate in (
        ("youtube", mix.youtube, around.youtube_per_h),
        ("other_sources", mix.other, around.other_per_h),
    ):
        if share > 0 and rate is not None:
            speed = rate.value * mix.video_h / share
            yield Limit(code, speed, rate.origin, f"{rate.value:g} videos an hour: {rate.source}")
    if mix.remote > 0:
        bytes_per_h = around.mbit_per_s.value * 1e6 / 8 * HOUR_S
        speed = bytes_per_h / (BYTES_PER_AUDIO_H * mix.remote)
        yield Limit(
            "network", speed, "estimated", f"{around.mbit_per_s.value:g} Mbit/s: {around.mbit_per_s.source}"
        )


def _of_machine(pools: Sequence[Pool], around: Surroundings) -> Iterator[Limit]:
    """What cores and cards can do for all stages together."""
    for code, n_units, taken in (
        ("cpu", around.n_cpus, attrgetter("core_s")),
        ("gpu", around.n_gpus, attrgetter("gpu_s")),
    ):
        each = {pool.stage: taken(pool.cost) for pool in pools if pool.cost is not None}
        total_s = sum(each.values())
        if total_s <= 0 or n_units <= 0:
            continue
        most = max(each, key=lambda stage: each[stage])
        origin = max((p.cost.origin for p in pools if p.cost and each[p.stage]), key=ORIGINS.index)
        parts = ", ".join(
            f"{stage} {part_s / total_s:.0%}" for stage, part_s in each.items() if part_s / total_s >= 0.05
        )
        # Where embedding takes most of a card, it is embedding that one would turn down.
        named = "embed" if code == "gpu" and most == "Embed" else code
        yield Limit(named, n_units * HOUR_S / total_s, origin, parts)


def seconds_for(audio_h: float, speed_h_per_h: float, starting_s: float) -> float:
    """From the command to the end of its last video."""
    return starting_s + audio_h / speed_h_per_h * HOUR_S
