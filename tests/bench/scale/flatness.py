"""Whether the driver's memory stays flat while ids stream through, and how soon the first slice comes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.memory import Sample
from tests.bench.soak_report import GROUPS, MB

QUARTERS = (0.25, 0.5, 0.75, 1.0)
WINDOW = 0.05
"""Share of the ids before each quarter's end over which its looks are taken together."""
GROWTH = 1.10
"""Memory of the last quarter over that of the first."""
FIRST_SLICE_S = 60.0


@dataclass(frozen=True, slots=True)
class Streamed:
    """A run of so many ids."""

    n_ids: int
    n_with_media: int
    """Of them; nothing is behind the others."""
    exit_code: int
    samples: tuple[Sample, ...]
    asked_s: float
    """From the program's start until all ids lay on the queue."""
    ready_s: float
    """From the program's start until the line began: Ray and all actors are up."""
    first_slice_s: float
    """From the program's start until the first slice was transcribed and committed."""
    last_s: float
    """From the program's start until the last id came to its end."""
    ended: dict[str, int]
    """How the ids ended: how many by status."""

    @property
    def ids_per_s(self) -> float:
        """Through the line, start-up apart."""
        return self.n_ids / (self.last_s - self.ready_s) if self.last_s > self.ready_s else 0.0

    @property
    def growth(self) -> float | None:
        """The driver's memory at the end of the last quarter over that at the end of the first; ``None``: one of them
        was never looked at."""
        found = [at_quarter(self.samples, self.n_ids, quarter, "driver") for quarter in (0.25, 1.0)]
        first, last = found
        return last / first if first and last else None


def at_quarter(samples: Sequence[Sample], n_ids: int, quarter: float, group: str) -> float | None:
    """Median memory of a group in the looks at the end of a quarter, in bytes; ``None``: the ids went by too fast for one.

    The looks at which all ids had ended are left out: the run is being closed then, and some of it may be gone.
    """
    near = [
        each.memory.get(group, 0)
        for each in samples
        if each.memory and (quarter - WINDOW) * n_ids < each.n_settled <= min(quarter * n_ids, n_ids - 1)
    ]
    return median(near) if near else None


def faults(measured: Streamed) -> Iterator[str]:
    if measured.exit_code:
        yield f"the run ended with exit code {measured.exit_code}"
    expected = {"stored": measured.n_with_media, "skipped": measured.n_ids - measured.n_with_media}
    if measured.ended != expected:
        yield f"the ids ended as {measured.ended}, and {expected} is right"
    if measured.growth is None:
        yield "no look came at the end of the first quarter, or none at that of the last: the run was too fast or too short"
    elif measured.growth > GROWTH:
        yield f"the driver's memory grew to {measured.growth:.3f} of the first quarter's, and {GROWTH} are allowed"
    if measured.first_slice_s > FIRST_SLICE_S:
        yield f"the first slice came after {measured.first_slice_s:.1f} s, and {FIRST_SLICE_S:.0f} are allowed"


def lines(measured: Streamed) -> Iterator[str]:
    """For people."""
    yield (
        f"{measured.n_ids} ids through Claim and Prefilter, {measured.ended.get('stored', 0)} of them with media, "
        f"{measured.ids_per_s:.0f} ids a second"
    )
    yield "  memory in MB (USS)  " + "".join(f"{quarter:>9.0%}" for quarter in QUARTERS)
    for group in GROUPS:
        found = [at_quarter(measured.samples, measured.n_ids, quarter, group) for quarter in QUARTERS]
        cells = "".join(f"{'-' if used is None else f'{used / MB:.1f}':>9}" for used in found)
        yield f"  {group:<20}{cells}"
    if measured.growth is not None:
        yield f"  driver, last quarter over the first: {measured.growth:.3f}; {GROWTH} are allowed"
    yield (
        f"  first slice after {measured.first_slice_s:.1f} s from the program's start ({FIRST_SLICE_S:.0f} are allowed): all "
        f"ids on the queue after {measured.asked_s:.1f} s, the line up after {measured.ready_s:.1f} s, and "
        f"{measured.first_slice_s - measured.ready_s:.1f} s in the line"
    )
