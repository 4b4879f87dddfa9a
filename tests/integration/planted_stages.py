"""The line with a bottleneck planted in it. Ray's workers import this module, and with it Ray.

Every stage is the real one, but for the recogniser, for which the benchmark's stand-in waits, and the embedding
model, whose vectors are drawn: neither is what these runs are about, and both take longer to load than the runs last.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from actors import rows
from actors.store.ledger import Ledger
from actors.text.models import embedding_name
from cluster.resources import Pools
from configs.settings import Settings
from pipelines import workers
from pipelines.context import RunContext
from pipelines.ingest import line
from pipelines.stage import StageSpec, Worker
from tests.bench.line_stages import benchmarked
from tests.bench.standin import StandIn
from tests.integration.store_rows import unit_vectors

FAST_H_PER_H = 400.0
POOLS = Pools("cpu", "cpu", 1, 0.0, 0.0, 1, 1)


@dataclass(frozen=True, slots=True)
class Planted:
    """How fast two stages are, in hours of speech an hour."""

    prepare_h_per_h: float = FAST_H_PER_H
    prepare_by: Literal["cpu", "waiting"] = "cpu"
    """What it takes its time with."""
    engine_h_per_h: float = FAST_H_PER_H


@dataclass(frozen=True, slots=True)
class BuildPrepare:
    """The real Prepare, on a machine that is as slow as planted."""

    planted: Planted

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        prepare, speed, by = (
            workers.build_prepare(context, ledger),
            self.planted.prepare_h_per_h,
            self.planted.prepare_by,
        )

        def work(audio: rows.Audio) -> Iterator[rows.Slice]:
            began_at = time.monotonic()
            for piece in prepare(audio):
                spend(piece.speech_s / speed, by, began_at)
                yield piece
                began_at = time.monotonic()

        return work


def spend(seconds: float, by: Literal["cpu", "waiting"], began_at: float) -> None:
    """Take so much more of a core's time; or, by waiting, until so much of the clock's has passed since ``began_at``: what
    the real work took of it, on a machine that others use too, makes the stage no slower than planted."""
    if by == "waiting":
        time.sleep(max(0.0, began_at + seconds - time.monotonic()))
        return
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        np.sort(np.random.default_rng(0).random(20_000))


def build_embed(context: RunContext, ledger: Ledger) -> Worker:
    embed = context.settings.embed

    def work(video: rows.SegmentedVideo) -> Iterator[rows.EmbeddedVideo]:
        vectors = unit_vectors(len(video.segments), embed.dimensions)
        yield rows.EmbeddedVideo(video, embedding_name(embed), vectors.astype(np.float32))

    return work


def planted_line(settings: Settings, planted: Planted, marker: Path) -> list[StageSpec]:
    """Earmark's own stages in their own pools, and the benchmark's gate before them: in runs as short as these it
    matters which stage was ready first.

    Args:
        marker: a file that isn't there yet.
    """
    instead: Mapping[str, dict[str, Any]] = {
        "Prepare": {"build": BuildPrepare(planted)},
        # It waits, as for a card: no core is booked for it.
        "Transcribe": {"num_cpus": 0.0},
        "Embed": {"build": build_embed, "threads": 1, "num_cpus": 0.0},
        "Identify": {"num_cpus": 0.0},
    }
    stages = [replace(spec, **instead.get(spec.name, {})) for spec in line(settings, POOLS)]
    return benchmarked(stages, StandIn(planted.engine_h_per_h), marker)
