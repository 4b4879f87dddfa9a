"""Drives the real line over a cluster of several nodes on this machine, each with a home of its own:
``python -m tests.integration.nodes_line '{"home": …, "url": …, "sources": […], "kill": …}'``.

A head without CPUs, a CPU node and a node with a (pretended) GPU, on which recognising and embedding must run. Where
``kill`` names a kind, that node is killed in the middle of its work, once a slice is in the ledger, and another one takes its
place.
"""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster.switches import set_switches

set_switches()

import psycopg  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402
from rich.console import Console  # noqa: E402

from actors.fetch.identity import identify  # noqa: E402
from configs.home import home  # noqa: E402
from configs.load import load_settings  # noqa: E402

KINDS = {"cpu": {"num_cpus": 4, "num_gpus": 0}, "gpu": {"num_cpus": 0, "num_gpus": 1}}
STAGES = {"cpu": ["download", "prepare", "assemble", "segment", "store"], "gpu": ["transcribe", "embed"]}
"""What each kind of node works on, as the ledger calls it."""
STORE_BYTES = 300_000_000
IN_THE_MIDDLE = """
    select 1 from work_in_hand where stage = any(%(stages)s) and exists (select 1 from slices) limit 1
"""


def add(cluster: Cluster, root: Path, kind: str, number: int) -> Any:
    place = root / f"{kind}{number}"
    return cluster.add_node(
        **KINDS[kind], object_store_memory=STORE_BYTES, labels={"earmark.io/kind": kind},
        env_vars={"EARMARK_HOME": str(place)},
    )  # fmt: skip


def main(asked: dict[str, Any]) -> int:
    root = Path(asked["home"])
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False, "temp_dir": str(root / "ray"),
        },
    )  # fmt: skip
    nodes = {kind: add(cluster, root, kind, 1) for kind in KINDS}
    cluster.wait_for_nodes()
    # Nodes can only be added from the main thread, and a run wants that for itself.
    command = [sys.executable, "-m", __spec__.name, json.dumps(asked | {"address": cluster.address})]
    driver = subprocess.Popen(command)
    try:
        if kind := asked["kill"]:
            wait_for_work(asked["url"], STAGES[kind], driver)
            cluster.remove_node(nodes[kind], allow_graceful=False)
            add(cluster, root, kind, 2)
        return driver.wait()
    finally:
        driver.kill()


def wait_for_work(url: str, stages: list[str], driver: "subprocess.Popen[bytes]") -> None:
    """Until slices are in the ledger and one of these stages has a row in hand.

    Raises:
        RuntimeError: the run was over before.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        while driver.poll() is None:
            if connection.execute(IN_THE_MIDDLE, {"stages": stages}).fetchone():
                return
            time.sleep(0.05)
    raise RuntimeError("the run was over before a node could be killed in the middle of its work")


def drive(asked: dict[str, Any]) -> int:
    """The run, as its driver."""
    from cluster.nodes import survey
    from cluster.resources import Hardware, plan_pools
    from pipelines.driver import run
    from pipelines.ingest import line
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.integration.apart_stages import Noted

    settings = load_settings(
        "demo",
        overrides={
            "ray.address": asked["address"], "ray.io_cpus": 0.1, "ray.cpu_nodes": "earmark.io/kind=cpu",
            "ray.gpu_nodes": "earmark.io/kind=gpu", "ray.object_store_bytes": 200_000_000, "archive.keep": "always",
            "store.database_url": asked["url"], "retry.patience_s": 60, "retry.first_s": 2, "retry.cap_s": 150,
        },
    )  # fmt: skip
    found = survey(settings.ray.model_copy(update={"card": "rtx5080"}))
    assert found.n_nodes == 3 and len(found.hardware.gpus) == 1, found
    place = home()
    place.create()
    pools = plan_pools(settings, Hardware(found.hardware.n_cpus))
    # The models run on the CPU of the node that has the card: this machine has none.
    stages = [
        replace(spec, num_cpus=0.0, num_gpus=0.25, nodes=settings.ray.gpu_nodes)
        if spec.name in ("Transcribe", "Identify", "Embed")
        else spec
        for spec in line(settings, pools)
    ]
    stages = [replace(spec, build=Noted(spec.name, spec.build)) for spec in stages]
    plan = Plan(settings, asked["url"], place, found.hardware, pools, stages=stages)
    outcome = run([identify(source) for source in asked["sources"]], plan, Display(Console(file=sys.stderr)))
    document = {
        "stored": outcome.counts.stored, "failed": outcome.failed, "unaccounted": outcome.unaccounted,
        "differences": [str(each) for each in outcome.differences],
        "cpu_busy_s": outcome.figures().get("cpu_busy_s"), "hardware": outcome.hardware,
    }  # fmt: skip
    Path(asked["ended"]).write_text(json.dumps(document), encoding="utf-8")
    return 0 if not outcome.failed and not outcome.unaccounted else 1


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    sys.exit(drive(request) if "address" in request else main(request))
