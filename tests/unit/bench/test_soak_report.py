"""What the soak makes of its samples, from samples made up here."""

from dataclasses import replace

import pytest

from tests.bench.memory import Sample, group_of
from tests.bench.soak_report import Bounds, faults, growth, lines

BOUNDS = Bounds(after=200, n_videos=2000, connections=30, object_store=1_000_000_000)
PARTS = {
    "driver/driver": 100_000_000, "actors/Download": 300_000_000, "actors/Embed": 500_000_000,
    "database/database": 50_000_000, "ray/gcs_server": 900_000_000,
}  # fmt: skip


def steady() -> list[Sample]:
    """A look every 20 videos, the last one after the process ended."""
    working = [Sample(n / 2, n, {"all": 1}, dict(PARTS), connections=12) for n in range(0, 2000, 20)]
    return [*working, Sample(1000.0, 2000, {})]


def test_a_run_that_holds_what_it_held_is_bounded():
    """Start-up, where everything grows, doesn't count."""
    samples = steady()
    samples[0] = replace(samples[0], parts=dict.fromkeys(PARTS, 1))
    assert faults(samples, BOUNDS, []) == []
    assert growth(samples, BOUNDS)["actors"] == (800_000_000, 800_000_000)


def grown(part: str) -> list[Sample]:
    """This part grows by three tenths, slowly, all the way."""
    return [
        replace(each, parts=each.parts | {part: PARTS[part] * (1 + each.n_settled * 0.3 / 2000)})
        if each.memory
        else each
        for each in steady()
    ]


@pytest.mark.parametrize("part", ["driver/driver", "actors/Embed", "database/database", "ray/gcs_server"])
def test_growth_of_any_group_by_more_than_a_tenth_is_a_fault(part):
    """Slowly, all the way."""
    (fault,) = faults(grown(part), BOUNDS, [])
    assert fault.startswith(f"memory of {part.partition('/')[0]} grew")
    assert any("FAULT" in line for line in lines(grown(part), BOUNDS, []))


def test_a_stage_that_ended_early_counts_with_what_it_held_then():
    """Downloads are over before the last videos are stored; that gives nothing back to the others."""
    samples = [
        replace(each, parts={name: n for name, n in each.parts.items() if name != "actors/Download"})
        if each.n_settled > 1700
        else each
        for each in grown("actors/Embed")
    ]
    assert growth(samples, BOUNDS)["actors/Download"] == (300_000_000, 300_000_000)
    assert faults(samples, BOUNDS, []) == faults(grown("actors/Embed"), BOUNDS, []) != []


def test_one_look_at_a_bad_moment_is_no_growth():
    """The median of a window decides."""
    samples = steady()
    samples[-3] = replace(samples[-3], parts={part: 3 * n for part, n in PARTS.items()})
    assert faults(samples, BOUNDS, []) == []


def test_connections_files_and_objects_have_bounds():
    """Each is a fault of its own."""
    samples = steady()
    samples[50] = replace(samples[50], connections=31, object_store=2_000_000_000)
    found = faults(samples, BOUNDS, ["cache/transfers/x"])
    assert len(found) == 3
    assert "31 database connections" in found[0]
    assert "cache/transfers/x" in found[2]


def test_a_run_that_does_not_come_to_its_end_is_a_fault():
    """Nothing can be said of its memory."""
    assert faults(steady()[:-1], BOUNDS, []) == ["1980 of 2000 videos came to an end while the watch lasted"]


@pytest.mark.parametrize(
    ("title", "group", "name"),
    [
        ("ray::MapWorker(FlatMap(Prefilter)).submit", "actors", "Prefilter"),
        ("ray::MapWorker(FlatMap(Embed))", "actors", "Embed"),
        ("ray::IDLE", "ray", "worker IDLE"),
        ("ray::Scoreboard", "ray", "worker Scoreboard"),
        ("/x/ray/core/src/ray/raylet/raylet --raylet_socket_name=x", "ray", "raylet"),
        ("/x/ray/core/src/ray/gcs/gcs_server --log_dir=x", "ray", "gcs_server"),
    ],
)
def test_processes_are_grouped_by_what_they_host(title, group, name):
    """Ray writes it into the command line."""
    assert group_of(title) == (group, name)
