"""A line without models, whose videos do harm where their ids say so: ``prepare-kills-1``, ``embed-hangs``.

Every actor, its ledger and its writer are the real ones; only what a stage makes of a row is small.
Ray's workers import this module, and with it Ray.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import psutil

from actors import rows
from actors.errors import TransientError
from actors.store.ledger import Ledger
from actors.text.models import embedding_name
from configs.home import home
from configs.settings import EmbedSettings
from pipelines import workers
from pipelines.context import RunContext
from pipelines.stage import StageSpec, Worker
from tests.integration.gates import go_on
from tests.integration.store_rows import MADE_BY, meta, spoken, unit_vectors

EMBED_THREADS = 8


def harm(stage: str, video_id: str) -> None:
    """What the video does to its actor in this stage."""
    match video_id.split("-")[:2]:
        case [where, "kills"] if where == stage:
            os.kill(os.getpid(), signal.SIGKILL)
        case [where, "waits"] if where == stage:
            while not go_on(home().root).exists():
                time.sleep(0.05)
        case [where, "hangs"] if where == stage:
            time.sleep(100_000)
        case [where, "raises"] if where == stage:
            raise LookupError("an error that nobody foresaw")
        case [where, "freezes"] if where == stage:
            os.kill(os.getpid(), signal.SIGSTOP)
        case [where, "freezesray"] if where == stage:
            raylet = psutil.Process().parent()
            for process in [raylet, *raylet.parent().children()]:
                if process.name() in ("raylet", "gcs_server"):
                    process.send_signal(signal.SIGSTOP)
            time.sleep(100_000)


def build_prefilter(context: RunContext, ledger: Ledger) -> Worker:
    def work(request: rows.Request) -> Iterator[rows.Video]:
        harm("prefilter", request.video_id)
        yield rows.Video(request.video_id, request.fence, meta(), "")

    return work


def build_prepare(context: RunContext, ledger: Ledger) -> Worker:
    def work(video: rows.Video) -> Iterator[rows.SegmentedVideo]:
        harm("prepare", video.video_id)
        segment = rows.Segment(0, f"text of {video.video_id}", 0.0, 9.0, 3, avg_logprob=-0.1)
        yield rows.SegmentedVideo(video.video_id, video.fence, video.meta, "en", (segment,), MADE_BY)

    return work


def build_embed(context: RunContext, ledger: Ledger) -> Worker:
    embed = context.settings.embed

    def work(video: rows.SegmentedVideo) -> Iterator[rows.EmbeddedVideo]:
        time.sleep(0.5)  # so that neighbours are in hand together
        harm("embed", video.video_id)
        vectors = unit_vectors(len(video.segments), embed.dimensions)
        yield rows.EmbeddedVideo(video, embedding_name(embed), vectors.astype(np.float32))

    return work


def build_hear(context: RunContext, ledger: Ledger) -> Worker:
    """What Prepare and Transcribe make of a video together: a slice with its sound, a hum of seven seconds."""

    def work(video: rows.Video) -> Iterator[rows.SpokenSlice]:
        ledger.describe(video.video_id, video.fence, video.meta)
        piece = spoken(video.video_id, video.fence, 0, 1).spoken
        times = np.arange(7 * rows.SAMPLE_RATE_HZ) / rows.SAMPLE_RATE_HZ
        hum = (8000 * np.sin(2 * np.pi * 150 * times) * np.sin(2 * np.pi * 3 * times)).astype("<i2")
        yield replace(piece, clips=(rows.Clip(0.0, 7.0, 0.0),), pcm=hum.tobytes())

    return work


def build_hear_nothing(context: RunContext, ledger: Ledger) -> Worker:
    """A recogniser that gives no text for speech, as some pairs of driver and engine do, without an error. What is
    to fail in Embed it hears."""
    hear = build_hear(context, ledger)

    def work(video: rows.Video) -> Iterator[rows.SpokenSlice]:
        for piece in hear(video):
            yield piece if video.video_id.startswith("embed-") else replace(piece, utterances=())

    return work


class Overflowing:
    """A model whose numbers outgrow their type, as half precision's do in some."""

    def __init__(self, settings: EmbedSettings) -> None:
        self.name, self.dimensions = embedding_name(settings), settings.dimensions

    def encode_documents(self, texts: Sequence[str]) -> np.ndarray:
        return np.full((len(texts), self.dimensions), np.nan, dtype=np.float32)

    def release_memory(self) -> None:
        pass


