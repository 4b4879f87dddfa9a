"""Hosts a stage on Ray: passes others' rows by, counts, times, and turns errors into ledger entries.

The only place that catches broadly. A row never raises into Ray Data: Ray would run it again without
end, or drop the innocent rows queued beside it. What a stage does stands in ``workers.py``; what it may
use of the machine in ``StageSpec``.
"""

import copy
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import ray
from ray.data import ActorPoolStrategy, Dataset
from ray.util import get_node_ip_address

from actors.errors import ConfigError, EarmarkError, LeaseLost, PermanentError, Rejected, TransientError
from actors.store.backoff import Backoff
from actors.store.database import Database
from actors.store.ledger import Ledger
from configs.catalogue import SettingsError
from configs.home import HOME_VARIABLE
from pipelines import wire
from pipelines.context import RunContext
from pipelines.deaths import Deaths
from pipelines.in_hand import row_limit_s
from pipelines.made import made_of
from pipelines.meter import Meter

logger = logging.getLogger(__name__)

Worker = Callable[[Any], Iterable[Any]]
"""Takes a row of the kinds that its stage accepts, gives the rows that follow from it."""

Instead = Callable[[RunContext, Any, EarmarkError], Any]
"""Takes a row and why it failed for good, gives the row that follows all the same."""

DEAD_DEVICE = "device"

E = TypeVar("E", bound=EarmarkError)


@dataclass(frozen=True)
class StageSpec:
    """What a stage is and what it may use."""

    name: str
    """As a person looks for it in the dashboard."""
    accepts: tuple[type, ...]
    """Kinds of rows that it works on; all others pass by."""
    build: Callable[[RunContext, Ledger], Worker]
    """Makes the worker inside the actor: loads models, opens connections."""
    min_actors: int
    max_actors: int
    initial_actors: int
    num_cpus: float = 0.0
    num_gpus: float = 0.0
    nodes: str | None = None
    """``NAME=VALUE``: Ray's label of the nodes that it may run on; ``None``: any that has room."""
    threads: int = 1
    """Rows that one actor works on at a time."""
    queue: int = 2
    """Rows sent to one actor, the ones being worked on included."""
    instead: "Instead | None" = None
    """What goes on in the place of a row that this stage can't do; ``None``: the row's video ends here. Errors that
    may pass are not meant: their video is tried again."""
    marks_stage: bool = False
    """Write into the ledger that the video has come here, and leave it if it has ended or changed hands."""

    def add_to(self, dataset: Dataset, context: RunContext) -> Dataset:
        """The dataset with this stage behind it."""
        host = type(self.name, (StageHost,), {"__module__": __name__})
        return dataset.flat_map(
            host,
            fn_constructor_args=(self, context),
            compute=ActorPoolStrategy(
                min_size=self.min_actors,
                max_size=self.max_actors,
                initial_size=self.initial_actors,
                max_tasks_in_flight_per_actor=max(self.queue, self.threads),
                max_concurrent_calls_per_actor=self.threads,
                enable_true_multi_threading=self.threads > 1,
            ),
            num_cpus=self.num_cpus,
            num_gpus=self.num_gpus or None,
            label_selector=labelled(self.nodes),
        )


def labelled(nodes: str | None) -> dict[str, str] | None:
    """Ray's label selector of nodes given as ``NAME=VALUE``."""
    return dict([nodes.split("=", 1)]) if nodes else None


