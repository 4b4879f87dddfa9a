"""Metrics: each reading is one of the catalogue, and counters only grow."""

import re

import numpy as np
import pytest
from counts import run_counts

from actors.fetch.governor import Bucket, Policy
from actors.rows import (
    EmbeddedVideo,
    Provenance,
    Segment,
    SegmentedVideo,
    SpokenSlice,
    Utterance,
    VideoId,
    VideoMeta,
    Word,
)
from cluster.telemetry import CardSight, MachineSight
from pipelines.exporter import Exporter
from pipelines.in_hand import Held
from pipelines.made import KINDS, made_of
from pipelines.metrics import METRICS, Metric
from pipelines.queues import QueueSight
from pipelines.readings import (
    MAX_SITES,
    Reading,
    Source,
    machine_readings,
    run_readings,
    source_readings,
    stage_readings,
)
from pipelines.tally import Tally
from pipelines.timeline import Timeline
from tests.all_readings import all_readings


def test_every_metric_is_read_and_has_the_labels_it_says() -> None:
    """What is exported is the catalogue, no more and no less, with values for exactly its labels."""
    found = list(all_readings(("Prepare", "Store")))
    assert {reading.name for reading in found} == set(METRICS)
    for reading in found:
        assert ("run", *reading.labels) == METRICS[reading.name].labels, reading.name


def test_names_say_the_unit_as_prometheus_has_it() -> None:
    """Base units at the end; the suffix of a counter is the exporter's to add."""
    for metric in METRICS.values():
        assert re.fullmatch(r"earmark(_[a-z]+)+", metric.name)
        assert not metric.name.endswith("_total") and metric.help and metric.unit
    seconds = {name for name, metric in METRICS.items() if metric.unit == "s"}
    assert seconds == {name for name in METRICS if name.endswith("_seconds")}
    assert METRICS["earmark_stage_items"].exported_name == "ray_earmark_stage_items_total"
    assert METRICS["earmark_stage_queue"].exported_name == "ray_earmark_stage_queue"


def test_an_actors_time_is_told_whole_and_once() -> None:
    """The states add up to the actors' age; what it was held back isn't starved as well."""
    timeline, full = Timeline(), {"Prepare": QueueSight(undispatched=3, actors=1)}
    for at_s, age_s in ((0.0, 4.0), (4.0, 8.0)):
        tallies = {"Prepare": Tally(busy_s=1.0, blocked_s=0.5, paused_s=0.25, age_s=age_s)}
        timeline.look(at_s, tallies, full, n_left=5, stored_audio_s=0.0, machine=None)
    states = {
        reading.labels["state"]: reading.value
        for reading in stage_readings(tallies, timeline)
        if reading.name == "earmark_stage_time_seconds"
    }
    assert states == {"busy": 1.0, "blocked": 0.5, "held_back": 4.0, "paused": 0.25, "starved": 2.25}


def test_actors_are_those_of_the_pool() -> None:
    """Not all that were ever heard of."""
    timeline, tallies = Timeline(), {"Prepare": Tally(actors=4)}
    timeline.look(1.0, tallies, {"Prepare": QueueSight(actors=2)}, n_left=5, stored_audio_s=0.0, machine=None)
    found = {reading.name: reading.value for reading in stage_readings(tallies, timeline)}
    assert found["earmark_stage_actors"] == 2


