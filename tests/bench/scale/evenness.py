"""How near to its ideal a run with one very long video ends. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

MOST = 1.15
"""Times the ideal that the run may take."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is done with the long video one thing after the other, whoever does it, in seconds."""

    fetch_s: float
    """At the rate of one connection."""
    prepare_s: float
    """By one process that has its core to itself: one decoder reads one recording."""
    last_slice_s: float
    """In one recogniser: it isn't there before all else of the video is cut."""

    @property
    def whole_s(self) -> float:
        return self.fetch_s + self.prepare_s + self.last_slice_s


@dataclass(frozen=True, slots=True)
class Uneven:
    """One long video among short ones."""

    n_videos: int
    n_stored: int
    n_workers: int
    speed_h_per_h: float
    """Of one recogniser, in hours of speech an hour."""
    speech_s: float
    """Of all videos."""
    audio_s: float
    long_s: float
    """Length of the long one."""
    chain: Chain
    took_s: float
    """From the first row to the last video stored."""
    start_up_s: float

    @property
    def shared_s(self) -> float:
        """If all recognisers worked all the time."""
        return self.speech_s / (self.n_workers * self.speed_h_per_h)

    @property
    def ideal_s(self) -> float:
        """The work shared evenly, or what this line does one after the other."""
        return max(self.shared_s, self.chain.whole_s)

    @property
    def ratio(self) -> float:
        return self.took_s / self.ideal_s if self.ideal_s > 0 else float("inf")


def faults(measured: Uneven) -> Iterator[str]:
    if measured.n_stored != measured.n_videos:
        yield f"{measured.n_stored} of {measured.n_videos} videos are stored"
    if measured.ratio > MOST:
        yield f"the run took {measured.ratio:.3f} times the ideal, and {MOST} are allowed"


def lines(measured: Uneven) -> Iterator[str]:
    """For people."""
    chain = measured.chain
    yield (
        f"SIMULATION · one video of {measured.long_s / 3600:.1f} h among {measured.n_videos - 1} short ones "
        f"({measured.audio_s / 3600:.2f} h in all, {measured.speech_s / measured.audio_s:.0%} of it speech) on "
        f"{measured.n_workers} recognisers of {measured.speed_h_per_h:g} h/h of speech"
    )
    binds = "the recognisers' work" if measured.shared_s >= chain.whole_s else "the long video's own chain"
    yield f"  all recognisers at work all the time {measured.shared_s:8.1f} s"
    yield (
        f"  the long video, one after the other  {chain.whole_s:8.1f} s (fetch {chain.fetch_s:.0f}, prepare "
        f"{chain.prepare_s:.0f}, last slice {chain.last_slice_s:.0f})"
    )
    yield f"  from the first row to the last stored{measured.took_s:8.1f} s, start-up {measured.start_up_s:.1f} s apart"
    yield f"  {measured.ratio:.3f} × the ideal, which is {binds}; {MOST} are allowed"
