"""The line through which very many ids stream, in a process of its own: its driver is what is looked at.

``python -m tests.bench.scale.ids_line '{"url": …, "sources": [addresses with media], "n_ids": …, "place": …}'``.
Writes into ``place`` when all ids were on the queue (``asked``) and when the line began (``began``).
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.fetch.identity import SourceItem, identify
from actors.rows import VideoId
from cluster.hardware import find_hardware
from cluster.resources import Hardware, Pools
from cluster.switches import set_switches
from configs.home import home
from configs.load import load_settings
from tests.bench.standin import StandIn
from tests.bench.trial import SAME_WORK, SIMULATED

ASKED, BEGAN = "asked", "began"
NOWHERE = "https://example.org/nothing/"
"""Begins the address of an id that nothing is behind."""
SPEED_H_PER_H = 400.0
"""Of the recogniser: what has media shall not be what is waited for."""
SHAPE = {**SIMULATED, **SAME_WORK, "transcribe.actors": 1, "prepare.actors": 1, "ray.look_ahead_videos": 64}
"""As many videos are looked ahead as on a cluster: with the sixteen of one machine its polls would be the limit."""


def main(asked: dict[str, Any]) -> int:
    set_switches()
    from pipelines.driver import run
    from pipelines.ingest import line
    from pipelines.native_log import run_log
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.bench.line_stages import benchmarked
    from tests.bench.scale.ids_stages import finding_nothing

    settings = load_settings("demo", overrides={**SHAPE, **asked["assignments"]}, env_file=None)
    place, own_home = Path(asked["place"]), home()
    own_home.create()
    pools = Pools(
        transcribe_device="cuda", embed_device="cpu", n_transcribers=1, transcribe_gpu_share=0.0, embed_gpu_share=0.0,
        n_preparers=1, n_preparers_at_start=1,
    )  # fmt: skip
    engine = StandIn(SPEED_H_PER_H, settings.transcribe.language or "en")
    stages = benchmarked(finding_nothing(line(settings, pools)), engine, place / BEGAN)
    hardware = Hardware(find_hardware().n_cpus + 1)
    plan = Plan(settings, asked["url"], own_home, hardware, pools, stages=stages)
    with run_log(own_home.logs_dir / "line.log") as terminal:
        outcome = run(
            items(asked["sources"], asked["n_ids"], place / ASKED), plan, Display(Console(file=terminal))
        )
    return 0 if not outcome.failed and not outcome.unaccounted and not outcome.interrupted else 1


def items(sources: Sequence[str], n_ids: int, marker: Path) -> Iterator[SourceItem]:
    """So many ids, those with media spread evenly among them, the first of them first; none is held. The marker is
    written when the last one is taken."""
    every = max(1, n_ids // max(1, len(sources)))
    for number in range(n_ids):
        which, is_between = divmod(number, every)
        if not is_between and which < len(sources):
            yield identify(sources[which])
        else:
            yield SourceItem(VideoId(f"nothing-{number:07d}"), f"{NOWHERE}{number}", "video")
    marker.write_text(repr(time.time()), encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
