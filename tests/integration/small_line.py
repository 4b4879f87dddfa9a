"""Drives the line of ``small_stages.py`` as ``ingest`` drives its own, in a process of its own:
``python -m tests.integration.small_line '{"url": …, "videos": […], …}'``. Prints how it ended."""

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.errors import ConfigError, EarmarkError
from actors.fetch.identity import SourceItem
from actors.rows import VideoId
from cluster.resources import Hardware, Pools
from cluster.switches import set_switches
from configs.home import home
from configs.load import load_settings


def main(asked: dict[str, Any]) -> int:
    set_switches()
    from pipelines import last_resort
    from pipelines.driver import run
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.integration import small_stages

    last_resort.WITHIN_S = 8.0  # a person can wait half a minute, a test needn't
    variants = {
        "plain": small_stages.line,
        "wants a card": lambda: small_stages.with_stage("Embed", num_gpus=1.0),
        "never comes up": lambda: small_stages.with_stage("Embed", build=small_stages.build_never),
        "with voices": small_stages.line_with_voices,
        "one at a time": lambda: small_stages.with_stage("Embed", threads=1),
        "hears nothing": small_stages.line_that_hears_nothing,
        "second time": lambda: small_stages.with_stage("Embed", build=small_stages.build_second_time),
    }
    settings = load_settings(
        "demo",
        overrides={
            "ray.dashboard": False,
            "ray.object_store_bytes": 100_000_000,
            **asked.get("settings", {}),
        },
    )
    place = home()
    place.create()
    items = [SourceItem(VideoId(name), f"https://example.org/{name}", "video") for name in asked["videos"]]
    plan = Plan(
        settings, asked["url"], place, Hardware(n_cpus=2), Pools("cpu", "cpu", 1, 0.0, 0.0, 1, 1),
        stages=variants[asked.get("variant", "plain")](),
    )  # fmt: skip
    ended: dict[str, Any] = {"code": None, "reason": "", "remedy": ""}
    try:
        outcome = run(items, plan, Display(Console(file=sys.stderr)))
    except EarmarkError as error:
        ended |= {"code": error.code, "reason": error.reason, "remedy": error.remedy}
        exit_code = 2 if isinstance(error, ConfigError) else 1
    else:
        exit_code = 1 if outcome.counts.failed or outcome.unaccounted else 0
    Path(asked["ended"]).write_text(json.dumps(ended), encoding="utf-8")
    return exit_code


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
