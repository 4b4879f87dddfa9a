"""A cluster's nodes for the plan: what they have, what may come, which of them the line may use."""

from typing import Any

import pytest

from cluster.capacity import Sum, grown
from cluster.nodes import cards_of
from cluster.resources import GIB, DoesNotFit, Gpu, Hardware, plan_pools
from configs.engine import RaySettings
from configs.load import load_settings
from pipelines.ingest import line

BIG, SMALL = Gpu("H200", 140 * GIB), Gpu("L4", 22 * GIB)


def test_cards_that_may_come_are_taken_for_the_smallest_that_are_there() -> None:
    assert cards_of([BIG, SMALL], 4, None) == (BIG, SMALL, SMALL, SMALL)
    assert cards_of([BIG, SMALL], 2, None) == (BIG, SMALL)
    assert cards_of([], 0, None) == ()


def test_where_no_card_is_up_its_kind_must_be_named() -> None:
    with pytest.raises(DoesNotFit, match=r"ray\.card"):
        cards_of([], 8, None)
    cards = cards_of([], 8, "l4")
    assert len(cards) == 8 and {card.name for card in cards} == {"NVIDIA L4"}
    with pytest.raises(DoesNotFit, match="no card 'l5'"):
        cards_of([], 8, "l5")


@pytest.mark.parametrize(
    ("told", "most"),
    [
        ({}, Sum(8, 1)),
        ({"max_gpus": 8}, Sum(8, 8)),
        ({"max_cpus": 64, "max_gpus": 8}, Sum(64, 8)),
        ({"max_cpus": 4}, Sum(8, 1)),
        ({"max_cpus": 64, "max_gpus": 8, "address": None}, Sum(8, 1)),
    ],
)
def test_a_cluster_grows_to_what_the_settings_tell_and_a_ray_of_our_own_does_not(
    told: dict[str, Any], most: Sum
) -> None:
    """What is up counts in any case: a node more than was told is one to use."""
    assert grown(Sum(8, 1), RaySettings(**{"address": "auto"} | told)) == most


@pytest.mark.parametrize(("n_up", "at_start"), [(0, 1), (1, 2), (3, 6), (8, 16)])
def test_recognisers_begin_on_the_cards_that_are_up_and_grow_onto_those_that_may_come(
    n_up: int, at_start: int
) -> None:
    """Backlog brings the nodes; a run doesn't ask for all of them before the first slice is cut."""
    settings = load_settings("cluster")
    pools = plan_pools(settings, Hardware(64, cards_of([], 8, "rtx5080"), n_up))
    (transcribe,) = (stage for stage in line(settings, pools) if stage.name == "Transcribe")
    assert (transcribe.min_actors, transcribe.initial_actors, transcribe.max_actors) == (1, at_start, 16)


def test_stages_go_to_the_nodes_that_the_settings_name() -> None:
    """Whatever needs a card to the GPU nodes, all else to the CPU nodes; and each books something, so that a head
    without CPUs gets none."""
    settings = load_settings(
        "cluster", overrides={"ray.cpu_nodes": "earmark.io/kind=cpu", "ray.gpu_nodes": "earmark.io/kind=gpu"}
    )
    stages = line(settings, plan_pools(settings, Hardware(64, (SMALL,) * 2)))
    on_cards = {stage.name for stage in stages if stage.nodes == "earmark.io/kind=gpu"}
    assert (
        on_cards == {"Transcribe", "Identify", "Embed"} == {stage.name for stage in stages if stage.num_gpus}
    )
    assert all(stage.num_cpus or stage.num_gpus for stage in stages)
    assert {stage.nodes for stage in stages if stage.name not in on_cards} == {"earmark.io/kind=cpu"}


def test_on_one_machine_nothing_is_bound_to_a_label_and_waiting_books_nothing() -> None:
    stages = line(load_settings("local"), plan_pools(load_settings("local"), Hardware(16, (SMALL,))))
    assert {stage.nodes for stage in stages} == {None}
    assert all(stage.num_cpus == 0 for stage in stages if stage.name in ("Prefilter", "Download", "Store"))
