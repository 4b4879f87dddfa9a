"""What the scenes are that speakers are told apart in: who speaks, for how long, over what.

Two sets of the same scenes with different voices. Constants are chosen by the scenes of ``dev``; figures that are
published are those of ``test``, on whose voices nothing was ever tuned. ``twins`` are voices that the small model
can hardly tell apart, all of them enrolled: there the right answer is that it can't be told.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    voices: tuple[str, ...]
    """By index of the set's voices: the first of a set are enrolled."""
    duration_s: float
    kind: str = "talk"
    """``talk``: one after another, the next voice chosen by chance; ``guest``: the first voice, and the second for
    ``GUEST_S`` in the middle; ``overlap``: people begin before the other one has ended."""
    music_db: float | None = None
    """Level of music under the whole scene, against the speech; ``None``: no music."""
    level: float = 0.05


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    enrolled: tuple[str, ...]
    scenes: tuple[Scene, ...]
    seed: int


GUEST_S = 20.0
ENROLMENT_S = 75.0
COHORT_S = 24.0

COHORT = (
    "en-us+benjamin", "en+david", "en-us+Gene", "en+iven", "en-us+max", "en+norbert", "en-us+pablo", "en+sandro",
    "en-us+shelby", "en+zac", "en-us+ed", "en+klatt", "en-us+Lee", "en+Mike", "en-us+Alicia", "en+antonio",
    "en-us+m4", "en+m5", "en-us+m7", "en+Andrea", "en-us+Hugo", "en+paul",
)  # fmt: skip
"""Voices that are in no scene: thresholds are calibrated against them, as against other people in a corpus."""


def _scenes(first: str, second: str, *others: str, hour_s: float) -> tuple[Scene, ...]:
    one, two, three, four = others
    return (
        Scene("two people, one enrolled", (first, one), 200),
        Scene("two people, both enrolled", (first, second), 160),
        Scene("three people", (first, two, one), 240),
        Scene("four people", (first, second, three, two), 300),
        Scene("monologue", (first,), 150),
        Scene("another's monologue", (second,), 120, level=0.02),
        Scene("monologue with a guest", (first, four), hour_s, kind="guest"),
        Scene("people who talk at once", (first, three), 150, kind="overlap"),
        Scene("monologue over music", (first,), 120, music_db=-15),
        Scene("two people over music", (second, four), 150, music_db=-20),
        Scene("an unknown voice alone", (one,), 120),
        Scene("another unknown voice alone", (four,), 120),
        Scene("unknown people", (two, three, one), 200),
    )


SETS = (
    Set(
        "dev", ("en-us+m3", "en+f2"),
        _scenes("en-us+m3", "en+f2", "en-us+steph", "en+Denis", "en-us+belinda", "en+Marco", hour_s=900), 1,
    ),
    Set(
        "test", ("en+m1", "en-us+Annie"),
        _scenes("en+m1", "en-us+Annie", "en-us+f3", "en+Alex", "en-us+m8", "en+Jacky", hour_s=3600), 2,
    ),
    Set(
        "twins", ("en-us+john", "en-us+pedro", "en-us+adam", "en-us+caleb"),
        (
            Scene("one twin alone", ("en-us+pedro",), 100),
            Scene("another twin alone", ("en-us+caleb",), 100),
            Scene("twins talk", ("en-us+john", "en-us+pedro"), 160),
        ), 3,
    ),
)  # fmt: skip
