"""Which stage held a run back: named where it is clear, and none where it isn't."""

import pytest

from pipelines.bottleneck import StageLoad, find_bottleneck

STAGES = (
    "Prefilter",
    "Download",
    "Prepare",
    "Transcribe",
    "Identify",
    "Assemble",
    "Segment",
    "Embed",
    "Store",
)


def load(name: str, busy: float = 0.2, **parts: float) -> StageLoad:
    blocked, paused = parts.get("blocked", 0.0), parts.get("paused", 0.0)
    return StageLoad(
        name, busy, blocked, paused, 1.0 - busy - blocked - paused, parts.get("database", 0.0),
        queue_peak=3, actors=2, capacity_h_per_h=100.0,
    )  # fmt: skip


def line(**busy: float) -> list[StageLoad]:
    return [load(name, busy.get(name, 0.2)) for name in STAGES]


@pytest.mark.parametrize(
    ("stage", "cause", "advice"),
    [
        ("Download", "source", "download.actors"),
        ("Prepare", "work", "prepare.actors"),
        ("Transcribe", "work", "transcribe.actors"),
        ("Identify", "work", "identify.hop_s"),
        ("Embed", "work", "embed.model"),
    ],
)
def test_the_stage_that_works_all_the_time_is_named(stage: str, cause: str, advice: str) -> None:
    """With the setting to turn, and what speaks for it."""
    found = find_bottleneck(line(**{stage: 0.97}), line_s=300.0)
    assert (found.stage, found.cause) == (stage, cause)
    assert advice in found.advice
    assert f"{stage} worked 97% of the time" in found.why and "rows waited before it" in found.why


def test_a_stage_that_waits_for_the_database_is_named_with_the_database_as_the_cause() -> None:
    """More of its actors would not help as much as a faster database."""
    loads = [*line()[:-1], load("Store", 0.95, database=0.9)]
    found = find_bottleneck(loads, line_s=300.0)
    assert (found.stage, found.cause) == ("Store", "database")
    assert "store.writers" in found.advice and "90% of its work was waiting for the database" in found.why


def test_waiting_for_a_permission_to_ask_is_no_work_and_binds_all_the_same() -> None:
    """The source's budget is the limit then, and no number of actors changes it."""
    loads = [load("Prefilter", 0.1, paused=0.85), *line()[1:]]
    found = find_bottleneck(loads, line_s=300.0)
    assert (found.stage, found.cause) == ("Prefilter", "youtube")
    assert "another exit address" in found.advice


def test_stages_that_work_equally_hard_are_balanced() -> None:
    """Nobody is accused."""
    found = find_bottleneck(line(Prepare=0.91, Transcribe=0.95), line_s=300.0)
    assert (found.stage, found.cause) == (None, "balanced")
    assert "Transcribe worked 95%" in found.why and "Prepare 91%" in found.why


def test_stages_that_one_thing_outside_slows_alike_are_not_balanced() -> None:
    """A slow disk slows every stage that commits: there is something to change."""
    others = line()[:-4]
    slow = [load("Assemble", 0.93, database=0.9), *line()[-3:-1], load("Store", 0.95, database=0.95)]
    found = find_bottleneck([*others, *slow], line_s=300.0)
    assert (found.stage, found.cause) == ("Store", "database")
    found = find_bottleneck(line(Prefilter=0.9, Download=0.97), line_s=300.0)
    assert (found.stage, found.cause) == ("Download", "source")
    mixed = [
        load("Assemble", 0.93, database=0.9),
        load("Segment", 0.2),
        load("Embed", 0.9),
        load("Store", 0.95),
    ]
    assert find_bottleneck([*others, *mixed], line_s=300.0).cause == "balanced"


@pytest.mark.parametrize(("line_s", "cause"), [(300.0, "idle"), (10.0, "too short")])
def test_where_nothing_was_at_its_limit_nothing_is_named(line_s: float, cause: str) -> None:
    """Start and tail of a short run are no bottleneck."""
    found = find_bottleneck(line(Transcribe=0.5), line_s)
    assert (found.stage, found.cause) == (None, cause) and found.advice
