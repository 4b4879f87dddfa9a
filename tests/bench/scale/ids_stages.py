"""The line with a Prefilter that finds nothing behind most ids, without asking anybody.

Ray's workers import this module, and with it Ray: only ``ids_line.py`` may import it, when it needs it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from actors.errors import Rejected
from actors.rows import Request, Video
from actors.store.ledger import Ledger
from pipelines import workers
from pipelines.context import RunContext
from pipelines.gate import Gate
from pipelines.recall import Known, Recall
from pipelines.stage import StageSpec, Worker
from tests.bench.scale.ids_line import NOWHERE


def build_prefilter(context: RunContext, ledger: Ledger) -> Worker:
    """``StageSpec.build`` of Prefilter: ids that nothing is behind cost all that a real one costs the ledger and the
    governor, and no extraction. The others are asked for as ever."""
    ask, recall = workers.build_prefilter(context, ledger), Recall(context, ledger)
    gate = Gate.of(context, ledger)

    def look(request: Request) -> Iterator[Video | Known]:
        known = recall(request)
        if known is not None:
            yield known
            return
        with gate(request.url):
            raise Rejected("nothing is behind this id")

    find_nothing = gate.governed(look)

    def work(request: Request) -> Iterator[Video | Known]:
        yield from (find_nothing if request.url.startswith(NOWHERE) else ask)(request)

    return work


def finding_nothing(stages: Sequence[StageSpec]) -> list[StageSpec]:
    """The line's stages with that Prefilter."""
    first, *others = stages
    return [replace(first, build=build_prefilter), *others]
