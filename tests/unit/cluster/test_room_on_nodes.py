"""What each file's nodes have, against what a run books and may grow to."""

from pathlib import Path

import pytest
from cluster_files import (
    CLUSTER,
    SETTING,
    compose,
    documents,
    named,
    option,
    ours,
)

from cluster.capacity import Sum
from cluster.figures import CARDS
from cluster.resources import GIB, Gpu, Hardware, plan_pools
from configs.load import load_settings
from pipelines.booking import booked, demand_room
from pipelines.ingest import line


def test_runs_are_told_as_much_as_the_autoscaler_may_bring() -> None:
    """Ray doesn't tell, so a file that scales says it beside its groups: pools grow no further."""

    def told(path: Path) -> tuple[int, int]:
        found = dict(SETTING.findall(path.read_text()))
        return int(found["EARMARK_RAY__MAX_CPUS"]), int(found["EARMARK_RAY__MAX_GPUS"])

    (kuberay,) = (each for each in ours() if each["kind"] == "RayCluster")
    cpu, gpu = kuberay["spec"]["workerGroupSpecs"]
    of_one = [each["template"]["spec"]["containers"][0]["resources"]["limits"] for each in (cpu, gpu)]
    assert told(CLUSTER / "kuberay" / "raycluster.yaml") == (
        cpu["maxReplicas"] * int(of_one[0]["cpu"]), gpu["maxReplicas"] * int(of_one[1]["nvidia.com/gpu"]),
    )  # fmt: skip
    aws = CLUSTER / "ray-up" / "aws.yaml"
    cpu, gpu = (documents(aws)[0]["available_node_types"][kind] for kind in ("cpu", "gpu"))
    assert told(aws) == (
        cpu["max_workers"] * cpu["resources"]["CPU"], gpu["max_workers"] * gpu["resources"]["GPU"],
    )  # fmt: skip


L4 = Gpu("NVIDIA L4", round(CARDS["l4"].memory_gib * GIB))


def _compose_nodes(*names: str) -> int:
    services = compose(POSTGRES_PASSWORD="x")["services"]
    return sum(option(services[name]["command"], "num-cpus") for name in names)


def _kuberay_cpus(replicas: str) -> int:
    cpu, _ = named("RayCluster")["spec"]["workerGroupSpecs"]
    return int(cpu[replicas]) * int(cpu["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])


def _aws_cpus(workers: str) -> int:
    (config,) = documents(CLUSTER / "ray-up" / "aws.yaml")
    cpu = config["available_node_types"]["cpu"]
    return int(cpu[workers] * cpu["resources"]["CPU"])


@pytest.mark.parametrize(
    ("hardware", "cpus_up"),
    [
        pytest.param(Hardware(_compose_nodes("worker", "worker-gpu"), (L4,), 1), _compose_nodes("worker"), id="compose"),
        pytest.param(Hardware(_kuberay_cpus("maxReplicas"), (L4,) * 8, 0), _kuberay_cpus("replicas"), id="kuberay"),
        pytest.param(Hardware(_aws_cpus("max_workers"), (L4,) * 8, 0), _aws_cpus("min_workers"), id="aws"),
    ],
)  # fmt: skip
def test_a_run_of_the_profile_cluster_finds_room_on_the_nodes_of_each_file(
    hardware: Hardware, cpus_up: int
) -> None:
    """Else every run is refused, or waits for nodes that needn't come. The machines of on-premises.yaml are anybody's."""
    settings = load_settings("cluster", env_file=None)
    stages = line(settings, plan_pools(settings, hardware))
    demand_room(stages, Sum(hardware.n_cpus, len(hardware.gpus)))
    assert booked(stages).cpus <= cpus_up
