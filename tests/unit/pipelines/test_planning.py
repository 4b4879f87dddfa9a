"""What binds a line: the least of all bounds, named for what one would change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.figures import Figure
from pipelines.planning import Pool, Surroundings, forecast, seconds_for
from pipelines.stage_costs import Cost, Mix

STAGES = ("Prefilter", "Download", "Prepare", "Transcribe", "Assemble", "Segment", "Embed", "Store")


def cost(busy_s, core_s=0.0, gpu_s=0.0):
    return Cost(busy_s, core_s, gpu_s, "estimated", "made up")


def figure(value):
    return Figure(value, "estimated", "made up")


def machine(n_cpus=64, n_gpus=1, mbit=10_000, youtube=1e6, other=None):
    return Surroundings(n_cpus, n_gpus, figure(mbit), figure(youtube), other and figure(other))


def line(**costs):
    """Every stage with one actor that does 3,600 h/h, but for these."""
    return [Pool(stage, 1, costs.get(stage.lower(), cost(1.0))) for stage in STAGES]


HALF_HOUR = Mix(0.5)


@pytest.mark.parametrize(
    ("pools", "around", "code", "speed"),
    [(line(transcribe=cost(24, gpu_s=24)), machine(), "gpu", 150),
     (line(transcribe=cost(24, gpu_s=24), embed=cost(40, gpu_s=40)), machine(), "embed", 56.25),
     (line(transcribe=cost(24, gpu_s=24)), machine(youtube=240), "youtube", 120),
     (line(prepare=cost(36)), machine(), "prepare", 100),
     (line(prepare=cost(9, core_s=9), transcribe=cost(36, core_s=36)), machine(n_cpus=1, n_gpus=0), "cpu", 80),
     (line(transcribe=cost(36, core_s=36)), machine(), "transcribe", 100),
     (line(store=cost(60)), machine(), "database", 60),
     (line(assemble=cost(60)), machine(), "database", 60),
     (line(embed=cost(60)), machine(), "embed", 60),
     (line(), machine(mbit=1), "network", 15.5)],
)  # fmt: skip
def test_the_least_bound_binds_and_bears_its_name(pools, around, code, speed):
    """YouTube's budget, network, preparation, GPU, embedding, database: each planted once."""
    found = forecast(pools, around, HALF_HOUR)
    assert found.limit.code == code
    assert found.limit.speed_h_per_h == pytest.approx(speed, rel=0.01)
    assert found.limit.turn


def test_files_of_this_machine_ask_nobody():
    """Neither YouTube nor the network bounds them."""
    found = forecast(line(), machine(mbit=1, youtube=1), Mix(0.5, youtube=0.0))
    assert {"youtube", "network"} & {limit.code for limit in found.limits} == set()


def test_a_budget_bounds_only_its_own_share():
    """Where one video of four is YouTube's, the line may be four times as fast as its budget."""
    found = forecast(line(), machine(youtube=100), Mix(0.5, youtube=0.25, other=0.75))
    assert found.limit.code == "youtube" and found.limit.speed_h_per_h == pytest.approx(200)


def test_another_host_has_a_budget_where_one_is_set():
    """governor.other_videos_per_h."""
    found = forecast(line(), machine(other=10), Mix(0.5, youtube=0.0, other=1.0))
    assert found.limit.code == "other_sources" and found.limit.speed_h_per_h == pytest.approx(5)


def test_the_machine_s_own_limit_is_told_beside_the_source_s():
    """ "The GPU could do 150 h/h; YouTube's budget allows 120"."""
    found = forecast(line(transcribe=cost(24, gpu_s=24)), machine(youtube=240), HALF_HOUR)
    assert found.own is not None and (found.own.code, round(found.own.speed_h_per_h)) == ("gpu", 150)


def test_measured_contention_is_not_counted_twice():
    """Figures of these very pools on this very machine hold what stages take from each other."""
    pools = line(prepare=cost(9, core_s=9), transcribe=cost(36, core_s=36))
    found = forecast(pools, machine(n_cpus=1, n_gpus=0), HALF_HOUR, contention_is_in=True)
    assert found.limit.code == "transcribe"


def test_a_stage_of_which_nothing_is_known_is_named_and_left_out():
    """Never taken for free in silence."""
    found = forecast([*line(), Pool("Translate", 1, None)], machine(), HALF_HOUR)
    assert found.without_figures == ("Translate",)


@given(
    busy=st.lists(st.floats(0.1, 1000), min_size=8, max_size=8), n=st.integers(1, 16), youtube=st.floats(1, 1e5),
    n_cpus=st.integers(1, 64),
)  # fmt: skip
def test_nothing_on_the_line_is_slower_than_what_binds(busy, n, youtube, n_cpus):
    """And a further actor, core or permit never makes the line slower."""

    def speed(n_actors, cpus, per_h):
        pools = [Pool(name, n_actors, cost(s, core_s=s)) for name, s in zip(STAGES, busy, strict=True)]
        found = forecast(pools, machine(n_cpus=cpus, n_gpus=0, youtube=per_h), HALF_HOUR)
        assert all(limit.speed_h_per_h >= found.limit.speed_h_per_h for limit in found.limits)
        return found.limit.speed_h_per_h

    base = speed(n, n_cpus, youtube)
    assert speed(n + 1, n_cpus, youtube) >= base
    assert speed(n, n_cpus + 1, youtube) >= base
    assert speed(n, n_cpus, youtube * 2) >= base


def test_time_is_the_start_and_the_audio_over_the_speed():
    """100 hours at 50 h/h are two hours, and the start."""
    assert seconds_for(100, 50, 15) == pytest.approx(7215)