def build_embed_overflowing(context: RunContext, ledger: Ledger) -> Worker:
    """The real embedder with such a model for ids ``embed-overflows-…``."""
    from actors.text.embedder import Embedder

    settings = context.settings.embed
    embed, overflowing = build_embed(context, ledger), Embedder(Overflowing(settings), settings)

    def work(video: rows.SegmentedVideo) -> Iterator[rows.EmbeddedVideo]:
        if video.video_id.startswith("embed-overflows"):
            yield overflowing.embed(video)
        else:
            yield from embed(video)

    return work


def build_identify(context: RunContext, ledger: Ledger) -> Worker:
    """The real stage, with the harm that a video does to it."""
    identify = workers.build_identify(context, ledger)

    def work(piece: rows.SpokenSlice) -> Iterator[rows.VoicedSlice]:
        harm("identify", piece.video_id)
        yield from identify(piece)

    return work


def build_never(context: RunContext, ledger: Ledger) -> Worker:
    """A model that doesn't come up."""
    time.sleep(100_000)
    raise AssertionError("nobody waits so long")


def build_second_time(context: RunContext, ledger: Ledger) -> Worker:
    """Another program has the card's memory when it starts first."""
    tried = context.cache_dir / "tried"
    if not tried.exists():
        context.cache_dir.mkdir(parents=True, exist_ok=True)
        tried.touch()
        raise TransientError("no memory is left for the moment", code="out_of_memory")
    return build_embed(context, ledger)


def line() -> list[StageSpec]:
    """One actor a stage, so that rows queue behind one another."""
    one = {"min_actors": 1, "max_actors": 1, "initial_actors": 1}
    return [
        StageSpec("Prefilter", (rows.Request,), build_prefilter, **one, marks_stage=True),
        StageSpec("Prepare", (rows.Video,), build_prepare, **one, num_cpus=0.5, marks_stage=True),
        StageSpec("Embed", (rows.SegmentedVideo,), build_embed, **one, threads=EMBED_THREADS),
        StageSpec("Store", (rows.EmbeddedVideo,), workers.build_store, **one),
    ]


def with_stage(name: str, **changes: object) -> list[StageSpec]:
    """The line, with one stage otherwise."""
    return [replace(spec, **changes) if spec.name == name else spec for spec in line()]


def line_that_hears_nothing() -> list[StageSpec]:
    """From a slice's sound on, and hardly a word; where there is one, vectors may overflow."""
    builds = {"Hear": build_hear_nothing, "Embed": build_embed_overflowing}
    return [replace(spec, build=builds.get(spec.name, spec.build)) for spec in line_with_voices()]


def line_with_voices() -> list[StageSpec]:
    """From a slice's sound on, with the real Identify, Assemble and Segment."""
    one = {"min_actors": 1, "max_actors": 1, "initial_actors": 1}
    prefilter, _, embed, store = line()
    return [
        prefilter,
        StageSpec("Hear", (rows.Video,), build_hear, **one, marks_stage=True),
        StageSpec("Identify", (rows.SpokenSlice,), build_identify, **one, instead=workers.unheard),
        StageSpec("Assemble", (rows.VoicedSlice, rows.Resumed), workers.build_assemble, **one),
        StageSpec("Segment", (rows.Transcript,), workers.build_segment, **one),
        embed,
        store,
    ]
