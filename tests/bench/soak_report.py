"""What a soak's samples say: a table, and whether memory, files and connections stayed bounded. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.memory import Sample

GROUPS = ("driver", "actors", "database", "ray")
GROWTH = 1.10
"""Memory at the end over memory early on: the most that is no leak."""
WINDOW = 0.05
"""Share of the videos over which a figure is taken: single looks differ by what is in flight."""
MB = 1e6
IDLE = "ray/worker IDLE"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may use."""

    after: int
    """Videos after which the line has warmed up."""
    n_videos: int
    connections: int
    object_store: int
    """Bytes."""


def windows(samples: Sequence[Sample], bounds: Bounds, part: str) -> tuple[list[int], list[int]]:
    """A part's memory in the looks right after the warm-up, and in the last ones that it lived to see.

    The line ends from its head: what fetches is gone when the last videos are transcribed, and what it held
    at its own end is what counts. Its very last look is left out, at which some of it may have been gone.
    """
    warm = [each for each in samples if each.n_settled >= bounds.after and each.memory]
    until = bounds.after + bounds.n_videos * WINDOW
    first = [each for each in warm if each.n_settled <= until] or warm[:1]
    lived = [each.parts[part] for each in warm if part in each.parts]
    n_looks = max(1, round(len(lived) * WINDOW))
    return [each.parts[part] for each in first if part in each.parts], lived[-n_looks - 1 : -1] or lived


def growth(samples: Sequence[Sample], bounds: Bounds) -> dict[str, tuple[float, float]]:
    """Memory of each part after the warm-up and at its end, in bytes: first the groups, then what they
    consist of. A worker of Ray's without work is one that was counted while it had some."""
    parts = {}
    for part in sorted({name for each in samples for name in each.parts} - {IDLE}):
        first, last = windows(samples, bounds, part)
        if last:
            parts[part] = (median(first) if first else 0.0, median(last))
    groups = {
        group: tuple(
            sum(both[end] for name, both in parts.items() if name.startswith(f"{group}/")) for end in (0, 1)
        )
        for group in GROUPS
    }
    return {name: (both[0], both[1]) for name, both in groups.items()} | parts


def faults(samples: Sequence[Sample], bounds: Bounds, leftovers: Sequence[str]) -> list[str]:
    """Everything that was not bounded; empty: all well."""
    if not samples or samples[-1].n_settled < bounds.n_videos:
        done = samples[-1].n_settled if samples else 0
        return [f"{done} of {bounds.n_videos} videos came to an end while the watch lasted"]
    found = [
        f"memory of {group} grew from {before / MB:.0f} to {after / MB:.0f} MB ({after / before - 1:+.0%})"
        for group, (before, after) in growth(samples, bounds).items()
        if group in GROUPS and before and after > before * GROWTH
    ]
    most = max(each.connections for each in samples)
    if most > bounds.connections:
        found.append(f"{most} database connections were open at once; {bounds.connections} are allowed")
    fullest = max(each.object_store for each in samples)
    if fullest > bounds.object_store:
        found.append(
            f"the object store held {fullest / MB:.0f} MB; {bounds.object_store / MB:.0f} are allowed"
        )
    if leftovers:
        named = ", ".join(leftovers[:5])
        found.append(f"{len(leftovers)} temporary files are left: {named}")
    return found


def row(sample: Sample) -> str:
    """One look as a line of the table."""
    memory = "".join(f"{sample.memory.get(group, 0) / MB:10.0f}" for group in GROUPS)
    return (
        f"{sample.at_s:7.0f}{sample.n_settled:8}{memory}{sample.object_store / MB:10.1f}"
        f"{sample.connections:8}{sample.temporary_files:7}"
    )


HEAD = f"{'s':>7}{'videos':>8}" + "".join(f"{group:>10}" for group in GROUPS) + (
    f"{'objects':>10}{'connec.':>8}{'files':>7}"
)  # fmt: skip


def lines(samples: Sequence[Sample], bounds: Bounds, leftovers: Sequence[str]) -> Iterator[str]:
    """The report for people."""
    if samples:
        yield f"memory in MB (USS, medians over {WINDOW:.0%} of the run)"
        yield f"{'':36}{f'after {bounds.after}':>12}{'at the end':>12}{'ratio':>8}"
        for name, (before, after) in growth(samples, bounds).items():
            ratio = f"{after / before:8.3f}" if before else f"{'-':>8}"
            yield f"{name if name in GROUPS else f'  {name}':36}{before / MB:12.1f}{after / MB:12.1f}{ratio}"
        yield (
            f"object store at most {max(each.object_store for each in samples) / MB:.1f} MB, "
            f"database connections at most {max(each.connections for each in samples)} of {bounds.connections}, "
            f"temporary files at most {max(each.temporary_files for each in samples)}, left {len(leftovers)}"
        )
    wrong = faults(samples, bounds, leftovers)
    yield from (f"FAULT: {each}" for each in wrong)
    if not wrong:
        yield f"bounded: nothing grew by more than {GROWTH - 1:.0%}"
