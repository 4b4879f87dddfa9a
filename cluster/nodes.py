"""The nodes of a cluster that is joined: what they have, what the autoscaler may add, which cards they hold.

Pools are planned for the cluster, not for the machine of the driver, which on most clusters has no card.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.capacity import grown, up_now
from cluster.connect import join
from cluster.figures import CARDS
from cluster.hardware import find_driver
from cluster.resources import GIB, DoesNotFit, Gpu, Hardware
from configs.engine import RaySettings

ANSWER_S = 60.0
"""For all nodes together to name their cards: a worker process starts on each."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a cluster has."""

    hardware: Hardware
    n_nodes: int
    may_grow: bool
    """An autoscaler may add nodes."""


def survey(settings: RaySettings) -> Survey:
    """Join the cluster and look at it.

    Raises:
        DoesNotFit: there may be GPUs and nobody says of which kind.
    """
    assert settings.address is not None
    join(settings.address)
    now = up_now()
    most = grown(now, settings)
    n_gpus = round(most.gpus)
    seen = tuple(_cards()) if n_gpus and settings.card is None else ()
    gpus = cards_of(seen, n_gpus, settings.card)
    n_nodes = sum(1 for _ in _nodes())
    return Survey(Hardware(max(1, round(most.cpus)), gpus, round(now.gpus)), n_nodes, most != now)


def cards_of(seen: Sequence[Gpu], n_gpus: int, named: str | None) -> tuple[Gpu, ...]:
    """The cards to plan for. Pure.

    Args:
        seen: cards of nodes that are up.
        n_gpus: as many as there may be.
        named: ``ray.card``.

    Raises:
        DoesNotFit: there may be GPUs, none is up and none is named, or the name is unknown.
    """
    if named is not None:
        if named not in CARDS:
            raise DoesNotFit(f"ray.card: no card {named!r} is known; there are: {', '.join(CARDS)}")
        return (Gpu(CARDS[named].name, round(CARDS[named].memory_gib * GIB)),) * n_gpus
    if not n_gpus:
        return ()
    if not seen:
        raise DoesNotFit(
            f"the cluster may have {n_gpus} GPUs, and no node that is up shows a card. Name its kind in ray.card "
            f"({', '.join(CARDS)})"
        )
    least = min(seen, key=lambda card: card.memory_bytes)
    return (*seen[:n_gpus], *(least,) * (n_gpus - len(seen)))


def _nodes() -> Iterator[dict[str, Any]]:
    import ray

    yield from (node for node in ray.nodes() if node["Alive"])  # type: ignore[no-untyped-call]


def _cards() -> Iterator[Gpu]:
    """Asked of every node that Ray says has GPUs."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = [
        ray.remote(_cards_here)
        .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
        .remote()
        for node in _nodes()
        if node["Resources"].get("GPU")
    ]
    done, _ = ray.wait(asked, num_returns=len(asked), timeout=ANSWER_S) if asked else ([], [])
    for answer in done:
        try:
            yield from ray.get(answer)
        except ray.exceptions.RayError:  # a node that has just gone
            continue


def _cards_here() -> list[Gpu]:
    driver = find_driver()
    return [Gpu(card.name, card.memory_bytes) for card in driver.cards] if driver else []
