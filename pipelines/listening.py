"""Sources in, windows of their speech out: how a voice is listened to outside of the line.

Owns the way from a file or URL to stretches of speech that a voice model takes: the stages of ``actors/`` called
one after another in this process, without Ray, and with the same limits on what is fetched. Decides nothing about
the voices.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt

from actors.credentials import masked
from actors.errors import PermanentError, SoftBlocked
from actors.fetch.admission import Admission, always
from actors.fetch.asker import site_of
from actors.fetch.identity import SourceItem, path_of
from actors.rows import SAMPLE_RATE_HZ, Audio, Clip, Request
from actors.store.database import Database
from actors.voices.enrolment import Heard, dynamic_range_db
from actors.voices.identify import VoiceModel
from actors.voices.voice import VoiceSource
from actors.voices.windows import grid_windows
from configs.home import Home
from configs.settings import Settings
from pipelines.sources import Refused, read_sources

MAX_SPEECH_S = 900.0
"""Speech of one source that is listened to. A voice needs minutes, and a model on a CPU hears a full-size window in
about half a second."""
LEAST_WINDOW_S = 2.0
"""Windows of shorter speech are left out: they tell too little to learn a voice from."""
CLIP_S = 30.0
"""Longest clip, where the settings leave it to a recogniser's window: there is no recogniser here."""

Samples = npt.NDArray[np.int16]
Span = tuple[float | None, float | None]
"""From and to, in seconds of the recording; ``None``: its start, its end."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The windows of one source, before a model has heard them."""

    source: VoiceSource
    pieces: tuple[Samples, ...] = field(repr=False)
    """Sound of each window, int16 mono at ``SAMPLE_RATE_HZ``; lengths may differ."""
    spans: tuple[tuple[float, float], ...]
    """Start and end of each in the recording, in seconds."""
    range_db: float
    """See ``dynamic_range_db``."""


class Listener:
    """Fetches and prepares sources.

    Args:
        database: whose permits are asked for before a site is; see ``pipelines/gate.py``.

    Raises:
        ConfigError: as for ``Prefilter`` and ``Downloader``.
    """

    def __init__(self, settings: Settings, home: Home, database: Database) -> None:
        self._settings, self._home, self._database = settings, home, database

    def __call__(self, source: str, span: Span = (None, None)) -> Speech:
        """The speech of a source, at most ``MAX_SPEECH_S`` of it.

        Raises:
            PermanentError, TransientError, Rejected: it names nothing, can't be had, is no media, or holds no
                speech there.
        """
        item = _one_item(source)
        audio = self._fetched(item)
        named = path_of(item.url).name if item.kind == "file" else masked(item.url)
        return self._speech(audio, named, span)

    def _fetched(self, item: SourceItem) -> Audio:
        from actors.fetch.download import Downloader
        from actors.fetch.listing import Listing
        from actors.fetch.prefilter import Prefilter

        settings, cache_dir = self._settings, self._home.cache_dir
        with ExitStack() as door:
            admission = (
                always
                if item.kind == "file"
                else door.enter_context(_Door(self._database, settings, item.url)).admission
            )
            request = Request(item.video_id, 0, item.url, item.hint)
            found = Prefilter(settings.prefilter, settings.download, cache_dir, admission)(request)
            if isinstance(found, Listing):
                raise PermanentError(
                    f"{masked(item.url)} is a list of videos",
                    code="list",
                    remedy="Name the videos themselves",
                )
            return Downloader(settings.download, cache_dir, admission)(found)

    def _speech(self, audio: Audio, named: str, span: Span) -> Speech:
        from actors.speech.prepare import Preparer

        identify, prepare = self._settings.identify, self._settings.prepare
        preparer = Preparer(prepare, prepare.clip_max_s or CLIP_S, None)
        from_s, to_s = span[0] or 0.0, span[1] if span[1] is not None else np.inf
        pieces: list[Samples] = []
        spans: list[tuple[float, float]] = []
        sounds: list[Samples] = []
        speech_s = 0.0
        for piece in preparer(audio):
            if piece.clips[0].start_s >= to_s or speech_s >= MAX_SPEECH_S:
                break
            pcm = np.frombuffer(piece.pcm, "<i2").astype(np.int16, copy=False)
            for clip in _within(piece.clips, from_s, to_s):
                if speech_s >= MAX_SPEECH_S:
                    break
                speech_s += clip.duration_s
                first = round(clip.offset_s * SAMPLE_RATE_HZ)
                sounds.append(pcm[first : first + round(clip.duration_s * SAMPLE_RATE_HZ)])
                for window in grid_windows(clip, identify.window_s, identify.hop_s):
                    if window.n_samples >= LEAST_WINDOW_S * SAMPLE_RATE_HZ:
                        at = max(0, min(window.first, len(pcm) - window.n_samples))
                        pieces.append(pcm[at : at + window.n_samples])
                        spans.append((window.start_s, window.end_s))
        if not sounds:
            raise PermanentError(
                f"there is no speech between {from_s:.0f} s and {'the end' if np.isinf(to_s) else f'{to_s:.0f} s'} of {named}",
                code="no_speech",
                remedy="Correct --from and --to",
            )
        about = VoiceSource(named, audio.meta.title, round(speech_s, 2), len(pieces), span[0], span[1])
        return Speech(
            about, tuple(pieces), tuple(spans), dynamic_range_db(np.concatenate(sounds), SAMPLE_RATE_HZ)
        )


