"""The nodes of a cluster that is joined: what they have, what the autoscaler may add, which cards they hold.

Pools are planned for the cluster, not for the machine of the driver, which on most clusters has no card.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.capacity import counted, grown, has_label, nodes_up
from cluster.connect import join
from cluster.figures import CARDS
from cluster.hardware import find_driver
from cluster.resources import GIB, DoesNotFit, Gpu, Hardware
from configs.engine import RaySettings

OF_ONE_NODE = ("ray.io/node-id",)
"""Labels that Ray itself gives and nobody names."""
ANSWER_S = 60.0
"""For all nodes together to name their cards: a worker process starts on each."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a cluster has. Where the settings name nodes by a label, its hardware is theirs."""

    hardware: Hardware
    n_nodes: int
    """All that are up."""
    may_grow: bool
    """An autoscaler may add nodes."""
    missing: tuple["Missing", ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A label that the settings name for nodes, and none that is up has it, nor may one come."""

    setting: str
    label: str
    what: str
    """What such a node would have to have: ``CPU`` or ``GPU``."""
    there: tuple[str, ...]
    """Labels of the nodes that have some, as ``NAME=VALUE``."""


def survey(settings: RaySettings) -> Survey:
    """Join the cluster and look at it.

    Raises:
        DoesNotFit: there may be GPUs and nobody says of which kind.
    """
    assert settings.address is not None
    join(settings.address)
    nodes = nodes_up()
    now = counted(nodes, settings.cpu_nodes, settings.gpu_nodes)
    most = grown(now, settings)
    n_gpus = round(most.gpus)
    asked = [node for node in nodes if has_label(node, settings.gpu_nodes) and node["Resources"].get("GPU")]
    seen = tuple(_cards(asked)) if n_gpus and settings.card is None else ()
    gpus = cards_of(seen, n_gpus, settings.card)
    hardware = Hardware(max(1, round(most.cpus)), gpus, round(now.gpus))
    return Survey(hardware, len(nodes), most != now, tuple(missing(nodes, settings)))


def missing(nodes: Sequence[Mapping[str, Any]], settings: RaySettings) -> Iterator[Missing]:
    """Labels by which no stage would ever be placed. Pure."""
    most = grown(counted(nodes, settings.cpu_nodes, settings.gpu_nodes), settings)
    wanted = (
        ("ray.cpu_nodes", settings.cpu_nodes, "CPU", most.cpus),
        ("ray.gpu_nodes", settings.gpu_nodes, "GPU", most.gpus),
    )
    for setting, label, what, n in wanted:
        if label is not None and not n:
            having = (node for node in nodes if node["Resources"].get(what))
            yield Missing(setting, label, what, labels_of(having))


def labels_of(nodes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """As ``NAME=VALUE``, without what is another one on each node. Pure."""
    found = {
        f"{name}={value}"
        for node in nodes
        for name, value in node.get("Labels", {}).items()
        if name not in OF_ONE_NODE
    }
    return tuple(sorted(found))


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


def _cards(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Gpu]:
    """Asked of every one of these."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = [
        ray.remote(_cards_here)
        .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
        .remote()
        for node in nodes
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
