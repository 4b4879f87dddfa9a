"""Drives the line of ``apart_stages.py`` in a process of its own, on a cluster as a job does or on a Ray that it starts:
``python -m tests.integration.apart_line '{"url": …, "sources": […], "ended": …, …}'``."""

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from cluster.switches import set_switches

set_switches()

from actors.fetch.identity import identify  # noqa: E402
from configs.home import home  # noqa: E402
from configs.load import load_settings  # noqa: E402
from tests.waiting import until  # noqa: E402

UP_WITHIN_S = 120.0
SETTINGS: dict[str, Any] = {
    # A slice a clip: much to lose in a short recording.
    "prepare.slice_max_clips": 1, "prefilter.actors": 2, "identify.enabled": False, "archive.keep": "always",
    "retry.patience_s": 60, "retry.first_s": 2, "retry.cap_s": 150, "ray.dashboard": False,
    "ray.object_store_bytes": 200_000_000, "ray.io_cpus": 0.1,
}  # fmt: skip
ON_CLUSTER: dict[str, Any] = {
    "transcribe.device": "cuda", "embed.device": "cuda", "ray.card": "rtx5080",
    "ray.cpu_nodes": "earmark.io/kind=cpu", "ray.gpu_nodes": "earmark.io/kind=gpu",
}  # fmt: skip
"""Pools are planned for a card that isn't there; no stage here looks for it."""


def main(asked: dict[str, Any]) -> int:
    from cluster.resources import Hardware, plan_pools
    from pipelines.driver import run
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.integration.apart_stages import Holding, apart

    address = asked.get("address")
    there = {**ON_CLUSTER, "ray.address": address} if address else {}
    settings = load_settings(
        "demo",
        overrides={**SETTINGS, **there, "store.database_url": asked["url"], **asked.get("settings", {})},
    )
    hardware = Hardware(n_cpus=4)
    if address:
        hardware = all_up(settings, asked["n_nodes"])
    pools = plan_pools(settings, hardware)
    held = asked.get("held")
    holding = Holding(identify(held["source"]).video_id, held["first"]) if held else None
    stages = apart(settings, pools, n_exits=asked.get("n_exits", 1), holding=holding)
    place = home()
    place.create()
    plan = Plan(settings, asked["url"], place, hardware, pools, stages=stages)
    outcome = run([identify(source) for source in asked["sources"]], plan, Display(Console(file=sys.stderr)))
    ended = {
        "stored": outcome.counts.stored, "failed": outcome.failed, "unaccounted": outcome.unaccounted,
        "differences": [str(each) for each in outcome.differences], "hardware": outcome.hardware,
        "items": {stage: tally.items for stage, tally in outcome.stages.items()},
    }  # fmt: skip
    Path(asked["ended"]).write_text(json.dumps(ended, default=str), encoding="utf-8")
    return 0 if not outcome.failed and not outcome.unaccounted else 1


def all_up(settings: Any, n_nodes: int) -> Any:
    """What the cluster has, once so many nodes have joined it."""
    from cluster.nodes import survey

    up = until(lambda: survey(settings.ray).n_nodes >= n_nodes, UP_WITHIN_S)
    found = survey(settings.ray)
    assert up, f"{found.n_nodes} of {n_nodes} nodes are up"
    return found.hardware


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
