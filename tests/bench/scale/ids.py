"""A hundred thousand ids through one run, most with nothing behind them, while its driver's memory is looked at."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from actors.store.embedded import server_status
from configs.home import HOME_VARIABLE, Home
from tests.bench.audio import make_brief_corpus
from tests.bench.memory import Sample, Watch
from tests.bench.scale.flatness import Streamed
from tests.bench.scale.ids_line import ASKED, BEGAN
from tests.bench.server import serving
from tests.bench.soak import NEAR
from tests.bench.trial import new_database

ROOT = Path(__file__).parents[3]
N_WITH_MEDIA = 20
EVERY_S = 5.0
MODULE = "tests.bench.scale.ids_line"
TOLD_LINES = 20
N_ENDED = "select count(*) from ingest_state where status in ('stored', 'skipped', 'failed')"
BY_STATUS = "select status, count(*) from ingest_state group by status"
MOMENTS = """
    select (select extract(epoch from min(committed_at)) from slices)::float8,
           (select extract(epoch from max(finished_at)) from ingest_state)::float8
"""


def measure(n_ids: int, assignments: dict[str, str], home: Home, tell: Callable[[str], None]) -> Streamed:
    """
    Raises:
        RuntimeError: the run ended before it had begun; with the end of what it told.
    """
    corpus = make_brief_corpus(home.root / "brief", min(N_WITH_MEDIA, n_ids))
    database_url = new_database(home, "ids")
    with serving(corpus, NEAR) as urls:
        asked = {
            "url": database_url, "sources": urls, "n_ids": n_ids, "place": str(home.root), "assignments": assignments,
        }  # fmt: skip
        tell(f"{n_ids} ids, a look every {EVERY_S:g} s")
        began_at = time.time()
        with (home.root / "ids.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULE, json.dumps(asked)], cwd=ROOT, env=_environment(home),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                samples = _watch(process, home, database_url, n_ids, tell)
            finally:
                if process.poll() is None:
                    process.terminate()
                code = process.wait()
    return _read(home, database_url, n_ids, len(corpus.recordings), code, began_at, samples)


def _environment(home: Home) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EARMARK_")}
    return kept | {HOME_VARIABLE: str(home.root), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def _watch(
    process: "subprocess.Popen[bytes]", home: Home, database_url: str, n_ids: int, tell: Callable[[str], None]
) -> list[Sample]:
    """Looks until the process ends; one in ten is told."""
    postmaster = server_status(home.database_dir).pid
    assert postmaster is not None, "the database was started before"
    watch = Watch(process.pid, postmaster, [], home.ray_dir)
    samples: list[Sample] = []
    with psycopg.connect(database_url, autocommit=True, application_name="earmark-scale") as connection:
        while process.poll() is None:
            (n_ended,) = connection.execute(N_ENDED).fetchone() or (0,)
            samples.append(watch.look(n_ended, 0))
            if len(samples) % 10 == 0:
                tell(f"{n_ended} of {n_ids} ended, driver {samples[-1].memory['driver'] / 1e6:.0f} MB")
            try:
                process.wait(EVERY_S)
            except subprocess.TimeoutExpired:
                continue
    return samples


def _read(
    home: Home,
    database_url: str,
    n_ids: int,
    n_with_media: int,
    code: int,
    began_at: float,
    samples: list[Sample],
) -> Streamed:
    with psycopg.connect(database_url) as connection:
        ended = {str(status): int(n) for status, n in connection.execute(BY_STATUS)}
        first_slice_at, last_at = connection.execute(MOMENTS).fetchone() or (None, None)
    markers = [home.root / name for name in (ASKED, BEGAN)]
    if first_slice_at is None or last_at is None or not all(marker.exists() for marker in markers):
        told = (home.root / "ids.log").read_text(encoding="utf-8", errors="replace").splitlines()
        raise RuntimeError(
            "\n".join([f"the run ended with exit code {code} and no slice", *told[-TOLD_LINES:]])
        )
    asked_s, ready_s = (float(marker.read_text(encoding="ascii")) - began_at for marker in markers)
    return Streamed(
        n_ids=n_ids, n_with_media=n_with_media, exit_code=code, samples=tuple(samples), asked_s=asked_s, ready_s=ready_s,
        first_slice_s=float(first_slice_at) - began_at, last_s=float(last_at) - began_at, ended=ended,
    )  # fmt: skip
