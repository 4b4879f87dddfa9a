"""What Identify costs: windows in batches against one at a time, and its share of a line's work.

Owns both measurements. Everything that imports Ray is imported where it is used.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from actors.fetch.identity import identify
from actors.rows import SAMPLE_RATE_HZ
from actors.voices.profile import Profile
from actors.voices.speaker_model import SpeakerModel
from configs.home import Home
from configs.settings import Settings
from tests.bench.trial import new_database
from tests.corpus import speech_item
from tests.encoding import Encoding

OPUS = Encoding("libopus", 48_000, 24_000, options=(("compression_level", "0"),))
FULL_SIZE = (1024, 1024, 1024, 1024, 3072)
"""Channels of the published ECAPA-TDNN; its speed doesn't depend on what its weights are."""


@dataclass(frozen=True, slots=True)
class Batching:
    """One model's windows a second."""

    model: str
    batch_size: int
    batched_per_s: float
    single_per_s: float

    @property
    def gain(self) -> float:
        return self.batched_per_s / self.single_per_s


@dataclass(frozen=True, slots=True)
class LineCost:
    """What a run of the line spent."""

    fast_path: bool
    busy_s: dict[str, float]
    """Seconds of work of each stage's actors."""
    line_s: float
    n_windows: int
    n_dense: int
    n_slices: int

    @property
    def share(self) -> float:
        """Of all stages' work, Identify's."""
        return self.busy_s["Identify"] / sum(self.busy_s.values())


def batching(model: SpeakerModel, window_s: float, batch_size: int, n_windows: int) -> Batching:
    """The model that the settings name, both ways on the same windows, in turns."""
    rng = np.random.default_rng(0)
    n = round(window_s * SAMPLE_RATE_HZ)
    pieces = [rng.normal(0, 2000, n).astype(np.int16) for _ in range(n_windows)]
    took: dict[int, list[float]] = {batch_size: [], 1: []}
    for _ in range(3):  # the best of three: other work on the machine only ever adds
        for size, times in took.items():
            began = time.perf_counter()
            for first in range(0, n_windows, size):
                model.embed(pieces[first : first + size])
            times.append(time.perf_counter() - began)
    return Batching(model.name, batch_size, n_windows / min(took[batch_size]), n_windows / min(took[1]))


def full_size_batching(device: str, window_s: float, batch_size: int, n_windows: int) -> Batching:
    """The network of the published model with random weights, on random features."""
    from actors.torch_guard import import_torch

    torch = import_torch()
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    network = ECAPA_TDNN(80, channels=list(FULL_SIZE), lin_neurons=192).eval().to(device)
    features = torch.randn(n_windows, round(window_s * 100) + 1, 80, device=device)
    took: dict[int, list[float]] = {batch_size: [], 1: []}
    with torch.inference_mode():
        for _ in range(2):
            for size, times in took.items():
                began = time.perf_counter()
                for first in range(0, n_windows, size):
                    network(features[first : first + size]).cpu()
                times.append(time.perf_counter() - began)
    return Batching(
        "ECAPA-TDNN 1024, random weights",
        batch_size,
        n_windows / min(took[batch_size]),
        n_windows / min(took[1]),
    )


def make_monologues(directory: Path, voices: Sequence[str], each_s: float) -> list[Path]:
    """A talk of each voice."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed, voice in enumerate(voices):
        path = directory / f"talk-{seed}.webm"
        speech_item(path, OPUS, seed=seed, duration_s=each_s, voices=(voice,))
        paths.append(path)
    return paths


def line_cost(
    paths: Sequence[Path], settings: Settings, home: Home, profiles: Sequence[Profile], *, fast_path: bool
) -> LineCost:
    """Ingest the files with the whole line into a database of its own.

    Raises:
        RuntimeError: not everything was stored.
    """
    import psycopg

    from cluster.switches import set_switches

    set_switches()
    from cluster.hardware import find_hardware
    from cluster.resources import plan_pools
    from pipelines.driver import run
    from pipelines.ingest import line
    from pipelines.native_log import run_log
    from pipelines.progress import Display
    from pipelines.run_plan import Plan
    from tests.bench.voice_line import with_profiles

    section = settings.identify.model_copy(update={"assume_monologue": fast_path})
    settings = settings.model_copy(update={"identify": section})
    hardware = find_hardware()
    pools = plan_pools(settings, hardware)
    url = new_database(home, f"voices_{'fast' if fast_path else 'dense'}")
    stages = with_profiles(line(settings, pools), profiles)
    plan = Plan(settings, url, home, hardware, pools, stages=stages)
    with run_log(home.logs_dir / "line.log") as terminal:
        outcome = run([identify(str(path)) for path in paths], plan, Display(Console(file=terminal)))
    if outcome.counts.stored != len(paths):
        raise RuntimeError(f"{outcome.counts.stored} of {len(paths)} talks were stored")
    query = """
        select coalesce(sum(cardinality(voice_windows)) / 2, 0)::int, count(*) filter (where voice_dense)::int,
               count(*)::int from slices
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    busy_s = {name: tally.busy_s for name, tally in outcome.stages.items()}
    return LineCost(fast_path, busy_s, outcome.line_s, *row)
