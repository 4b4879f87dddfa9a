"""How much of so many recognisers' own speed the line keeps. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.report import Measured, binding

LEAST = 0.9
AT = 4
"""Recognisers at which ``LEAST`` is demanded."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The line with so many recognisers."""

    n: int
    alone_h_per_h: float
    """What one of them does by itself, in hours of speech an hour, measured in the same call."""
    n_videos: int
    """That were asked for."""
    line: Measured

    @property
    def limit_h_per_h(self) -> float:
        """All of them together if none ever waited, in hours of speech an hour."""
        return self.n * self.alone_h_per_h

    @property
    def line_h_per_h(self) -> float:
        """In hours of speech an hour: how much of the audio is silence has no part in it."""
        return self.line.speech_s / self.line.work_s if self.line.work_s > 0 else 0.0

    @property
    def efficiency(self) -> float:
        return self.line_h_per_h / self.limit_h_per_h if self.limit_h_per_h > 0 else 0.0


def faults(measured: Sequence[Workers]) -> Iterator[str]:
    """What is not as it must be; nothing where all is well."""
    for each in measured:
        if each.line.n_videos != each.n_videos:
            yield f"{each.n} recognisers: {each.line.n_videos} of {each.n_videos} videos are stored"
        if failed := {stage.name: stage.failed for stage in each.line.stages if stage.failed}:
            told = ", ".join(f"{name} {n}" for name, n in failed.items())
            yield f"{each.n} recognisers: rows failed in {told}"
        if each.n == AT and each.efficiency < LEAST:
            yield f"{each.n} recognisers keep {each.efficiency:.3f} of their speed, and {LEAST} is asked for"


def lines(measured: Sequence[Workers]) -> Iterator[str]:
    """A table for people."""
    alone = measured[0].alone_h_per_h if measured else 0.0
    yield f"SIMULATION · recognisers that wait as GPUs of {alone:.1f} h/h of speech would, each on a GPU that Ray is told of, all on one node"
    yield f"  {'':>11}{'limit':>9}{'the line':>10}{'':>12}{'work':>9}{'start-up':>10}{'first slice':>13}{'cores busy':>12}"
    for each in measured:
        first_s = next(iter(each.line.parts_s.values()), 0.0)
        bound = binding(each.line.stages)
        yield (
            f"  {each.n:>2} worker{'s' if each.n > 1 else ' '} {each.limit_h_per_h:>8.1f}{each.line_h_per_h:>10.1f}"
            f"{each.efficiency:>10.3f} ×{each.line.work_s:>7.0f} s{each.line.start_up_s:>8.0f} s{first_s:>11.1f} s"
            f"{each.line.cpu_share:>12.0%}   busiest: {f'{bound.name} {bound.busy_share:.0%}' if bound else 'none'}"
        )
    yield "  limit and line in hours of speech an hour; start-up is no part of the line's work"
