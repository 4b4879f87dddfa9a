"""What a cluster would ask of things that there is only one of, against what they do here. Pure.

Owns the counts of transactions that a slice and a video cost, as the stages make them; a stage that asks the ledger
once more is one more here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from configs.section import MOST_ACTORS

PCM_BYTES_PER_S = 32_000
"""Of speech between Prepare and Identify: int16 at 16 kHz."""
SMALL_PER_SLICE = 9
"""Transcribe: entered, deaths counted, begun, language agreed, ended. Identify and Assemble: begun, ended."""
SMALL_PER_VIDEO = 21
"""Prefilter: entered, begun, recalled, described, ended. Download: entered, begun, content held, ended. Prepare:
entered, begun, slices present, ended. Segment: begun, voices read, ended. Embed: deaths counted, begun, ended. Store:
begun, ended."""
PERMITS_PER_VIDEO = 1
"""Its page; the track behind it needs none while its link is fresh."""
REPORTS_PER_ROW = 2
"""That a stage's actor makes to the scoreboard, one of them waited for."""
TASKS_PER_SLICE = 3
"""Transcribe, Identify, Assemble."""
TASKS_PER_VIDEO = 6
"""Prefilter, Download, Prepare, Segment, Embed, Store."""
SHARED_EXIT = "permits of one exit"
KINDS = {
    "small": "transactions that change one row",
    "slices": "slices committed",
    "videos": "videos stored",
    "claimed": "videos claimed, 16 at a time",
    "entries": "entries put on the queue by a list",
    "permits": "permits, an exit each",
    SHARED_EXIT: "permits, all of one exit",
}
"""What is measured, and what it is called. All but the last are in the arithmetic."""

BOUNDS = (
    f"a pool may have {MOST_ACTORS} actors, so that a run drives as many recognisers at most",
    "there is one Identify for two cards and one Embed for eight, or for 16 CPUs",
    "ray.look_ahead_videos are in hand in front of Prepare: so many, over the seconds that one needs there, a second",
    "Postgres takes max_connections at once, the embedded one 200, and every actor that asks the ledger has one",
)
"""What else there is little of: bounds of settings or of the code, not rates."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is reckoned with."""

    n_gpus: int = 1000
    speed_h_per_h: float = 150.0
    """Of each GPU, in hours of audio an hour."""
    video_s: float = 900.0
    speech_share: float = 0.857
    """Of the benchmark's recordings."""
    slice_speech_s: float = 300.0
    youtube_videos_per_h: float = 240.0
    """That one exit address may ask for; each node has its own here."""

    @property
    def videos_per_s(self) -> float:
        return self.n_gpus * self.speed_h_per_h / self.video_s

    @property
    def slices_per_video(self) -> int:
        return ceil(self.video_s * self.speech_share / self.slice_speech_s)

    @property
    def slices_per_s(self) -> float:
        return self.videos_per_s * self.slices_per_video

    @property
    def youtube_h_per_h(self) -> float:
        """Audio that one node's exit address lets it fetch of YouTube, in hours an hour."""
        return self.youtube_videos_per_h * self.video_s / 3600


