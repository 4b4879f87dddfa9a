"""A head whose autoscaler adds nodes to it and takes them away, on this machine: Ray's fake provider behind its real
autoscaler, the one that KubeRay and ``ray up`` run (v2).

Not ``ray.cluster_utils.AutoscalingCluster``: it begins and ends with ``ray stop --force``, which ends every Ray on the
machine, and reads an example file that Ray's package doesn't have.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command import ROOT
from local_head import Head, local_head
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID
from tcp_postgres import free_port

HEAD_KIND = "ray.head.default"
"""As the provider calls it, whatever the configuration says."""
IDLE_S = 6
STORE_BYTES = 100_000_000
ENOUGH_BYTES = 10**15
"""Memory of a kind of node: more than this machine has, so that every node that is up is one of its kind."""
ENVIRONMENT = {
    "RAY_FAKE_CLUSTER": "1", "RAY_enable_autoscaler_v2": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID, "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
    "PYTHONPATH": str(ROOT),
}  # fmt: skip
SETUP = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")


@contextmanager
def autoscaled_head(database_url: str, n_cpus: int, kinds: Mapping[str, Mapping[str, Any]]) -> Iterator[Head]:
    """
    Args:
        n_cpus: of the head itself.
        kinds: of nodes that may come: ``resources`` and ``max_workers``, as ``available_node_types`` takes them.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="em-g-") as folder:
        file = Path(folder) / "autoscaling.json"  # JSON is YAML
        file.write_text(json.dumps(configuration(f"127.0.0.1:{port}", n_cpus, kinds)))
        with local_head(
            database_url, f"--autoscaling-config={file}", n_cpus=n_cpus, port=port, **ENVIRONMENT
        ) as head:
            yield head


def configuration(address: str, n_cpus: int, kinds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What ``ray start --autoscaling-config`` takes, complete: nothing fills in the rest as ``ray up`` does."""
    return {
        "cluster_name": "autoscaled",
        "max_workers": sum(kind["max_workers"] for kind in kinds.values()),
        "provider": {
            "type": "external", "module": "tests.integration.autoscaled_nodes.Nodes",
            "gcs_address": address, "head_node_id": FAKE_HEAD_NODE_ID, "launch_multiple": True, "use_node_id_as_ip": True,
            "disable_node_updaters": True, "disable_launch_config_check": True,
        },
        "available_node_types": {
            HEAD_KIND: {"resources": {"CPU": n_cpus}, "node_config": {}, "max_workers": 0},
            **{name: _kind(**kind) for name, kind in kinds.items()},
        },
        "head_node_type": HEAD_KIND, "auth": {}, "docker": {}, "upscaling_speed": 1.0, "idle_timeout_minutes": IDLE_S / 60,
        "file_mounts": {}, "cluster_synced_files": [], "file_mounts_sync_continuously": False, "rsync_exclude": [],
        "rsync_filter": [], **{f"{name}_commands": [] for name in SETUP},
    }  # fmt: skip


def _kind(resources: Mapping[str, int], max_workers: int) -> dict[str, Any]:
    return {
        "resources": {"object_store_memory": STORE_BYTES, "memory": ENOUGH_BYTES, **resources},
        "min_workers": 0, "max_workers": max_workers, "node_config": {},
    }  # fmt: skip
