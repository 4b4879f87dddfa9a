"""A row from which nothing follows leaves nothing behind in the driver."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import ROOT, environment

pytestmark = [pytest.mark.timeout(200), pytest.mark.long]

N_ROWS = 300
PROGRAM = f"""
import sys
from cluster.switches import set_switches
set_switches()
import ray
from ray.data import ActorPoolStrategy
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data.context import DataContext
from configs.load import load_settings
from pipelines.ingest import configure

queued = []

class Count(ExecutionCallback):
    def on_execution_step(self, executor):
        queued.append(sum(queue.num_bundles() for operator in executor._topology for queue in operator.metrics._internal_inqueues))

class Ends:
    def __call__(self, row):
        if row["id"] % 100 == 0:
            yield row

class Passes:
    def __call__(self, row):
        yield row

ray.init(num_cpus=4, include_dashboard=False, address="local", _temp_dir=sys.argv[1])
configure(load_settings("demo"))
DataContext.get_current().custom_execution_callback_classes.append(Count)
pool = dict(compute=ActorPoolStrategy(size=1), num_cpus=0.1)
rows = ray.data.range({N_ROWS}, override_num_blocks={N_ROWS}).flat_map(Ends, **pool).flat_map(Passes, **pool)
print(len(rows.take_all()), max(queued[-3:]), max(queued))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    yield place
    shutil.rmtree(place, ignore_errors=True)


def test_rows_that_end_in_a_stage_are_kept_nowhere(home: Path) -> None:
    """Three of 300 come through. Ray would keep the other 297 as queued before the next stage."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home / "ray")], cwd=ROOT, env=environment(home / "home"),
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    n_through, n_left, n_most = map(int, done.stdout.split()[-3:])
    assert n_through == N_ROWS // 100
    assert n_left == 0 and n_most < N_ROWS // 10
