"""The order of a sweep over the recogniser's settings, where it stops and what comes out best. Pure.

Combinations that differ in nothing but the number of actors make a *series*, which is gone up until more actors
bring no more or one of them fails; the settings' own series comes first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

T = TypeVar("T")

MORE = 1.03
"""So many times as fast, or it isn't told from chance: a series ends, and of two the one with fewer actors is best."""
DEFAULT_ACTORS = (1, 2, 4, 8)
MOST_ON_CARD = 4
ARITHMETIC = {"cuda": ("float16", "int8_float16"), "cpu": ("int8", "float32")}
"""What is tried beside the settings' own; ``auto`` is the first of them."""
FAST_BEAM = 1


@dataclass(frozen=True, slots=True)
class Combination:
    """What a measurement is of."""

    actors: int
    batch: int
    """Windows of speech in a slice."""
    beam: int
    compute_type: str
    mps: bool = False

    @property
    def series(self) -> tuple[int, int, str, bool]:
        return self.batch, self.beam, self.compute_type, self.mps

    @property
    def text(self) -> tuple[int, str]:
        """What the words depend on."""
        return self.beam, self.compute_type


@dataclass(frozen=True, slots=True)
class Result:
    """How it went: a speed, or why there is none."""

    combination: Combination
    speed_h_per_h: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where a sweep takes place."""

    device: str
    n_cpus: int
    n_cards: int = 0
    can_mps: bool = False


@dataclass(frozen=True, slots=True)
class Dials:
    """What to try of each; the first of each is the settings' own, where nobody asked for others."""

    actors: tuple[int, ...]
    batches: tuple[int, ...]
    beams: tuple[int, ...]
    compute_types: tuple[str, ...]
    mps: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of each; empty or ``None``: nothing."""

    actors: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    beams: tuple[int, ...] = ()
    compute_types: tuple[str, ...] = ()
    mps: bool | None = None


def dials(asked: Asked, own: Combination, site: Site, cpu_threads: int) -> Dials:
    """What to try, where the command line leaves it open: what makes sense on this device.

    Args:
        own: as the settings have it; its number of actors doesn't matter.
        cpu_threads: of one actor.
    """
    most = MOST_ON_CARD * site.n_cards if site.device == "cuda" else max(1, site.n_cpus // cpu_threads)
    others = ARITHMETIC[site.device][1:] if own.compute_type == "auto" else ARITHMETIC[site.device]
    mps: tuple[bool, ...] = (False, True) if site.can_mps else (False,)
    return Dials(
        actors=asked.actors or tuple(n for n in DEFAULT_ACTORS if n <= most),
        batches=asked.batches or (own.batch,),
        beams=asked.beams or _once((own.beam, FAST_BEAM)),
        compute_types=asked.compute_types or _once((own.compute_type, *others)),
        mps=mps if asked.mps is None else (asked.mps,),
    )


def combinations(wanted: Dials, site: Site) -> list[Combination]:
    """All of them in the order of a sweep. One process a card has nobody to share it with: no MPS for it."""
    found = []
    series = product(
        _once(wanted.mps), _once(wanted.compute_types), _once(wanted.beams), _once(wanted.batches)
    )
    for mps, compute_type, beam, batch in series:
        found += [
            Combination(actors, batch, beam, compute_type, mps)
            for actors in sorted(set(wanted.actors))
            if not mps or actors > site.n_cards
        ]
    return found


def following(order: Iterable[Combination], results: Sequence[Result]) -> Iterator[Combination]:
    """What is to be measured next, as results come in: read it one at a time.

    Args:
        results: grows while this is read.
    """
    for combination in order:
        if why_not(combination, results) is None:
            yield combination


def left_out(order: Iterable[Combination], results: Sequence[Result]) -> list[tuple[Combination, str]]:
    """What a finished sweep didn't measure, and why."""
    done = {result.combination for result in results}
    found = [(each, why_not(each, results)) for each in order if each not in done]
    return [(combination, why) for combination, why in found if why is not None]


def why_not(combination: Combination, results: Sequence[Result]) -> str | None:
    """Why it needn't be measured; ``None``: it must."""
    fewer = sorted(
        (
            each
            for each in results
            if each.combination.series == combination.series and each.combination.actors < combination.actors
        ),
        key=lambda each: each.combination.actors,
    )
    failed = next((each for each in fewer if each.speed_h_per_h is None), None)
    if failed is not None:
        return f"{_actors(failed)} failed already"
    if len(fewer) >= 2:
        before, last = fewer[-2:]
        assert before.speed_h_per_h is not None and last.speed_h_per_h is not None
        if last.speed_h_per_h < before.speed_h_per_h * MORE:
            return f"{_actors(last)} brought no more than {_actors(before)}"
    return None


def best(results: Iterable[Result]) -> Result | None:
    """The fastest; of those that are as fast, but for chance, the one with the fewest actors and then the one nearest
    to the front. ``None``: nothing could be measured."""
    measured = [each for each in results if each.speed_h_per_h is not None]
    if not measured:
        return None
    most = max(each.speed_h_per_h or 0.0 for each in measured)
    as_fast = [each for each in measured if (each.speed_h_per_h or 0.0) * MORE > most]
    return min(as_fast, key=lambda each: (each.combination.actors, each.combination.mps))


def settings_for(found: Combination, own: Combination) -> list[str]:
    """What to set so that a run works as ``found``; ``own`` is how the settings have it. The number of actors always."""
    set_ = [f"transcribe.actors={found.actors}"]
    for name, theirs, ours in (
        ("prepare.slice_max_clips", found.batch, own.batch),
        ("transcribe.beam_size", found.beam, own.beam),
        ("transcribe.compute_type", found.compute_type, own.compute_type),
    ):
        if theirs != ours:
            set_.append(f"{name}={theirs}")
    return set_


def ranked(results: Iterable[Result]) -> list[Result]:
    """Fastest first, what can't be done last."""
    return sorted(results, key=lambda each: (each.speed_h_per_h is None, -(each.speed_h_per_h or 0.0)))


def _actors(result: Result) -> str:
    n = result.combination.actors
    return f"{n} actor" if n == 1 else f"{n} actors"


def _once(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))
