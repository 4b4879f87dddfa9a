"""One very long video among short ones, on several recognisers."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from configs.home import Home
from configs.load import load_settings
from tests.bench import line
from tests.bench.audio import Recording, make_uneven_corpus
from tests.bench.crew import crew
from tests.bench.limit import Cutting
from tests.bench.scale.evenness import Chain, Uneven
from tests.bench.server import Network, serving
from tests.bench.standin import StandIn
from tests.bench.trial import LEAST_LIMIT_S, SAME_WORK, SIMULATED, Trial, new_database

SHORT_S = (60.0, 180.0)
N_WORKERS = 4
NETWORK = Network(bytes_per_s=20_000_000, bytes_per_s_each=10_000_000, latency_s=0.05)
"""Six hours are 86 MB. The question is how the work is shared, so that fetching them shall not be what is waited for."""
N_TIMED = 6
"""Short recordings by which Prepare is timed, one more before them to warm up."""
LAST_SLICE = """
    select speech_s::float8 from slices
    where video_id = (select video_id from slices group by video_id order by count(*) desc limit 1)
    order by ordinal desc limit 1
"""


def measure(
    long_s: float, n_short: int, speed: float, assignments: dict[str, str], home: Home, tell: Callable[[str], None]
) -> Uneven:  # fmt: skip
    """
    Args:
        long_s: length of the long recording in seconds.
        speed: of one recogniser, in hours of speech an hour.
    """
    shape = {**SIMULATED, **SAME_WORK, **assignments, "transcribe.actors": N_WORKERS}
    settings = load_settings("demo", overrides=shape, env_file=None)
    engine = StandIn(speed, settings.transcribe.language or "en")
    trial = Trial("simulated", settings, engine, N_WORKERS, home, 4 * LEAST_LIMIT_S, books_gpus=True)
    tell(f"making one recording of {long_s / 3600:g} h and {n_short} short ones")
    corpus = make_uneven_corpus(home.root / "uneven", long_s, n_short, SHORT_S)
    longest = max(corpus.recordings, key=lambda recording: recording.duration_s)
    tell("how fast one process prepares")
    shorts = [recording for recording in corpus.recordings if recording is not longest]
    prepare_h_per_h = _prepare_speed(shorts[: N_TIMED + 1], trial)
    tell("the line")
    database_url = new_database(home, "uneven")
    with serving(corpus, NETWORK) as urls:
        measured = line.measure(corpus, urls, trial, database_url)
    chain = Chain(
        fetch_s=_fetch_s(longest.path), prepare_s=longest.duration_s / prepare_h_per_h,
        last_slice_s=_last_slice_speech_s(database_url) / speed,
    )  # fmt: skip
    return Uneven(
        n_videos=len(corpus.recordings), n_stored=measured.n_videos, n_workers=N_WORKERS, speed_h_per_h=speed,
        speech_s=measured.speech_s, audio_s=measured.audio_s, long_s=longest.duration_s, chain=chain, took_s=measured.work_s,
        start_up_s=measured.start_up_s,
    )  # fmt: skip


def _fetch_s(path: Path) -> float:
    return path.stat().st_size / min(NETWORK.bytes_per_s, NETWORK.bytes_per_s_each)


def _prepare_speed(recordings: list[Recording], trial: Trial) -> float:
    """Of one process with nothing beside it, in hours of audio an hour."""
    cutting = Cutting(
        trial.settings.prepare, trial.window_s, trial.settings.transcribe.language, keep_sound=False
    )
    first, *others = recordings
    with crew(1, cutting) as cutters:
        cutters.do([first], trial.limit_s)
        began_s = time.monotonic()
        cutters.do(others, trial.limit_s)
        took_s = time.monotonic() - began_s
    return sum(recording.duration_s for recording in others) / took_s


def _last_slice_speech_s(database_url: str) -> float:
    """Of the video with the most slices."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(LAST_SLICE).fetchone()
    return float(row[0]) if row else 0.0
