"""The line with more and more recognisers, each on a GPU that Ray is told of, against what one does alone."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from configs.home import Home
from configs.load import load_settings
from tests.bench import limit, line
from tests.bench.audio import make_corpus
from tests.bench.report import Measured
from tests.bench.scale.efficiency import Workers
from tests.bench.server import Network, serving
from tests.bench.standin import StandIn
from tests.bench.trial import LEAST_LIMIT_S, SAME_WORK, SIMULATED, Trial, new_database

ALONE_S = 60.0
"""What one recogniser is timed on by itself; it only waits, so that more would tell nothing more."""


def measure(
    numbers: Sequence[int], speed: float, seconds: float, assignments: dict[str, str], home: Home, tell: Callable[[str], None]
) -> Iterator[Workers]:  # fmt: skip
    """
    Args:
        numbers: of recognisers, a run each.
        speed: of one of them, in hours of speech an hour.
        seconds: audio of a run in what its recognisers would need for so many seconds if all of it were speech.
    """
    trial = _trial(1, speed, seconds, assignments, home)
    tell("one recogniser alone")
    corpus = make_corpus(home.root / "alone", speed * min(ALONE_S, seconds))
    alone_h_per_h = _speech_speed(limit.measure(corpus, trial))
    for n in numbers:
        tell(f"{n} recognisers: making {n * speed * seconds / 3600:.2f} h of audio")
        media = home.root / f"media-{n}"
        corpus = make_corpus(media, n * speed * seconds)
        tell(f"{n} recognisers: the line")
        with serving(corpus, Network()) as urls:
            trial = _trial(n, speed, seconds, assignments, home)
            measured = line.measure(corpus, urls, trial, new_database(home, f"workers_{n}"))
        shutil.rmtree(media)
        yield Workers(n, alone_h_per_h, len(corpus.recordings), measured)


def _trial(n: int, speed: float, seconds: float, assignments: dict[str, str], home: Home) -> Trial:
    shape = {**SIMULATED, **SAME_WORK, **assignments, "transcribe.actors": n}
    settings = load_settings("demo", overrides=shape, env_file=None)
    trial = Trial(
        "simulated",
        settings,
        StandIn(speed, settings.transcribe.language or "en"),
        n,
        home,
        books_gpus=True,
    )
    return replace(trial, limit_s=max(LEAST_LIMIT_S, 10 * seconds))


def _speech_speed(measured: Measured) -> float:
    return measured.speech_s / measured.work_s
