"""Drives the line of ``autoscaled_stages.py`` on a cluster that grows, planned as ``ingest`` plans its own, in a process of
its own: ``python -m tests.integration.autoscaled_line '{"url": …, "address": …, "videos": […], …}'``."""

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.fetch.identity import SourceItem
from actors.rows import VideoId
from cluster.switches import set_switches
from configs.home import home
from configs.load import load_settings

LASTS_S = 4.0
"""Nobody here waits for half a minute."""


def main(asked: dict[str, Any]) -> int:
    set_switches()
    from cluster.nodes import survey
    from cluster.resources import plan_pools
    from pipelines import giving_back
    from pipelines.driver import run
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.integration import autoscaled_stages

    giving_back.LASTS_S = LASTS_S
    settings = load_settings(
        "cluster",
        overrides={
            "ray.address": asked["address"], "ray.card": "rtx5080", "ray.max_gpus": asked["max_gpus"],
            "ray.object_store_bytes": 100_000_000, "store.database_url": asked["url"], "store.writers": 1,
            "prefilter.actors": 1, "identify.enabled": False,
        },
    )  # fmt: skip
    found = survey(settings.ray)
    place = home()
    place.create()
    pools = plan_pools(settings, found.hardware)
    stages = autoscaled_stages.line(settings, pools)
    items = [SourceItem(VideoId(name), f"https://example.org/{name}", "video") for name in asked["videos"]]
    plan = Plan(settings, asked["url"], place, found.hardware, pools, stages=stages)
    outcome = run(items, plan, Display(Console(file=sys.stderr)))
    ended = {
        "stored": outcome.counts.stored, "failed": outcome.failed, "unaccounted": outcome.unaccounted,
        "bounds": {spec.name: (spec.min_actors, spec.initial_actors, spec.max_actors) for spec in stages},
        "scalings": outcome.figures()["scalings"],
    }  # fmt: skip
    Path(asked["ended"]).write_text(json.dumps(ended), encoding="utf-8")
    return 0 if not outcome.failed and not outcome.unaccounted else 1


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
