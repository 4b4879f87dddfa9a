"""Drives runs with planted bottlenecks one after another on one Ray, as ``ingest`` drives its own, in a process of its
own: ``python -m tests.integration.planted_line '{"runs": [{"database_url": …, "urls": […], "planted": {…},
"settings": {…}}, …]}'``. Settings of Ray's stand beside ``runs``."""

import json
import sys
from contextlib import nullcontext
from typing import Any

from rich.console import Console

from actors.fetch.identity import identify
from cluster.connect import engine
from cluster.resources import Hardware
from cluster.switches import set_switches
from configs.home import home
from configs.load import load_settings

SETTINGS: dict[str, Any] = {
    "ray.object_store_bytes": 100_000_000,
    "identify.enabled": False,
    "download.actors": 2,
    "store.writers": 1,
}
HARDWARE = Hardware(n_cpus=2)


def main(asked: dict[str, Any]) -> int:
    set_switches()
    from pipelines import drive
    from pipelines.driver import run
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.integration.planted_stages import POOLS, Planted, planted_line

    common = SETTINGS | asked.get("settings", {})
    place = home()
    place.create()
    n_wrong = 0
    with engine(load_settings("demo", overrides=common).ray, place.ray_dir, HARDWARE.n_cpus, 0) as started:
        drive.engine = lambda *_, **__: nullcontext(started)  # a run starts Ray for itself; these share one
        for number, each in enumerate(asked["runs"]):
            settings = load_settings("demo", overrides=common | each.get("settings", {}))
            stages = planted_line(settings, Planted(**each["planted"]), place.root / f"began-{number}")
            plan = Plan(settings, each["database_url"], place, HARDWARE, POOLS, stages=stages)
            outcome = run([identify(url) for url in each["urls"]], plan, Display(Console(file=sys.stderr)))
            n_wrong += outcome.counts.stored != len(each["urls"])
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
