"""How much there is to book of the Ray that this process is connected to, now and at most."""

from dataclasses import dataclass

MOST = {"CPU": 100_000.0, "GPU": 1_000.0}
"""What a cluster without a limit is taken for: KubeRay's own default is two thousand million nodes."""


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


def at_most() -> Sum:
    """What the cluster has once its autoscaler has added all that it may; without one what it has."""
    from ray._private.state import state  # as Ray Train asks it; there is no public way

    now, most = up_now(), state.get_max_resources_from_cluster_config() or {}
    cpus, gpus = (min(float(most.get(kind, 0.0)), MOST[kind]) for kind in ("CPU", "GPU"))
    return Sum(max(now.cpus, cpus), max(now.gpus, gpus))
