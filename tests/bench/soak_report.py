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


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may use."""

    after: int
    """Videos after which the line has warmed up."""
    n_videos: int
    connections: int
    object_store: int
    """Bytes."""


def early(samples: Sequence[Sample], bounds: Bounds) -> list[Sample]:
    """Looks right after the line has warmed up; at least one."""
    behind = [each for each in samples if each.n_settled >= bounds.after and each.memory]
    until = bounds.after + bounds.n_videos * WINDOW
    return [each for each in behind if each.n_settled <= until] or behind[:1]


def late(samples: Sequence[Sample], bounds: Bounds) -> list[Sample]:
    """The last looks at the line while it still worked; at least one."""
    seen = [each for each in samples if each.memory]
    working = [each for each in seen if each.n_settled < bounds.n_videos] or seen
    since = bounds.n_videos * (1 - WINDOW)
    return [each for each in working if each.n_settled >= since] or working[-1:]


def usual(samples: Sequence[Sample], group: str) -> float:
    """The median of a group's memory, in bytes."""
    return median(each.memory.get(group, 0) for each in samples) if samples else 0.0


def growth(samples: Sequence[Sample], bounds: Bounds) -> dict[str, tuple[float, float]]:
    """Memory of each group after the warm-up and at the end, in bytes; ``all`` is their sum."""
    first, last = early(samples, bounds), late(samples, bounds)
    found = {group: (usual(first, group), usual(last, group)) for group in GROUPS}
    before, after = (sum(usual(part, group) for group in GROUPS) for part in (first, last))
    return found | {"all": (before, after)}


def faults(samples: Sequence[Sample], bounds: Bounds, leftovers: Sequence[str]) -> list[str]:
    """Everything that was not bounded; empty: all well."""
    if not samples or samples[-1].n_settled < bounds.n_videos:
        done = samples[-1].n_settled if samples else 0
        return [f"{done} of {bounds.n_videos} videos came to an end while the watch lasted"]
    found = [
        f"memory of {group} grew from {before / MB:.0f} to {after / MB:.0f} MB ({after / before - 1:+.0%})"
        for group, (before, after) in growth(samples, bounds).items()
        if before and after > before * GROWTH
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
        yield f"memory in MB (USS, median over {WINDOW:.0%} of the videos)"
        yield f"{'':10}{f'after {bounds.after}':>12}{'at the end':>12}{'ratio':>8}"
        for group, (before, after) in growth(samples, bounds).items():
            ratio = f"{after / before:8.3f}" if before else f"{'-':>8}"
            yield f"{group:10}{before / MB:12.1f}{after / MB:12.1f}{ratio}"
        yield from _stage_lines(early(samples, bounds), late(samples, bounds))
        yield (
            f"object store at most {max(each.object_store for each in samples) / MB:.1f} MB, "
            f"database connections at most {max(each.connections for each in samples)} of {bounds.connections}, "
            f"temporary files at most {max(each.temporary_files for each in samples)}, left {len(leftovers)}"
        )
    wrong = faults(samples, bounds, leftovers)
    yield from (f"FAULT: {each}" for each in wrong)
    if not wrong:
        yield f"bounded: nothing grew by more than {GROWTH - 1:.0%}"


def _stage_lines(first: Sequence[Sample], last: Sequence[Sample]) -> Iterator[str]:
    names = sorted({name for each in (*first, *last) for name in each.stages})
    for name in names:
        before, after = (median([each.stages.get(name, 0) for each in part] or [0]) for part in (first, last))
        yield f"  {name:24}{before / MB:9.1f} → {after / MB:.1f}"
