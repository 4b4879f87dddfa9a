"""Figures of earlier runs: which count, and what they make of a plan."""

import pytest

from actors.store.measured import MeasuredRun
from configs.load import load_settings
from pipelines.measured import contention_is_in, measured_costs, starting_s
from pipelines.stage_costs import Cost

HERE = {"cpus": 2, "gpus": []}
SETTINGS = load_settings("demo", env_file=None).model_dump(mode="json")
POOLS = {"Prefilter": 1, "Prepare": 1, "Transcribe": 1, "Identify": 1, "Embed": 1, "Store": 1}
BY_TABLES = {name: Cost(10.0, 5.0, 0.0, "estimated", "a table") for name in POOLS}


def run(run_id=1, *, hardware=None, audio_s=3600.0, settings=None, failed=0, prepared=10, **stages):
    """An hour of ten videos; each stage busy for 36 s, but for these."""
    tallies = {
        name: {"items": 10, "actors": n, "busy_s": 36.0, "audio_s": audio_s} | stages.get(name, {})
        for name, n in POOLS.items()
    }
    tallies["Prepare"]["items"] = prepared
    figures = {
        "hardware": hardware or HERE, "audio_s": audio_s, "stored": 10, "failed": failed, "stages": tallies,
        "wall_s": 60.0, "line_s": 42.0,
    }  # fmt: skip
    return MeasuredRun(run_id, settings or SETTINGS, figures)


def costs(*runs, by_tables=BY_TABLES, pools=POOLS):
    return measured_costs(runs, SETTINGS, HERE, pools, by_tables)


def test_a_run_with_the_same_models_on_the_same_machine_counts():
    """Its seconds of an hour of audio, and which run it was; the table's shares of cores scale with them."""
    found = costs(run(7))
    assert found["Transcribe"].cost == Cost(36.0, 18.0, 0.0, "measured here", "run 7")
    assert contention_is_in(found)


def test_a_pool_counts_at_its_largest():
    """When a run ends Ray Data has let most of its actors go."""
    kept = run(7, Prepare={"actors": 0, "actors_peak": 3})
    found = measured_costs((kept,), SETTINGS, HERE, POOLS | {"Prepare": 3}, BY_TABLES)
    assert found["Prepare"].same_pool


def test_what_a_source_did_that_day_counts_for_nobody():
    """A slow download server says nothing of the next one."""
    assert {"Prefilter", "Download"} & set(costs(run())) == set()


@pytest.mark.parametrize(
    "other",
    [run(hardware={"cpus": 16, "gpus": []}), run(hardware={"cpus": 2, "gpus": ["NVIDIA L4"]}), run(audio_s=30.0),
     run(failed=1), run(prepared=3)],
    ids=["more cores", "a card", "too short", "with failures", "resumed"],
)  # fmt: skip
def test_a_run_that_measured_something_else_does_not_count(other):
    """Another machine, a start and an end, half a corpus."""
    assert costs(other) == {}


def test_another_model_takes_only_its_own_stage_out():
    """Preparation doesn't care which recogniser listens."""
    changed = SETTINGS | {"transcribe": SETTINGS["transcribe"] | {"beam_size": 1}}
    found = costs(run(settings=changed))
    assert "Transcribe" not in found and "Prepare" in found
    assert not contention_is_in(found)


def test_the_last_three_runs_that_fit_are_taken_together():
    """By their audio, not one run one vote."""
    found = costs(run(9, audio_s=7200.0), run(8), run(7), run(6, Transcribe={"busy_s": 1e6}))
    assert found["Transcribe"].cost.busy_s == pytest.approx(3 * 36 / 4)
    assert found["Transcribe"].cost.source == "run 9, 8, 7"


def test_a_pool_of_another_size_counts_on_a_cpu_and_not_on_a_card():
    """How workers share a card doesn't scale; and the contention is another one."""
    twice = POOLS | {"Transcribe": 2}
    found = costs(run(), pools=twice)
    assert found["Transcribe"].cost.busy_s == 36.0 and not contention_is_in(found)
    on_card = BY_TABLES | {"Transcribe": Cost(10.0, 1.0, 10.0, "estimated", "a table")}
    assert "Transcribe" not in costs(run(), pools=twice, by_tables=on_card)


def test_starting_is_what_a_run_spent_outside_of_its_line():
    """Nothing where no run of this machine is known."""
    assert starting_s([run(), run(hardware={"cpus": 1, "gpus": []})], HERE) == pytest.approx(18.0)
    assert starting_s([], HERE) is None
