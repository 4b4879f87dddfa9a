"""A sweep: what comes first, where it stops, what comes out best."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.section import ComputeType
from pipelines.cli.ahead import COMPUTE_TYPES
from pipelines.sweep import (
    MORE,
    Asked,
    Combination,
    Dials,
    Result,
    Site,
    best,
    combinations,
    dials,
    following,
    left_out,
    ranked,
    settings_for,
)

OWN = Combination(1, batch=10, beam=5, compute_type="int8")
TWO_CORES, SIXTEEN_CORES = Site("cpu", 2), Site("cpu", 16)
CARD = Site("cuda", 16, n_cards=1, can_mps=True)


def made(speed, actors=1, beam=5, **more):
    return Result(Combination(actors, 10, beam, "int8", **more), speed, None if speed else "no memory")


def swept(order, speeds):
    """The sweep with these speeds by number of actors; gives what was measured."""
    results = []
    for each in following(order, results):
        speed = speeds.get(each.actors)
        results.append(Result(each, speed, None if speed else "no memory"))
    return results


@pytest.mark.parametrize(
    ("site", "threads", "actors"),
    [(TWO_CORES, 1, (1, 2)), (SIXTEEN_CORES, 1, (1, 2, 4, 8)), (SIXTEEN_CORES, 8, (1, 2)), (TWO_CORES, 4, (1,)),
     (CARD, 1, (1, 2, 4)), (Site("cuda", 16, n_cards=2), 1, (1, 2, 4, 8))],
)  # fmt: skip
def test_what_nobody_asked_for_is_what_makes_sense_there(site, threads, actors):
    """As many recognisers as the cores have threads for, four a card."""
    assert dials(Asked(), OWN, site, threads).actors == actors


def test_the_settings_own_come_first_and_the_device_s_other_arithmetic_after_it():
    """A GPU's on a GPU, a CPU's on a CPU; MPS where it can be had and not otherwise."""
    on_cpu = dials(Asked(), OWN, TWO_CORES, 1)
    assert (on_cpu.beams, on_cpu.batches) == ((5, 1), (10,))
    assert (on_cpu.compute_types, on_cpu.mps) == (("int8", "float32"), (False,))
    auto = Combination(1, 10, 1, "auto")
    on_card = dials(Asked(), auto, CARD, 1)
    assert (on_card.compute_types, on_card.beams) == (("auto", "int8_float16"), (1,)), "auto is float16 there"
    assert on_card.mps == (False, True)
    assert dials(Asked(mps=True), auto, CARD, 1).mps == (True,)
    assert dials(Asked(mps=False), auto, CARD, 1).mps == (False,)


def test_what_is_asked_for_is_what_is_tried():
    """Also what makes no sense here: its row will say why."""
    asked = Asked((3, 1), (4, 8), (2,), ("float16",))
    found = dials(asked, OWN, TWO_CORES, 1)
    assert found == Dials((3, 1), (4, 8), (2,), ("float16",), (False,))
    order = combinations(found, TWO_CORES)
    assert [(each.batch, each.actors) for each in order] == [(4, 1), (4, 3), (8, 1), (8, 3)]


def test_the_first_series_is_the_settings_own_with_ever_more_actors():
    """So that Ctrl-C after a minute leaves what is most wanted."""
    order = combinations(dials(Asked(), OWN, SIXTEEN_CORES, 1), SIXTEEN_CORES)
    assert [each.actors for each in order[:4]] == [1, 2, 4, 8]
    assert {each.series for each in order[:4]} == {OWN.series}
    assert len(order) == len(set(order)) == 4 * 2 * 2


def test_one_process_has_nobody_to_share_its_card_with():
    """MPS is tried from two a card on."""
    order = combinations(dials(Asked(), OWN, CARD, 1), CARD)
    assert {each.actors for each in order if each.mps} == {2, 4}
    assert {each.actors for each in order if not each.mps} == {1, 2, 4}
    assert combinations(dials(Asked(actors=(1,), mps=True), OWN, CARD, 1), CARD) == []


def test_a_series_ends_where_more_actors_bring_no_more():
    """Eight aren't started where four did what two did."""
    order = combinations(
        dials(Asked(beams=(5,), compute_types=("int8",)), OWN, SIXTEEN_CORES, 1), SIXTEEN_CORES
    )
    results = swept(order, {1: 90.0, 2: 150.0, 4: 151.0, 8: 500.0})
    assert [each.combination.actors for each in results] == [1, 2, 4]
    assert [(each.actors, why) for each, why in left_out(order, results)] == [
        (8, "4 actors brought no more than 2 actors")
    ]


def test_a_series_ends_where_one_fails_and_the_next_one_is_begun():
    """What has no room for two has none for four; another beam may have."""
    order = combinations(dials(Asked(compute_types=("int8",)), OWN, SIXTEEN_CORES, 1), SIXTEEN_CORES)
    results = swept(order, {1: 90.0})
    assert [(each.combination.beam, each.combination.actors) for each in results] == [
        (5, 1),
        (5, 2),
        (1, 1),
        (1, 2),
    ]
    assert {why for _, why in left_out(order, results)} == {"2 actors failed already"}


@given(st.lists(st.one_of(st.none(), st.floats(1, 1000)), min_size=16, max_size=16))
def test_every_combination_is_measured_once_or_left_out_with_a_reason(speeds):
    """Whatever comes out; and nothing measured is clearly faster than what is called the best."""
    order = combinations(dials(Asked(), OWN, SIXTEEN_CORES, 1), SIXTEEN_CORES)
    results = []
    for each in following(order, results):
        speed = speeds[order.index(each)]
        results.append(Result(each, speed, None if speed else "no"))
    done, skipped = [each.combination for each in results], [each for each, _ in left_out(order, results)]
    assert sorted(map(order.index, done + skipped)) == list(range(16))
    measured = [each.speed_h_per_h for each in results if each.speed_h_per_h]
    found = best(results)
    assert (found is None) == (not measured)
    if found is not None:
        assert found.speed_h_per_h * MORE >= max(measured)


def test_of_two_that_are_as_fast_the_one_with_fewer_actors_is_best():
    """A percent is chance, and an actor takes memory."""
    assert best([made(100.0, 1), made(101.0, 2)]) == made(100.0, 1)
    assert best([made(100.0, 1), made(110.0, 2)]) == made(110.0, 2)
    assert best([made(100.0, 2, mps=True), made(99.0, 2)]) == made(99.0, 2)
    assert best([made(None, 1), made(5.0, 2)]) == made(5.0, 2)
    assert best([made(None)]) is None


def test_ranking_puts_the_fastest_first_and_what_cannot_be_done_last():
    """Nothing is dropped."""
    rows = [made(5.0), made(None, 4), made(9.0, 2)]
    assert ranked(rows) == [made(9.0, 2), made(5.0), made(None, 4)]


def test_what_to_set_names_what_differs_and_always_the_actors():
    """The settings of a run that would work as the best one did."""
    assert settings_for(Combination(2, 10, 5, "int8"), OWN) == ["transcribe.actors=2"]
    assert settings_for(Combination(1, 5, 1, "float32"), OWN) == [
        "transcribe.actors=1", "prepare.slice_max_clips=5", "transcribe.beam_size=1",
        "transcribe.compute_type=float32",
    ]  # fmt: skip


def test_the_command_line_knows_every_arithmetic_of_the_settings():
    """It can't import them: they are too heavy for --help."""
    assert {*COMPUTE_TYPES, "auto"} == set(get_args(ComputeType))
