"""Which stage held a run back: named where it is clear, and none where it isn't."""

import pytest

from pipelines.bottleneck import SourceLoad, StageLoad, find_bottleneck
from pipelines.planning import TURN
from pipelines.progress import STAGES


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
    """The source's budget is the limit then, and no number of actors changes it; which one, its queue tells."""
    loads = [load("Prefilter", 0.1, paused=0.85), *line()[1:]]
    for cause in ("youtube", "other_sources"):
        held = [
            SourceLoad(each, 0.0, 0.9 if each == cause else 0.1, "") for each in ("youtube", "other_sources")
        ]
        found = find_bottleneck(loads, 300.0, held)
        assert (found.stage, found.cause, found.advice) == ("Prefilter", cause, TURN[cause])
        assert "waited 85% of it for a permission to ask" in found.why
    unknown = find_bottleneck(loads, 300.0)
    assert (unknown.stage, unknown.cause) == ("Prefilter", "source")
    assert "youtube_videos_per_h or governor.other_videos_per_h" in unknown.advice


@pytest.mark.parametrize(
    ("cause", "site", "whom"),
    [("youtube", "youtube", "YouTube"), ("other_sources", "podcast.example", "podcast.example")],
)
def test_what_waits_on_the_queue_for_a_source_is_no_idleness(cause: str, site: str, whom: str) -> None:
    """No stage works much and none is paused: at 62 h/h a recogniser that could do 148 works 42 % of the time."""
    other = SourceLoad("other_sources" if cause == "youtube" else "youtube", 0.1, 0.1, "else.example")
    found = find_bottleneck(line(Transcribe=0.42), 3600.0, [other, SourceLoad(cause, 0.93, 0.97, site)])
    assert (found.stage, found.cause, found.advice) == ("Prefilter", cause, TURN[cause])
    assert f"videos waited 93% of the time on the queue for a permission to ask {whom}" in found.why
    assert "no stage worked more than 42% of it (Transcribe)" in found.why


@pytest.mark.parametrize("waited", [0.3, 0.97])
def test_a_source_before_a_stage_that_works_all_the_time_binds_nothing(waited: float) -> None:
    """It gives more than the stage can take, and what it gives piles up."""
    found = find_bottleneck(line(Transcribe=0.97), 300.0, [SourceLoad("youtube", waited, 0.99, "youtube")])
    assert (found.stage, found.cause) == ("Transcribe", "work")


def test_a_source_that_was_waited_for_now_and_then_is_told_and_not_named() -> None:
    """Nothing was at its limit for long."""
    found = find_bottleneck(line(Transcribe=0.4), 300.0, [SourceLoad("youtube", 0.45, 0.5, "youtube")])
    assert (found.stage, found.cause) == (None, "idle") and "45% of the time on the queue" in found.why


def test_a_stage_that_is_paused_until_its_batch_has_filled_binds_nothing() -> None:
    """Embed beside a recogniser that works all the time: no source's pause, and nothing to balance."""
    loads = [*line(Transcribe=0.97)[:-2], load("Embed", 0.1, paused=0.88), load("Store")]
    found = find_bottleneck(loads, 300.0, [SourceLoad("youtube", 0.1, 0.2, "youtube")])
    assert (found.stage, found.cause) == ("Transcribe", "work")
    alone = find_bottleneck(
        [*line(Transcribe=0.3)[:-2], load("Embed", 0.1, paused=0.88), load("Store")], 300.0
    )
    assert (alone.stage, alone.cause) == (None, "idle")


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
