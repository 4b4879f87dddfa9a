"""Side (c): the same work one phase after another, as the system before Earmark did it.

All videos are looked at, then all are downloaded, then recogniser processes take whole files and decode
and find speech themselves, then all text is embedded, then all rows are stored. Every step is the line's
own class: only the arrangement differs. The ledger's part, which that system did not have, is done
before the clock starts, as far as the writer needs it.
"""

import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from actors.fetch.identity import identify
from actors.rows import (
    Audio,
    EmbeddedVideo,
    Request,
    SegmentedVideo,
    SpokenSlice,
    Transcript,
    Video,
    VideoId,
    VideoMeta,
)
from actors.store.database import Database
from actors.store.ledger import Ledger
from actors.store.runs import RunRegistry
from actors.store.vectors import ensure_model
from actors.store.writer import Writer
from actors.text.batching import by_length
from actors.text.models import embedding_name
from actors.text.segmenting import segment
from configs.settings import PrepareSettings, SegmentSettings
from tests.bench.audio import Corpus
from tests.bench.cpu import CpuLog
from tests.bench.crew import crew
from tests.bench.report import Measured
from tests.bench.trial import Trial

FETCH_THREADS = 12
"""As many as that system downloaded with; it is given as many for the look before it."""


@dataclass(frozen=True, slots=True)
class _Heard:
    video_id: VideoId
    fence: int
    meta: VideoMeta
    slices: list[SpokenSlice]


@dataclass(frozen=True, slots=True)
class _Hearing:
    """Opens a recogniser process: it takes the path of a fetched track, and does everything with it."""

    engine: Any
    prepare: PrepareSettings
    window_s: float
    language: str | None

    def open(self) -> Callable[[Path], _Heard]:
        from actors.speech.prepare import Preparer

        preparer, transcribe = Preparer(self.prepare, self.window_s, self.language), self.engine.open()

        def hear(path: Path) -> _Heard:
            audio: Audio = pickle.loads(path.read_bytes())
            slices = list(preparer(audio))
            # Whose voice it was nobody asks on this side: the sound ends here.
            heard = [replace(transcribe(piece), clips=(), pcm=b"") for piece in slices]
            return _Heard(audio.video_id, audio.fence, audio.meta, heard)

        return hear


@dataclass
class _Clock:
    """Seconds of each phase."""

    parts_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        before = time.monotonic()
        yield
        self.parts_s[name] = time.monotonic() - before


def measure(corpus: Corpus, urls: Sequence[str], trial: Trial, database_url: str) -> Measured:
    """Start everything, then time the phases."""
    from actors.fetch.download import Downloader
    from actors.fetch.prefilter import Prefilter
    from actors.text.sentence_model import SentenceModel

    settings, before, clock = trial.settings, time.monotonic(), _Clock()
    scratch = trial.home.root / "phases"
    scratch.mkdir(exist_ok=True)
    hearing = _Hearing(trial.engine, settings.prepare, trial.window_s, settings.transcribe.language)
    model = SentenceModel(settings.embed, trial.home.models_dir)
    prefilter = Prefilter(settings.prefilter, settings.download, trial.home.cache_dir)
    download = Downloader(settings.download, trial.home.cache_dir)

    def fetch(video: Video) -> Path:
        path = scratch / f"{video.video_id}.audio"
        path.write_bytes(pickle.dumps(download(video)))
        return path

    with (
        Database(database_url) as database,
        _requests(urls, trial, database, database_url) as requests,
        crew(trial.n_workers, hearing) as workers,
        ThreadPoolExecutor(FETCH_THREADS) as threads,
        CpuLog() as cpu,
    ):
        writer = Writer(database, ensure_model(database, embedding_name(settings.embed), model.dimensions))
        start_up_s, began_at, began = time.monotonic() - before, time.time(), time.monotonic()
        with clock.phase("look"):
            videos = [found for found in threads.map(prefilter, requests) if isinstance(found, Video)]
        with clock.phase("download"):
            paths = list(threads.map(fetch, videos))
        with clock.phase("decode, find speech, transcribe"):
            heard: list[_Heard] = workers.do(paths, trial.limit_s)
        with clock.phase("segment"):
            segmented = [_segmented(one, settings.segment) for one in heard]
        with clock.phase("embed"):
            embedded = _embedded(segmented, model, settings.embed.batch_size)
        with clock.phase("store"):
            stored = [writer.write(video) for video in embedded]
        work_s, cpu_share = time.monotonic() - began, cpu.share(began_at, time.time())
    return Measured(
        side="c", n_videos=sum(one.outcome == "written" for one in stored), audio_s=corpus.audio_s,
        speech_s=sum(piece.speech_s for one in heard for piece in one.slices), work_s=work_s,
        start_up_s=start_up_s, cpu_share=cpu_share, parts_s=clock.parts_s,
    )  # fmt: skip


@contextmanager
def _requests(
    urls: Sequence[str], trial: Trial, database: Database, database_url: str
) -> Iterator[list[Request]]:
    """The addresses, asked for and claimed: the writer stores only what somebody holds."""
    ledger = Ledger(database)
    with RunRegistry(database_url) as registry:
        run_id = registry.open_run({})
        ledger.ask(run_id, [identify(url) for url in urls], trial.settings.recipe())
        yield ledger.claim(run_id, len(urls))
        registry.close_run("finished", {})


def _segmented(heard: _Heard, settings: SegmentSettings) -> SegmentedVideo:
    utterances = tuple(spoken for piece in heard.slices for spoken in piece.utterances)
    first = heard.slices[0]
    transcript = Transcript(
        heard.video_id, heard.fence, heard.meta, first.language, utterances, provenance=first.provenance
    )
    return segment(transcript, settings)


def _embedded(videos: Sequence[SegmentedVideo], model: Any, batch_size: int) -> list[EmbeddedVideo]:
    """All segments of all videos in full batches, texts of like length together."""
    texts = [one.text for video in videos for one in video.segments]
    vectors = np.empty((len(texts), model.dimensions), dtype=np.float32)
    for batch in by_length([len(text) for text in texts], batch_size):
        vectors[batch] = model.encode_documents([texts[position] for position in batch])
    embedded, first = [], 0
    for video in videos:
        after = first + len(video.segments)
        embedded.append(EmbeddedVideo(video, model.name, vectors[first:after]))
        first = after
    return embedded
