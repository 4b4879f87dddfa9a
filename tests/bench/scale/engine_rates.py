"""How fast Ray moves slices between two actors, how many rows a second one driver hands to actors, and how many reports its
scoreboard takes.

Ray's workers import this module; Ray itself is imported only where it is used.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actors.rows import Clip, Slice, VideoId
from cluster.connect import engine
from cluster.hardware import find_hardware
from configs.home import Home
from configs.load import load_settings
from configs.settings import Settings
from pipelines import wire
from pipelines.tally import Tally

N_SLICES = 150
IN_FLIGHT = 4
SLICE_S = 300.0
N_ROWS, N_STAGES = 2000, 9
"""As many stages as the line has: each costs the driver at every step, whether it has a row or not."""
N_REPORTERS, N_REPORTS = 3, 1000


@dataclass(frozen=True, slots=True)
class EngineRates:
    """Per second."""

    object_bytes: float
    tasks: float
    sourced: float
    """Rows that one source gives."""
    reports: float


class Giver:
    """Has a full slice, and gives it as Prepare does: a table of one row."""

    def __init__(self) -> None:
        clips = (Clip(0.0, SLICE_S, 0.0),)
        self._slice = Slice(VideoId("bench"), 1, 0, clips, bytes(int(SLICE_S * 32_000)), "en")

    def give(self) -> pa.Table:
        return pa.Table.from_pylist([wire.pack(self._slice)])


class Taker:
    def take(self, table: pa.Table) -> int:
        """Bytes of sound in it."""
        (row,) = table.to_pylist()
        return len(wire.unpack(row).pcm)


class Reporter:
    """Tells the scoreboard how it stands, as an actor of a stage does over each row."""

    def __init__(self, scoreboard: Any, name: str) -> None:
        self._scoreboard, self._name = scoreboard, name

    def report(self, n: int) -> None:
        import ray

        for number in range(n):
            tally = Tally(items=number, in_hand=1, busy_s=1.0, age_s=2.0)
            ray.get(self._scoreboard.report.remote("Transcribe", self._name, "one", tally))


def measure(home: Home, tell: Callable[[str], None]) -> EngineRates:
    """Start Ray, measure, end it."""
    settings = load_settings("demo", overrides={"ray.dashboard": False}, env_file=None)
    tell("Ray")
    with engine(settings.ray, home.ray_dir, find_hardware().n_cpus + 1, 0):
        object_bytes = _between_actors()
        tell(f"{N_ROWS} rows through {N_STAGES} stages that do nothing")
        tasks = _through_the_driver(settings)
        tell(f"{N_REPORTERS} actors that report to one scoreboard")
        return EngineRates(object_bytes, tasks, tasks / N_STAGES, _to_the_scoreboard())


def _between_actors() -> float:
    """Bytes of sound a second, with a few slices in flight as before a recogniser."""
    import ray

    giver: Any = ray.remote(num_cpus=0)(Giver).remote()
    taker: Any = ray.remote(num_cpus=0)(Taker).remote()
    ray.get(taker.take.remote(giver.give.remote()))  # both are up
    began_s, n_bytes = time.monotonic(), 0
    waiting: deque[Any] = deque()
    for _ in range(N_SLICES):
        waiting.append(taker.take.remote(giver.give.remote()))
        if len(waiting) == IN_FLIGHT:
            n_bytes += ray.get(waiting.popleft())
    n_bytes += sum(ray.get(list(waiting)))
    return n_bytes / (time.monotonic() - began_s)


def _through_the_driver(settings: Settings) -> float:
    """Rows that are handed to an actor, by a line like ours: one row a block, one actor a stage."""
    import ray
    from ray.data import ActorPoolStrategy

    from cluster.resources import SOURCE_CPUS
    from pipelines.ingest import configure
    from tests.bench.scale import small_rows

    configure(settings)
    roll: Any = ray.remote(num_cpus=0)(small_rows.Roll).remote()
    source = small_rows.Numbers(N_ROWS, roll, N_STAGES)
    dataset = ray.data.read_datasource(source, num_cpus=SOURCE_CPUS, override_num_blocks=1)
    for number in range(N_STAGES):
        stage = type(f"Passing{number}", (small_rows.Passing,), {"__module__": __name__})
        dataset = dataset.flat_map(
            stage, fn_constructor_args=(roll,), num_cpus=0,
            compute=ActorPoolStrategy(size=1, max_tasks_in_flight_per_actor=2),
        )  # fmt: skip
    began_s, n_rows = 0.0, 0
    for _ in dataset.iter_rows():
        began_s = began_s or time.monotonic()
        n_rows += 1
    if n_rows != N_ROWS:
        raise RuntimeError(f"{n_rows} of {N_ROWS} rows came through")
    return (n_rows - 1) * N_STAGES / (time.monotonic() - began_s)


def _to_the_scoreboard() -> float:
    """Reports that a run's own scoreboard takes a second."""
    import ray

    from pipelines.scoreboard import Scoreboard

    scoreboard: Any = Scoreboard.remote()  # type: ignore[attr-defined]
    reporters = [
        ray.remote(num_cpus=0)(Reporter).remote(scoreboard, f"actor-{number}")
        for number in range(N_REPORTERS)
    ]
    ray.get([reporter.report.remote(1) for reporter in reporters])  # all are up
    began_s = time.monotonic()
    ray.get([reporter.report.remote(N_REPORTS) for reporter in reporters])
    return N_REPORTERS * N_REPORTS / (time.monotonic() - began_s)
