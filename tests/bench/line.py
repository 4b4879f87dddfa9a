"""Side (b): Earmark's own line on Ray, from the gate's opening to the last video stored.

Owns what is measured of a run and where from: the gate's note, the ledger's times, the scoreboard's
tallies. Imports Ray only when it is called.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console

from actors.fetch.identity import identify
from cluster.hardware import find_hardware
from cluster.resources import GIB, Gpu, Hardware, Pools, plan_pools
from cluster.switches import set_switches
from tests.bench.audio import Corpus
from tests.bench.cpu import CpuLog
from tests.bench.report import Measured, StageUse
from tests.bench.standin import StandIn
from tests.bench.trial import Trial

if TYPE_CHECKING:
    from pipelines.tally import Tally


STAND_IN_GPU = Gpu("a stand-in", 16 * GIB)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the ledger says of the run, times in Unix seconds."""

    n_videos: int
    speech_s: float
    first_slice_at: float
    last_slice_at: float
    last_stored_at: float


def measure(corpus: Corpus, urls: Sequence[str], trial: Trial, database_url: str) -> Measured:
    """Run the line over the addresses.

    Raises:
        KeyboardInterrupt: it was interrupted; the run has ended cleanly.
    """
    set_switches()
    from pipelines.driver import run
    from pipelines.ingest import line
    from pipelines.native_log import run_log
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.bench.line_stages import benchmarked

    hardware, pools = _resources(trial)
    marker = trial.home.root / f"began-{uuid.uuid4().hex}"
    standin = trial.engine if isinstance(trial.engine, StandIn) else None
    stages = benchmarked(line(trial.settings, pools), standin, marker)
    plan = Plan(trial.settings, database_url, trial.home, hardware, pools, stages=stages)
    with run_log(trial.home.logs_dir / "line.log") as terminal, CpuLog() as cpu:
        asked_at = time.time()
        outcome = run([identify(url) for url in urls], plan, Display(Console(file=terminal)))
    if outcome.interrupted:
        raise KeyboardInterrupt
    began_at = float(marker.read_text(encoding="ascii"))
    stored = _read(database_url)
    work_s = stored.last_stored_at - began_at
    return Measured(
        side="b", n_videos=stored.n_videos, audio_s=corpus.audio_s, speech_s=stored.speech_s,
        work_s=work_s, start_up_s=began_at - asked_at, cpu_share=cpu.share(began_at, stored.last_stored_at),
        parts_s={
            "until the first slice is transcribed": stored.first_slice_at - began_at,
            "from then to the last": stored.last_slice_at - stored.first_slice_at,
            "until the last video is stored": stored.last_stored_at - stored.last_slice_at,
        },
        stages=tuple(stage_use(name, outcome.stages[name], work_s) for name in _order(stages, outcome.stages)),
    )  # fmt: skip


def _resources(trial: Trial) -> tuple[Hardware, Pools]:
    """What the line may use. In the simulated form recogniser and embedder stand for work on a GPU: the
    recogniser books no core, and the one that the embedder books comes on top of the machine's own. GPUs that it books
    are Ray's bookkeeping alone."""
    hardware = find_hardware()
    if trial.form == "real":
        return hardware, plan_pools(trial.settings, hardware)
    n_preparers = trial.settings.prepare.actors
    pools = Pools(
        transcribe_device="cuda", embed_device="cpu", n_transcribers=trial.n_workers,
        transcribe_gpu_share=float(trial.books_gpus), embed_gpu_share=0.0, n_preparers=n_preparers,
        n_preparers_at_start=n_preparers,
    )  # fmt: skip
    gpus = (STAND_IN_GPU,) * trial.n_workers if trial.books_gpus else ()
    return Hardware(hardware.n_cpus + 1, gpus), pools


def stage_use(name: str, tally: "Tally", work_s: float) -> StageUse:
    """A stage's tally as shares of the time that its actors spent in the line. An actor's age counts
    from its own start, so for those who waited at the gate the work's length is taken instead."""
    present_s = min(tally.age_s, tally.actors * work_s) or 1.0
    return StageUse(
        name, tally.actors, tally.items, tally.failed, min(1.0, tally.busy_s / present_s),
        min(1.0, tally.blocked_s / present_s),
    )  # fmt: skip


def _order(stages: Sequence[object], found: "dict[str, Tally]") -> list[str]:
    return [name for name in (getattr(stage, "name", "") for stage in stages) if name in found]


def _read(database_url: str) -> _Stored:
    query = """
        select (select count(*) from sources),
               (select coalesce(sum(speech_s), 0) from slices)::float8,
               (select extract(epoch from min(committed_at)) from slices)::float8,
               (select extract(epoch from max(committed_at)) from slices)::float8,
               (select extract(epoch from max(finished_at)) from ingest_state where status = 'stored')::float8
    """
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()
    if row is None or None in row:
        raise RuntimeError("the line stored nothing; see its log in the home that --keep leaves")
    return _Stored(*row)
