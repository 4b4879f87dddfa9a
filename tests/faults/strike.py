"""How each fault is done to a run that is under way."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from tests.faults.corpus_state import n_slices_in_hand
from tests.faults.faults import Fault, Kind
from tests.faults.processes import RunningCommand
from tests.faults.shop import Shop
from tests.waiting import until

OUTAGE_S = 20.0
RESTART_S = 3.0
"""Between the death of the database server and its start."""
FULL_S = 8.0
AT_WORK_LIMIT_S = 6.0
"""How long to wait for an actor to have a row in hand, or for one to be there at all."""
ENGINE_LIMIT_S = 30.0
OUT_OF_MEMORY = "CUDA failed with error out of memory"
DEAD_DEVICE = "CUDA failed with error an illegal memory access was encountered"
"""As CTranslate2 words them."""

NOT_FETCHED = """
select count(*) from ingest_state
where status = 'pending' or (status = 'running' and stage in ('claimed', 'prefilter', 'download'))
"""


@dataclass(frozen=True)
class Striker:
    """Does faults to runs on one database."""

    shop: Shop
    url: str
    rng: random.Random

    def __call__(self, fault: Fault, run: RunningCommand) -> str | None:
        """Do it; gives what exactly was met, or ``None`` where there was nothing to do it to."""
        match fault.kind:
            case Kind.ACTOR:
                return self._kill_actor(fault, run)
            case Kind.RAYLET:
                raylet = run.raylet()
                return _killed(raylet) if raylet else None
            case Kind.DRIVER:
                return _done(lambda: run.signal(signal.SIGKILL))
            case Kind.EVERYTHING:
                return _done(run.kill_everything)
            case Kind.SIGTERM:
                return _done(lambda: run.signal(signal.SIGTERM))
            case Kind.CTRL_C:
                return _done(run.ctrl_c)
            case Kind.OUT_OF_MEMORY:
                return self._plant(OUT_OF_MEMORY, run)
            case Kind.DEAD_DEVICE:
                return self._plant(DEAD_DEVICE, run)
            case Kind.DATABASE_STOPPED | Kind.DATABASE_KILLED:
                return self._take_database(fault.kind)
            case _:
                return self._hinder_downloads(fault.kind, run)

    def _kill_actor(self, fault: Fault, run: RunningCommand) -> str | None:
        if not until(
            lambda: self._actor(fault, run) is not None or run.exit_code is not None, AT_WORK_LIMIT_S
        ):
            fault = _any_moment(fault)
        elif fault.on_work and not fault.costs_slices:
            time.sleep(self.rng.uniform(0, 0.5))
        chosen = self._actor(fault, run) or self._actor(_any_moment(fault), run)
        if chosen is None:
            return None
        process, is_at_work = chosen
        return f"{_killed(process)}, {'at work' if is_at_work else 'idle'}"

    def _actor(self, fault: Fault, run: RunningCommand) -> tuple[psutil.Process, bool] | None:
        """One of the stage's actors: one with a row in hand where the fault wants that."""
        actors = [each for each in run.actors(fault.stage) if each[1] or not fault.on_work]
        return self.rng.choice(actors) if actors else None

    def _take_database(self, kind: Kind) -> str:
        database = self.shop.database
        if kind is Kind.DATABASE_STOPPED:
            database.stop()
            time.sleep(OUTAGE_S)
            database.start()
            return f"for {OUTAGE_S:.0f} s"
        met = database.kill(self.url)
        time.sleep(RESTART_S)
        database.start()
        return "a transaction was open" if met else "no transaction came"

    def _hinder_downloads(self, kind: Kind, run: RunningCommand) -> str | None:
        n_left = self._ask(NOT_FETCHED)
        if not n_left:
            return None
        download, disk = self.shop.download, self.shop.disk
        if kind is Kind.SERVER_GONE:
            download.kill()
            time.sleep(OUTAGE_S)
            download.start()
        elif kind is Kind.SERVER_SILENT:
            download.freeze()
            time.sleep(OUTAGE_S)
            download.thaw()
        else:
            writers = [process for process, _ in run.actors("Download")]
            disk.fill(writers)
            time.sleep(FULL_S)
            disk.free(writers)
        return f"{n_left} videos not fetched yet"

    def _plant(self, words: str, run: RunningCommand) -> str | None:
        """Have the recogniser's next call of its model fail; ``None`` where it was never made."""
        if not until(
            lambda: run.exit_code is not None or n_slices_in_hand(self.url) > 0, AT_WORK_LIMIT_S, 0.05
        ):
            return None  # while a model is loaded the error would hit the test clip
        planted = self.shop.planted
        draft = planted.with_suffix(".new")
        draft.write_text(words, encoding="utf-8")
        draft.rename(planted)
        until(lambda: not planted.exists() or run.exit_code is not None, ENGINE_LIMIT_S)
        if planted.exists():
            planted.unlink()
            return None
        return words

    def _ask(self, query: str) -> Any:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def _any_moment(fault: Fault) -> Fault:
    return Fault(fault.number, fault.kind, fault.stage)


def _killed(process: psutil.Process) -> str:
    process.kill()
    return f"pid {process.pid}"


def _done(do: Callable[[], None]) -> str:
    do()
    return ""
