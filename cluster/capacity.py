"""How much there is to book of the Ray that this process is connected to, now and at most.

Owns which nodes count: where the settings name nodes by a label, stages run on those alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from configs.engine import RaySettings


@dataclass(frozen=True, slots=True)
class Sum:
    """CPUs and GPUs, or shares of them, as Ray counts them."""

    cpus: float
    gpus: float


def nodes_up() -> list[Mapping[str, Any]]:
    """The nodes that are up, as ``ray.nodes`` gives them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def at_most(settings: RaySettings) -> Sum:
    """What all nodes have once a cluster's autoscaler has added all that it may. Ray has a place for that number (Ray
    Train asks for it there), but neither autoscaler of the open Ray, KubeRay's among them, ever writes it: the settings
    tell it."""
    return grown(counted(nodes_up(), None, None), settings)


def usable(settings: RaySettings) -> Sum:
    """As ``at_most``, of the nodes that the settings name for our stages."""
    return grown(counted(nodes_up(), settings.cpu_nodes, settings.gpu_nodes), settings)


def counted(nodes: Iterable[Mapping[str, Any]], cpu_nodes: str | None, gpu_nodes: str | None) -> Sum:
    """CPUs of the nodes with the one label, GPUs of those with the other; ``None``: of all. Pure."""
    there = list(nodes)
    return Sum(
        sum(node["Resources"].get("CPU", 0.0) for node in there if has_label(node, cpu_nodes)),
        sum(node["Resources"].get("GPU", 0.0) for node in there if has_label(node, gpu_nodes)),
    )


def has_label(node: Mapping[str, Any], label: str | None) -> bool:
    """Whether Ray puts a stage with this label there: ``NAME=VALUE`` is all that the settings allow. Pure."""
    if label is None:
        return True
    name, _, value = label.partition("=")
    return bool(node.get("Labels", {}).get(name) == value)


def grown(now: Sum, settings: RaySettings) -> Sum:
    """Pure. A Ray of our own doesn't grow."""
    if settings.address is None:
        return now
    return Sum(max(now.cpus, settings.max_cpus or 0.0), max(now.gpus, settings.max_gpus or 0.0))
