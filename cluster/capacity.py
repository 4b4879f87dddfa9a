"""How much there is to book of the Ray that this process is connected to, now and at most."""

from dataclasses import dataclass

from configs.engine import RaySettings


@dataclass(frozen=True, slots=True)
class Sum:
    """Of all nodes, as Ray counts them."""

    cpus: float
    gpus: float


def up_now() -> Sum:
    """What the nodes have that are up."""
    import ray

    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return Sum(there.get("CPU", 0.0), there.get("GPU", 0.0))


def at_most(settings: RaySettings) -> Sum:
    """What a cluster has once its autoscaler has added all that it may. Ray has a place for that number (Ray Train asks
    for it there), but neither autoscaler of the open Ray, KubeRay's among them, ever writes it: the settings tell it."""
    return grown(up_now(), settings)


def grown(now: Sum, settings: RaySettings) -> Sum:
    """Pure. A Ray of our own doesn't grow."""
    if settings.address is None:
        return now
    return Sum(max(now.cpus, settings.max_cpus or 0.0), max(now.gpus, settings.max_gpus or 0.0))