class StageHost:
    """One actor of a stage."""

    def __init__(self, spec: StageSpec, context: RunContext) -> None:
        try:
            context = on_this_node(context)
            self._begin(spec, context)
        except EarmarkError as error:
            refusal = error
            if context.settings.ray.address is not None:
                refusal = told_by(error, get_node_ip_address())  # type: ignore[no-untyped-call]
            ray.get(context.scoreboard.refuse.remote(refusal))
            raise refusal from error.__cause__

    def _begin(self, spec: StageSpec, context: RunContext) -> None:
        self._spec, self._context = spec, context
        self._kinds = {kind.__name__ for kind in spec.accepts}
        self._limits = context.settings.watchdog
        backoff = Backoff.of(context.settings.retry)
        self._ledger = Ledger(Database(context.database_url, pool_size=spec.threads), backoff)
        self._deaths = Deaths(spec.name, self._ledger, context.scoreboard, shared=spec.threads > 1)
        began_at = time.monotonic()
        self._worker = spec.build(context, self._ledger)
        self._meter = Meter(spec.name, context.scoreboard, time.monotonic() - began_at)

    def __call__(self, row: wire.Row) -> Iterator[wire.Row]:
        if row["kind"] in self._kinds:
            limit_s = row_limit_s(self._limits, row["kind"], row["audio_s"])
            with self._meter.item(row["id"], row["ordinal"], row["audio_s"], limit_s):
                yield from self._work(row, limit_s)
        else:
            yield row

    def _work(self, row: wire.Row, limit_s: float) -> Iterator[wire.Row]:
        n_results = 0
        try:
            for result in self._guarded(row, limit_s):
                n_results += 1
                yield from self._hand_over(result)
            return
        except LeaseLost as lost:
            logger.info("%s: %s leaves it: %s", row["id"], self._spec.name, lost)
            return
        except EarmarkError as known:
            error = known
        except Exception as unforeseen:
            logger.exception("%s failed in %s", row["id"], self._spec.name)
            error = unexpected(unforeseen)
        if self._spec.instead is None or n_results or not isinstance(error, PermanentError):
            self._settle(row, error)
            return
        logger.warning(
            "%s (part %d) goes on without %s: %s", row["id"], row["ordinal"], self._spec.name, error
        )
        try:
            replacement = self._spec.instead(self._context, wire.unpack(row), error)
        except Exception:
            logger.exception("%s: nothing goes on in the place of %s", row["id"], self._spec.name)
            self._settle(row, error)
            return
        self._meter.failed(error.code)
        yield from self._hand_over(replacement)

    def _hand_over(self, result: Any) -> Iterator[wire.Row]:
        packed = wire.pack(result)
        with self._meter.handing_over(len(packed["payload"]), made_of(result)):
            yield packed

    def _guarded(self, row: wire.Row, limit_s: float) -> Iterator[Any]:
        if self._spec.marks_stage:
            self._ledger.enter(row["id"], row["fence"], self._spec.name.lower())
        with self._deaths.counted(row["id"], row["ordinal"], limit_s):
            yield from self._worker(wire.unpack(row))

    def _settle(self, row: wire.Row, error: EarmarkError) -> None:
        """Write down why the video ends here. If even that fails the video stays ``running``, and the
        run finds it at its end."""
        self._meter.failed(error.code)
        try:
            if isinstance(error, Rejected):
                self._ledger.skip(row["id"], row["fence"], error.code, error.reason, error.remedy)
            else:
                self._ledger.fail(row["id"], row["fence"], error)
        except LeaseLost as lost:
            logger.info("%s: %s", row["id"], lost)
        except Exception:
            logger.exception("%s: could not record %s", row["id"], error.code)
        if error.code == DEAD_DEVICE:
            # After such an error CUDA answers nothing in this process: Ray starts another.
            logger.error("leaving: %s", error)
            os._exit(1)


def on_this_node(context: RunContext) -> RunContext:
    """``context.here()``.

    Raises:
        ConfigError: ``home``: this node has no place for what a run keeps.
    """
    try:
        return context.here()
    except SettingsError as error:  # it names the remedy
        raise ConfigError(str(error), code="home") from error
    except OSError as error:
        raise ConfigError(
            f"{HOME_VARIABLE} can't be used ({error})", code="home",
            remedy=f"Set {HOME_VARIABLE} there to a directory of this user's own, on a disk with room",
        ) from error  # fmt: skip


def told_by(error: E, node: str) -> E:
    """The error as a node of a cluster tells it. Pure."""
    told = copy.copy(error)
    told.args = (f"on the node {node}: {error.reason}",)
    return told


def unexpected(error: Exception) -> EarmarkError:
    """An error that no stage foresaw, as one that the ledger can keep: for good, unless the machine is to blame."""
    if isinstance(error, MemoryError):
        return TransientError(
            "this machine has no memory left for it", code="out_of_memory",
            remedy="Fewer download.actors and prepare.actors take less",
        )  # fmt: skip
    if isinstance(error, OSError):
        return TransientError(
            f"{type(error).__name__}: {error}",
            code="system",
            remedy="Look at this machine's disks and mounts",
        )
    return PermanentError(
        f"{type(error).__name__}: {error}",
        code="unexpected",
        remedy="This is a fault of Earmark: please report it with the log of the run",
    )