def hear(speech: Speech, model: VoiceModel, batch_size: int) -> Heard:
    """The windows' vectors; only pieces of one length share a forward pass.

    Raises:
        PermanentError: ``too_little_speech``, there is no window.
        Whatever the model raises.
    """
    if not speech.pieces:
        raise PermanentError(
            f"there are not even {LEAST_WINDOW_S:.0f} s of speech without a pause in {speech.source.source}",
            code="too_little_speech",
            remedy="Name another source, or a longer part",
        )
    order = sorted(range(len(speech.pieces)), key=lambda index: -len(speech.pieces[index]))
    found: dict[int, npt.NDArray[np.float32]] = {}
    for _, same in groupby(order, key=lambda index: len(speech.pieces[index])):
        alike = list(same)
        for first in range(0, len(alike), batch_size):
            batch = alike[first : first + batch_size]
            found.update(zip(batch, model.embed([speech.pieces[index] for index in batch]), strict=True))
    vectors = np.stack([found[index] for index in range(len(speech.pieces))])
    return Heard(speech.source, vectors, speech.spans)


class _Door:
    """A site asked as the line asks it: no more often than it may be, and a block pauses it for everybody."""

    def __init__(self, database: Database, settings: Settings, url: str) -> None:
        from actors.store.ledger import Ledger
        from actors.store.permits import Permits
        from pipelines.gate import Gate

        self._permits = Permits.of(database, settings.governor, settings.download)
        self._site = site_of(url)
        self._began_at = time.monotonic()
        self.admission: Admission = Gate(self._permits, Ledger(database))

    def __enter__(self) -> "_Door":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SoftBlocked):
            asked_ago_s = time.monotonic() - self._began_at
            self._permits.blocked(self._site, asked_ago_s=asked_ago_s, retry_after_s=error.retry_after_s)


def _one_item(source: str) -> SourceItem:
    """What a source names; a folder is no voice's."""
    found: Sequence[SourceItem | Refused] = list(read_sources([source], None))
    if len(found) != 1:
        raise PermanentError(
            f"{masked(source)} names {len(found)} files",
            code="unsupported",
            remedy="Name the files themselves",
        )
    (item,) = found
    if isinstance(item, Refused):
        raise PermanentError(f"{item.source}: {item.reason}", code=item.code)
    return item


def _within(clips: Sequence[Clip], from_s: float, to_s: float) -> Iterator[Clip]:
    """The parts of clips that lie between two moments."""
    for clip in clips:
        start_s, end_s = max(clip.start_s, from_s), min(clip.end_s, to_s)
        if end_s > start_s:
            yield Clip(start_s, end_s, clip.offset_s + start_s - clip.start_s)