class Recorder:
    """What Ray would have been handed, by name and labels; gauges as they were set last."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], float] = {}
        self.made: list[str] = []

    def __call__(self, metric: Metric):
        self.made.append(metric.name)

        def record(value: float, labels: dict[str, str]) -> None:
            assert set(labels) == set(metric.labels)
            key = (metric.name, labels.get("stage", labels["run"]))
            if metric.kind == "gauge":
                self.values[key] = value
            else:
                assert value > 0, "Ray refuses it"
                self.values[key] = self.values.get(key, 0.0) + value

        return record


def test_a_counter_gets_increments_and_survives_a_scoreboard_that_starts_again() -> None:
    """Its sum is the largest that was read; a gauge goes where it goes."""
    ray = Recorder()
    exporter = Exporter("earmark-run-7", ray)
    for items, queue in ((0, 5), (3, 2), (7, 9), (1, 0), (6, 1), (9, 4)):
        for stage in ("Prepare", "Store"):
            exporter.export(
                [
                    Reading("earmark_stage_items", items, {"stage": stage}),
                    Reading("earmark_stage_queue", queue, {"stage": stage}),
                ]
            )
    assert ray.values[("earmark_stage_items", "Prepare")] == ray.values[("earmark_stage_items", "Store")] == 9
    assert ray.values[("earmark_stage_queue", "Store")] == 4
    assert ray.made == ["earmark_stage_items", "earmark_stage_queue"], "once each"


def test_a_reading_that_the_catalogue_lacks_is_refused() -> None:
    """A metric that nobody described must not slip in."""
    with pytest.raises(KeyError, match="earmark_surprise"):
        Exporter("earmark-run-7", Recorder()).export([Reading("earmark_surprise", 1.0, {})])


def test_sources_are_bounded_and_youtube_is_always_told() -> None:
    """A thousand feeds make no thousand series; no limit is no figure."""
    policy = Policy(None, 0.3, 900.0, 14_400.0)
    sources = {
        f"host-{n}.example": Source(f"host-{n}.example", (Bucket(0.0, recent=n),), policy)
        for n in range(1000)
    }
    youtube = Source("youtube", (Bucket(0.0, paused_until_s=70.0),), Policy(240.0, 0.3, 900.0, 14_400.0))
    found = list(source_readings(sources | {"youtube": youtube}, 10.0))
    sites = {reading.labels["site"] for reading in found}
    assert len(sites) == MAX_SITES and {"youtube", "host-999.example"} <= sites
    of_youtube = {reading.name: reading.value for reading in found if reading.labels["site"] == "youtube"}
    assert of_youtube == {
        "earmark_governor_permits_per_hour": 240.0, "earmark_governor_permits_free": 0,
        "earmark_governor_recent_permits": 0.0, "earmark_governor_pause_seconds": 60.0,
    }  # fmt: skip
    assert {reading.name for reading in found if reading.labels["site"] != "youtube"} == {
        "earmark_governor_recent_permits", "earmark_governor_pause_seconds",
    }  # fmt: skip


def test_a_source_that_a_clusters_nodes_ask_is_told_of_as_a_whole() -> None:
    """A bug: the driver's own exit alone was told of, which on a cluster often asks nobody. Permits add up; it is paused
    where no exit may ask."""
    policy = Policy(240.0, 0.3, 900.0, 14_400.0)
    paused, asking = Bucket(0.0, learned_per_h=100.0, paused_until_s=70.0), Bucket(10.0, recent=5.0)

    def told(*exits: Bucket) -> dict[str, float]:
        found = source_readings({"youtube": Source("youtube", exits, policy)}, 10.0)
        return {reading.name.removeprefix("earmark_governor_"): reading.value for reading in found}

    assert told(paused, asking) == {
        "permits_per_hour": 340.0, "permits_free": 3, "recent_permits": 5.0, "pause_seconds": 0.0,
    }  # fmt: skip
    assert told(paused, Bucket(0.0, paused_until_s=40.0))["pause_seconds"] == 30.0


def test_what_a_card_does_not_tell_is_left_out() -> None:
    """It isn't zero."""
    plain = {"earmark_cpu_busy_seconds", "earmark_cpu_cores"}
    mute = CardSight(0, "Some Card", None, None, None, power_w=None, energy_j=None)
    assert {each.name for each in machine_readings(MachineSight(1.0, (mute,), None, None), 2)} == plain
    no_power = CardSight(0, "Some Card", 0.0, 4, 16, power_w=None, energy_j=None)
    assert {each.name for each in machine_readings(MachineSight(1.0, (no_power,), 0.0, None), 2)} == plain | {
        "earmark_gpu_utilisation_ratio", "earmark_gpu_memory_bytes", "earmark_gpu_memory_total_bytes",
    }  # fmt: skip


MADE_BY = Provenance("tiny", "int8", "cpu", {})


def spoken(*utterances: Utterance) -> SpokenSlice:
    return SpokenSlice(VideoId("a"), 1, 0, 1, 30.0, 20.0, "en", utterances, MADE_BY)


def test_what_results_hold_is_counted() -> None:
    """A slice without a word too: it raises no error anywhere."""
    words = (Word("good", 0.0, 0.4, 0.9), Word("morning", 0.5, 1.0, 0.9))
    heard = made_of(spoken(Utterance("good morning", 0.0, 1.0, words, -0.1, 1.0, 0.0)))
    assert heard == {"slices": 1, "slices_without_words": 0, "words": 2}
    assert made_of(spoken()) == {"slices": 1, "slices_without_words": 1, "words": 0}
    segments = tuple(Segment(n, "text", 0.0, 9.0, 1) for n in range(4))
    video = SegmentedVideo(
        VideoId("a"), 1, VideoMeta("A talk", "https://example.org/a"), "en", segments, MADE_BY
    )
    vectors = np.eye(4, 8, dtype=np.float32)
    assert made_of(EmbeddedVideo(video, "m", vectors)) == {"segments": 4}
    assert made_of(video) == {}
    assert set(heard) | {"segments"} == set(KINDS)


def test_the_oldest_row_and_the_speed_so_far_are_told() -> None:
    """The first of the rows in hand is the oldest; before the first row there is no speed."""
    held = tuple(Held("video", 0, "working", age_s, 1.0, 900.0) for age_s in (30.0, 2.0))
    found = {
        reading.name: reading.value
        for reading in stage_readings({"Embed": Tally(held=held, in_hand=2)}, Timeline())
    }
    assert (found["earmark_stage_oldest_row_seconds"], found["earmark_stage_in_hand"]) == (30.0, 2)
    counts = run_counts(stored_audio_s=7200.0)
    speeds = [
        reading.value
        for line_s in (0.0, 100.0)
        for reading in run_readings(counts, line_s, None, 0.0)
        if reading.name == "earmark_run_speed_ratio"
    ]
    assert speeds == [0.0, 72.0]
