"""The line as it is benchmarked: its own stages, a gate in front, and where asked a stand-in engine.

Ray's workers import this module, and with it Ray: only ``line.py`` may import it, when it needs it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from actors.rows import Slice, SpokenSlice
from actors.store.ledger import Ledger
from pipelines.context import RunContext
from pipelines.stage import StageSpec, Worker
from pipelines.turns import OneAtATime
from tests.bench.standin import StandIn

READY_LIMIT_S = 300.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class BuildStandIn:
    """``StageSpec.build`` of the Transcribe stage with the stand-in for an engine."""

    engine: StandIn

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        transcribe, engine = self.engine.open(), OneAtATime()

        def work(piece: Slice) -> Iterator[SpokenSlice]:
            with engine.turn():
                spoken = transcribe(piece)
            yield spoken

        return work


@dataclass(frozen=True)
class BuildGate:
    """``StageSpec.build`` of the first stage: it joins once every other stage has its first actors, and
    notes the moment. Without it the line would work while models load, and its start-up could not be
    told from its work."""

    build: Callable[[RunContext, Ledger], Worker]
    awaited: Mapping[str, int]
    """Actors to wait for, by stage."""
    marker: Path
    """Holds the moment in Unix seconds, once it has come."""

    def __call__(self, context: RunContext, ledger: Ledger) -> Worker:
        worker = self.build(context, ledger)
        deadline = time.monotonic() + READY_LIMIT_S
        while missing := self._missing(context):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready within {READY_LIMIT_S:.0f} s: {', '.join(missing)}")
            time.sleep(POLL_S)
        if not self.marker.exists():  # a pool that grows opens the gate again
            self.marker.write_text(repr(time.time()), encoding="ascii")
        return worker

    def _missing(self, context: RunContext) -> list[str]:
        board: Any = ray.get(context.scoreboard.read.remote())
        present = board.stages()
        return [
            name
            for name, n_actors in self.awaited.items()
            if name not in present or present[name].actors < n_actors
        ]


def benchmarked(stages: Sequence[StageSpec], engine: StandIn | None, marker: Path) -> list[StageSpec]:
    """The line's stages with the gate, and with ``engine`` in place of the recogniser where one is given."""
    first, *others = stages
    awaited = {stage.name: stage.initial_actors for stage in others}
    gated = replace(first, build=BuildGate(first.build, awaited, marker))
    if engine is None:
        return [gated, *others]
    build = BuildStandIn(engine)
    return [
        gated,
        *(replace(stage, build=build) if stage.name == "Transcribe" else stage for stage in others),
    ]
