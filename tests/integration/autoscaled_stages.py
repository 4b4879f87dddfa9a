"""The line's own pools of recognisers and embedders, in a line without models or downloads: what a recogniser does here
is wait, as for a card. Ray's workers import this module, and with it Ray.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg

from actors import rows
from actors.store.ledger import Ledger
from cluster.resources import Pools
from configs.settings import Settings
from pipelines import ingest
from pipelines.context import RunContext
from pipelines.stage import StageSpec, Worker
from tests.integration import small_stages

LONG = "long"
"""Such a video's row takes until somebody makes this table."""
TOLD_TO_END = "select to_regclass('told_to_end')"
LOOK_EVERY_S = 0.5
ROW_S = 4.0
"""Time that the recogniser takes for a row. It has two in hand."""


def build_recognise(context: RunContext, ledger: Ledger) -> Worker:
    write = small_stages.build_prepare(context, ledger)

    def work(video: rows.Video) -> Iterator[rows.SegmentedVideo]:
        if video.video_id.startswith(LONG):
            with psycopg.connect(context.database_url, autocommit=True) as connection:
                while connection.execute(TOLD_TO_END).fetchone() == (None,):
                    time.sleep(LOOK_EVERY_S)
        else:
            time.sleep(ROW_S)
        yield from write(video)

    return work


INSTEAD: dict[str, dict[str, Any]] = {
    "Prefilter": {"build": small_stages.build_prefilter},
    "Transcribe": {"accepts": (rows.Video,), "build": build_recognise},
    "Embed": {"build": small_stages.build_embed},
    "Store": {},
}


def line(settings: Settings, pools: Pools) -> list[StageSpec]:
    """Sizes, shares and bounds are the line's own."""
    return [
        replace(spec, **INSTEAD[spec.name]) for spec in ingest.line(settings, pools) if spec.name in INSTEAD
    ]
