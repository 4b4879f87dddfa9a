"""A cluster's nodes for the plan: what they have, what may come, which of them the line may use."""

from typing import Any

import pytest

from cluster.capacity import Sum, counted, grown
from cluster.nodes import Missing, cards_of, missing
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


def node(kind: str | None, **resources: float) -> dict[str, Any]:
    labels = {"ray.io/node-id": f"id of {kind}"} | ({"earmark.io/kind": kind} if kind else {})
    return {"NodeID": kind, "Alive": True, "Resources": resources | {"memory": 1e9}, "Labels": labels}


NODES = [
    node(None, CPU=2.0), node("cpu", CPU=4.0), node("cpu", CPU=4.0), node("gpu", GPU=2.0), node("old", CPU=1.0, GPU=8.0)
]  # fmt: skip


@pytest.mark.parametrize(
    ("cpu_nodes", "gpu_nodes", "found"),
    [
        (None, None, Sum(11, 10)),
        ("earmark.io/kind=cpu", None, Sum(8, 10)),
        ("earmark.io/kind=cpu", "earmark.io/kind=gpu", Sum(8, 2)),
        ("earmark.io/kind=CPU", "kind=gpu", Sum(0, 0)),
    ],
)
def test_where_labels_name_nodes_only_theirs_is_planned_with(
    cpu_nodes: str | None, gpu_nodes: str | None, found: Sum
) -> None:
    """A plan for the smallest of all cards was made with those that a label leaves out."""
    assert counted(NODES, cpu_nodes, gpu_nodes) == found


def test_a_label_that_no_node_has_is_found_at_the_start_and_not_where_such_nodes_may_come() -> None:
    """A mistyped one showed after two hours, when no actor had started."""
    typed = RaySettings(address="auto", cpu_nodes="earmark.io/kind=cpu", gpu_nodes="earmark.io/kind=gpus")
    there = ("earmark.io/kind=gpu", "earmark.io/kind=old")
    assert list(missing(NODES, typed)) == [Missing("ray.gpu_nodes", "earmark.io/kind=gpus", "GPU", there)]
    assert list(missing(NODES, typed.model_copy(update={"max_gpus": 4}))) == []
    assert list(missing(NODES, RaySettings(address="auto"))) == []
    assert list(missing([], RaySettings(address="auto"))) == [], (
        "without labels the sum of what is booked says it"
    )
