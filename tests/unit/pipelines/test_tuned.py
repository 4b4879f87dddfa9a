"""Tunings in a plan: which count, and what follows from them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.store.tunings import Tuning, TuningKey
from cluster.resources import Gpu, Hardware, plan_pools
from configs.load import load_settings
from pipelines.stage_costs import Cost
from pipelines.tuned import Surroundings, fitting, tuned_actors, tuned_cost, tuned_speed

HERE = Hardware(2)
DAY = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
KEY = TuningKey(
    {"cpus": 2, "gpus": []}, "whisper-tiny-espeak", "cpu", "int8", beam_size=5, batch=10, cpu_threads=1, actors=2,
    mps=False,
)  # fmt: skip


def demo(**overrides):
    return load_settings(
        "demo", env_file=None, overrides={k.replace("__", "."): v for k, v in overrides.items()}
    )


def around(settings=None, hardware=HERE, mps=False):
    return Surroundings(settings or demo(), hardware, mps)


def tuning(speed=144.0, figures=None, **key):
    reason = None if speed else "no memory"
    return Tuning(replace(KEY, **key), DAY, speed, reason, figures or {})


def test_so_many_recognisers_take_what_a_tuning_says():
    """Two at 144 h/h together: 50 s of each for an hour of audio; the tables' share of cores scales with it."""
    table = Cost(40.0, 40.0, 0.0, "measured elsewhere", "a table")
    found = tuned_cost([tuning()], around(), 2, table)
    assert (found.busy_s, found.core_s, found.origin) == (50.0, 50.0, "measured here")
    assert found.source == f"tuned on {DAY.astimezone():%Y-%m-%d %H:%M}"
    assert tuned_cost([tuning()], around(), 1, table) is None, "another number of them shares otherwise"
    assert tuned_speed([tuning(speed=None), tuning()], around(), 2) == 144.0
    assert tuned_speed([tuning()], around(), 1) is None


def test_a_card_s_time_scales_with_the_tables():
    """Two that reach 200 where the table has 150 make a card of 200."""
    cards = Hardware(16, (Gpu("NVIDIA L4", 24 << 30),))
    settings = load_settings("balanced", env_file=None)
    of_card = tuning(
        200.0, hardware={"cpus": 16, "gpus": ["NVIDIA L4"]}, model="distil-large-v3", device="cuda",
        compute_type="float16", actors=2,
    )  # fmt: skip
    table = Cost(48.0, 10.0, 24.0, "estimated", "a table")
    found = tuned_cost([of_card], around(settings, cards), 2, table)
    assert (found.busy_s, found.gpu_s) == (36.0, 18.0)


@pytest.mark.parametrize(
    "other",
    [tuning(hardware={"cpus": 16, "gpus": []}), tuning(model="small"), tuning(device="cuda"), tuning(beam_size=1),
     tuning(compute_type="float32"), tuning(batch=5), tuning(cpu_threads=2), tuning(mps=True)],
    ids=["more cores", "model", "device", "beam", "arithmetic", "slices", "threads", "MPS"],
)  # fmt: skip
def test_a_tuning_of_something_else_does_not_count(other):
    """Each of these makes another speed."""
    assert fitting([other], around()) == []
    assert tuned_actors([other], around()) is None


def test_arithmetic_counts_by_what_was_asked_and_by_what_it_came_to():
    """``auto`` that came to int8 says what int8 does."""
    assert fitting([tuning(compute_type="auto", figures={"in_effect": "int8"})], around())
    assert not fitting([tuning(compute_type="int8")], around(demo(transcribe__compute_type="auto")))


def test_mps_counts_where_programs_would_go_through_it_now():
    """One process a card has nobody to share it with, MPS or not."""
    cards = Hardware(16, (Gpu("NVIDIA L4", 24 << 30),))
    settings = demo(transcribe__device="cuda")
    on_card = {"hardware": {"cpus": 16, "gpus": ["NVIDIA L4"]}, "device": "cuda"}
    tunings = [tuning(**on_card, actors=1), tuning(**on_card), tuning(**on_card, mps=True)]
    assert fitting(tunings, around(settings, cards)) == tunings[:2]
    assert fitting(tunings, around(settings, cards, mps=True)) == [tunings[0], tunings[2]]


def test_auto_takes_the_best_number_and_says_when_that_was_found():
    """What failed counts for nothing, and a percent more is no reason for a further actor."""
    tunings = [tuning(90.0, actors=1), tuning(144.0), tuning(145.0, actors=4), tuning(None, actors=8)]
    settings = demo(transcribe__actors="auto")
    found = tuned_actors(tunings, around(settings))
    assert found.n == 2
    pools = plan_pools(settings, HERE, found)
    assert pools.n_transcribers == 2
    (note,) = (note for note in pools.notes if "transcribe.actors auto" in note)
    assert f"2, the best when tuned on {DAY.astimezone():%Y-%m-%d %H:%M} (144 h/h" in note
    assert tuned_actors([tuning(None)], around(settings)) is None
