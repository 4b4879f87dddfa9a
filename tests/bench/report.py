"""What the measurements say: ratios, which stage binds, and how that is told. Pure.

Knows nothing of how anything was measured.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SideName = Literal["a", "b", "c"]
TITLES: dict[SideName, str] = {
    "a": "a  the engine alone, on prepared audio",
    "b": "b  Earmark's line",
    "c": "c  one phase after another",
}
SPEECH_TOLERANCE = 0.01
"""How far the sides' seconds of speech may differ. They cut the same files with the same rules."""


@dataclass(frozen=True, slots=True)
class StageUse:
    """How a stage of the line spent its time."""

    name: str
    actors: int
    items: int
    failed: int
    busy_share: float
    """Of its actors' time in the line, 0 to 1."""
    blocked_share: float
    """Of the same time: a finished row waited for the line to take it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One side of the comparison."""

    side: SideName
    n_videos: int
    """Videos that came out whole; for (b) and (c): are stored."""
    audio_s: float
    speech_s: float
    work_s: float
    """Wall-clock seconds of the work, without start-up."""
    start_up_s: float
    cpu_share: float
    """Of all cores of this machine, in the work; other programs' use included."""
    parts_s: dict[str, float] = field(default_factory=dict)
    """Seconds of what the work consists of: phases of (c); beginning and end of (b)."""
    stages: tuple[StageUse, ...] = ()

    @property
    def speed_h_per_h(self) -> float:
        """Hours of audio an hour, silence included."""
        return self.audio_s / self.work_s if self.work_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """The sides on one corpus."""

    form: Literal["real", "simulated"]
    engine: str
    """What recognises, in words."""
    network: str
    """What the media server allows, in words."""
    n_workers: int
    n_videos: int
    audio_s: float
    sides: tuple[Measured, ...]

    def side(self, name: SideName) -> Measured | None:
        return next((side for side in self.sides if side.side == name), None)

    @property
    def efficiency(self) -> float | None:
        """b/a: how much of the engine's speed the line keeps."""
        return self._ratio("a")

    @property
    def advantage(self) -> float | None:
        """b/c: how much faster the line is than phases."""
        return self._ratio("c")

    def _ratio(self, other: SideName) -> float | None:
        line, against = self.side("b"), self.side(other)
        if line is None or against is None or against.speed_h_per_h == 0:
            return None
        return line.speed_h_per_h / against.speed_h_per_h


def binding(stages: tuple[StageUse, ...]) -> StageUse | None:
    """The stage that the others wait for: the busiest one."""
    return max(stages, key=lambda stage: stage.busy_share, default=None)


def faults(measured: Round) -> list[str]:
    """Why these figures can't be compared; nothing where they can."""
    found = [
        f"({side.side}) brought {side.n_videos} of {measured.n_videos} videos to the end"
        for side in measured.sides
        if side.n_videos != measured.n_videos
    ]
    speech = {side.side: side.speech_s for side in measured.sides}
    if speech and max(speech.values()) - min(speech.values()) > SPEECH_TOLERANCE * max(speech.values()):
        told = ", ".join(f"({name}) {seconds:.0f} s" for name, seconds in speech.items())
        found.append(f"the sides heard different amounts of speech: {told}")
    return found


def document(measured: Round) -> dict[str, Any]:
    """A round as JSON."""
    told = asdict(measured)
    for side, entry in zip(measured.sides, told["sides"], strict=True):
        entry["speed_h_per_h"] = side.speed_h_per_h
    line = measured.side("b")
    bound = binding(line.stages) if line else None
    return {
        **told,
        "line_efficiency": measured.efficiency,
        "advantage_over_phases": measured.advantage,
        "binds": bound.name if bound else None,
        "faults": faults(measured),
    }


def lines(measured: Round) -> Iterator[str]:
    """A round for people."""
    mark = "SIMULATION · " if measured.form == "simulated" else ""
    yield f"{mark}{measured.engine}; media server: {measured.network}"
    hours, n_workers = measured.audio_s / 3600, measured.n_workers
    speech_s = measured.sides[0].speech_s if measured.sides else 0.0
    share = speech_s / measured.audio_s if measured.audio_s else 0.0
    workers = "1 ASR worker" if n_workers == 1 else f"{n_workers} ASR workers"
    yield f"{measured.n_videos} videos, {hours:.2f} h of audio, {share:.0%} of it speech; {workers} on every side"
    yield ""
    yield f"  {'':<40}{'h/h':>8}{'work':>10}{'start-up':>11}{'cores busy':>12}"
    for side in measured.sides:
        yield (
            f"  {TITLES[side.side]:<40}{side.speed_h_per_h:>8.1f}{side.work_s:>8.1f} s{side.start_up_s:>9.1f} s"
            f"{side.cpu_share:>12.0%}"
        )
    yield ""
    for side in measured.sides:
        if side.parts_s:
            told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in side.parts_s.items())
            yield f"  ({side.side}) {told}"
    yield from _ratios(measured)
    line = measured.side("b")
    if line is not None and line.stages:
        yield from _stages(line.stages)
    for fault in faults(measured):
        yield f"  NOT COMPARABLE: {fault}"


def _ratios(measured: Round) -> Iterator[str]:
    if measured.efficiency is not None:
        yield f"  line efficiency b/a  {measured.efficiency:.3f}"
    if measured.advantage is not None:
        yield f"  advantage       b/c  {measured.advantage:.2f}"


def _stages(stages: tuple[StageUse, ...]) -> Iterator[str]:
    yield ""
    yield f"  {'stage of (b)':<14}{'actors':>8}{'rows':>8}{'failed':>8}{'busy':>8}{'held up':>9}"
    for stage in stages:
        yield (
            f"  {stage.name:<14}{stage.actors:>8}{stage.items:>8}{stage.failed:>8}{stage.busy_share:>8.0%}"
            f"{stage.blocked_share:>9.0%}"
        )
    bound = binding(stages)
    if bound is not None:
        wanted = ", as it should be" if bound.name == "Transcribe" else ""
        yield f"  binds: {bound.name} ({bound.busy_share:.0%} busy){wanted}"
