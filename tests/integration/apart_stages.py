"""The line's own stages, pools and shares, as they are tested on nodes that have nothing in common. Each row that a stage
takes in hand is noted in the home of its node, so that afterwards every node's own disk tells what was done there.

The recogniser is the benchmark's stand-in and vectors are drawn: no model takes part. Ray's workers import this module, and
with it Ray.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from actors import rows
from actors.store.ledger import Ledger
from cluster.resources import Pools
from configs.home import home
from configs.settings import Settings
from pipelines.context import RunContext
from pipelines.ingest import line
from pipelines.stage import StageSpec, Worker
from tests.bench.line_stages import BuildStandIn
from tests.bench.standin import StandIn
from tests.integration.gates import go_on
from tests.integration.planted_stages import build_embed
from tests.integration.worked import note

H_PER_H = 400.0
MORE_THAN_HALF_A_NODE = 2.2
"""CPUs that Prefilter books where each of two nodes with four is to have one. The others book 1.51 in all."""
LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Noted:
    """``StageSpec.build`` of a stage that notes what it takes in hand."""

    name: str
    build: Callable[[RunContext, Ledger], Worker]

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        worker, place = self.build(context, ledger), home().root

        def work(row: Any) -> Iterator[Any]:
            note(place, self.name, row.video_id, getattr(row, "ordinal", 0))
            yield from worker(row)

        return work


@dataclass(frozen=True, slots=True)
class Awaiting:
    """``StageSpec.build`` of a Prefilter that keeps its row until as many exits have asked the sources: its node gets no
    more than two before another one has got some, whichever starts first."""

    build: Callable[[RunContext, Ledger], Worker]
    n_exits: int

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        worker = self.build(context, ledger)

        def work(request: rows.Request) -> Iterator[Any]:
            yield from worker(request)
            with psycopg.connect(context.database_url, autocommit=True) as connection:
                while _n_exits(connection) < self.n_exits:
                    time.sleep(LOOK_EVERY_S)

        return work


def _n_exits(connection: "psycopg.Connection[Any]") -> int:
    row = connection.execute("select count(distinct exit) from governor").fetchone()
    assert row is not None
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Holding:
    """``StageSpec.build`` of a recogniser that keeps the slices of a video from one on until its node is told to go on."""

    video_id: str
    first: int

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        transcribe, told = BuildStandIn(StandIn(H_PER_H))(context, ledger), go_on(home().root)

        def work(piece: rows.Slice) -> Iterator[rows.SpokenSlice]:
            # Before the engine's door: the actor's other thread goes on.
            while piece.video_id == self.video_id and piece.ordinal >= self.first and not told.exists():
                time.sleep(LOOK_EVERY_S)
            yield from transcribe(piece)

        return work


def apart(
    settings: Settings, pools: Pools, *, n_exits: int = 1, holding: Holding | None = None
) -> list[StageSpec]:
    """
    Args:
        n_exits: nodes by whose addresses sources are to be asked; 1: wherever Prefilter's actors come to lie.
        holding: the recogniser, where a video is to stay half-finished for a while.
    """
    recogniser = holding or BuildStandIn(StandIn(H_PER_H))
    builds = {"Transcribe": recogniser, "Embed": build_embed}
    stages = [replace(spec, build=builds.get(spec.name, spec.build)) for spec in line(settings, pools)]
    if n_exits > 1:
        first, *others = stages
        build = Awaiting(first.build, n_exits)
        stages = [replace(first, num_cpus=MORE_THAN_HALF_A_NODE, build=build), *others]
    return [replace(spec, build=Noted(spec.name, spec.build)) for spec in stages]