@dataclass(frozen=True, slots=True)
class Rate:
    """Something measured with so many connections."""

    kind: str
    """One of ``KINDS``."""
    connections: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured here, per second, each by itself and at the number of connections that did best."""

    small: float
    """Ledger transactions that change one row."""
    slices: float
    """``commit_slice``."""
    videos: float
    """``Writer.write``."""
    claimed: float
    """Videos, claimed sixteen at a time."""
    entries: float
    """Put on the queue by one list."""
    permits: float
    """Given and answered, each connection with an exit address of its own."""
    object_bytes: float | None = None
    """Between two actors of one node."""
    tasks: float | None = None
    """Rows that one driver hands to actors."""
    sourced: float | None = None
    """Videos that one source gives to the line."""
    reports: float | None = None
    """Of rows begun and ended, that one scoreboard takes."""
    slice_bytes: float = 0.0
    """That a slice takes in the database."""


@dataclass(frozen=True, slots=True)
class Load:
    """One thing, needed and measured, both per second."""

    what: str
    needed: float
    measured: float
    in_database: bool = True
    """All of these share one Postgres."""

    @property
    def times(self) -> float:
        """How many of it as measured would be needed; over 1 it breaks."""
        return self.needed / self.measured if self.measured > 0 else float("inf")


def best(
    measured: Sequence[Rate], slice_bytes: float, object_bytes: float | None = None, tasks: float | None = None,
    sourced: float | None = None, reports: float | None = None,
) -> Rates:  # fmt: skip
    """The most of each kind, whatever the number of connections.

    Raises:
        ValueError: a kind that the arithmetic needs was not measured.
    """
    most = {
        kind: max(rate.per_s for rate in measured if rate.kind == kind)
        for kind in KINDS
        if kind != SHARED_EXIT
    }
    return Rates(
        **most,
        object_bytes=object_bytes,
        tasks=tasks,
        sourced=sourced,
        reports=reports,
        slice_bytes=slice_bytes,
    )


def rate_lines(measured: Sequence[Rate]) -> Iterator[str]:
    """A table for people: kinds down, connections across."""
    columns = sorted({rate.connections for rate in measured})
    found = {(rate.kind, rate.connections): rate.per_s for rate in measured}
    yield f"  {'a second, with connections':<38}" + "".join(f"{n:>10}" for n in columns)
    for kind, what in KINDS.items():
        cells = (f"{found[kind, n]:,.1f}" if (kind, n) in found else "" for n in columns)
        yield f"  {what:<38}" + "".join(f"{cell:>10}" for cell in cells)


def loads(cluster: Cluster, rates: Rates) -> list[Load]:
    """Of what there is one of in a run however many nodes there are, and was measured. ``BOUNDS`` has what is bounded by
    settings or code instead."""
    videos, slices = cluster.videos_per_s, cluster.slices_per_s
    found = [
        Load("small transactions", videos * SMALL_PER_VIDEO + slices * SMALL_PER_SLICE, rates.small),
        Load("slices committed", slices, rates.slices),
        Load("videos stored", videos, rates.videos),
        Load("videos claimed", videos, rates.claimed),
        Load("entries of a list", videos, rates.entries),
        Load("permits", videos * PERMITS_PER_VIDEO, rates.permits),
    ]
    rows = videos * TASKS_PER_VIDEO + slices * TASKS_PER_SLICE
    if rates.tasks is not None:
        found.append(Load("rows handed to actors by one driver", rows, rates.tasks, in_database=False))
    if rates.sourced is not None:
        found.append(Load("videos given by one source", videos, rates.sourced, in_database=False))
    if rates.reports is not None:
        needed = rows * REPORTS_PER_ROW
        found.append(Load("reports to one scoreboard", needed, rates.reports, in_database=False))
    return found


def database(found: Sequence[Load]) -> Load:
    """All that one database would do at once, as shares of its time. Each rate was measured alone, so they add up."""
    return Load(
        "the database, all of this at once", sum(each.times for each in found if each.in_database), 1.0
    )


def breaks_first(found: Sequence[Load]) -> Load:
    """What is needed most beyond what it does: one database for all, or another thing by itself."""
    others = [each for each in found if not each.in_database]
    return max([database(found), *others], key=lambda load: load.times)


def n_gpus_served(cluster: Cluster, load: Load) -> float:
    """GPUs that it would serve."""
    return cluster.n_gpus / load.times if load.times > 0 else float("inf")


def lines(cluster: Cluster, rates: Rates) -> Iterator[str]:
    """The arithmetic, for people."""
    hours = cluster.n_gpus * cluster.speed_h_per_h
    yield (
        f"{cluster.n_gpus} GPUs of {cluster.speed_h_per_h:g} h/h: {hours:,.0f} h/h, in videos of {cluster.video_s / 60:g} min "
        f"{cluster.videos_per_s:.1f} a second, with {cluster.slices_per_video} slices each {cluster.slices_per_s:.1f} slices a second"
    )
    yield f"  {'a second':<38}{'needed':>12}{'measured':>12}{'times':>9}{'GPUs served':>13}"
    found = loads(cluster, rates)
    for load in found:
        yield _told(cluster, load)
    whole = database(found)
    yield f"  {whole.what:<38}{'':>24}{whole.times:>9.2f}{n_gpus_served(cluster, whole):>13,.0f}"
    first = breaks_first(found)
    yield f"  of these breaks first: {first.what}, at about {n_gpus_served(cluster, first):,.0f} GPUs"
    yield from (f"  not measured: {bound}" for bound in BOUNDS)
    grown = cluster.slices_per_s * rates.slice_bytes
    yield f"  slices take {rates.slice_bytes / 1e3:.0f} kB each in the database: {grown / 1e6:.0f} MB a second, {grown * 86_400 / 1e12:.1f} TB a day"
    pcm = cluster.speed_h_per_h * cluster.speech_share * PCM_BYTES_PER_S
    yield (
        f"  each GPU takes in {pcm / 1e6:.1f} MB of PCM a second and, where Identify is on another node, hands it on; all "
        f"of them {pcm * cluster.n_gpus / 1e9:.1f} GB a second each way"
    )
    if rates.object_bytes is not None:
        yield f"  two actors of one node moved {rates.object_bytes / 1e6:.0f} MB a second here, through shared memory"
    yield (
        f"  of YouTube each exit address may be asked for {cluster.youtube_videos_per_h:g} videos an hour, {cluster.youtube_h_per_h:g} h/h of "
        f"audio: {cluster.youtube_h_per_h / cluster.speed_h_per_h:.0%} of what its node's GPU does"
    )


def _told(cluster: Cluster, load: Load) -> str:
    return (
        f"  {load.what:<38}{load.needed:>12,.1f}{load.measured:>12,.1f}{load.times:>9.2f}"
        f"{n_gpus_served(cluster, load):>13,.0f}"
    )
