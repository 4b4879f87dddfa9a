"""The items of the big ingest test: speech in every format, with the truth, and things that are no speech.

Owns what each item is and what should become of it. Made from the talks in ``configs/demo/speech``,
whose sentences are cut out and put together anew, so nobody needs a speech synthesiser. The same
arguments give the same files. Knows nothing of the line that ingests them.
"""

import functools
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tests.encoding import SPEECH_RATE_HZ, Encoding, Samples, read_speech, write_media
from tests.scoring import SpokenWord

SPEECH_DIR = Path(__file__).parents[1] / "configs" / "demo" / "speech"
_MARGIN_S = 0.06
"""Cut around a sentence: codecs smear its edges a little. The shortest pause in the talks is 0.4 s."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to ingest, and what should come of it."""

    name: str
    path: Path
    expected_status: Literal["stored", "skipped", "failed"]
    expected_code: str | None = None
    """Code of the refusal or error; ``None`` for what is stored."""
    words: tuple[SpokenWord, ...] = ()
    """What is said, on this file's clock. Empty where nothing will be stored."""
    duration_s: float = 0.0
    """Of the sound in the file; 0 where there is none to decode whole."""
    max_word_error_rate: float | None = 0.15
    """What the shipped model must reach. ``None`` below 16 kHz: it never heard sound without its upper
    half and gets every second word wrong; such a file must be stored all the same."""
    twin: str | None = None
    """Name of the item with the same content: whichever comes second is the duplicate."""

    @property
    def spoken(self) -> list[str]:
        """The words alone, as ``word_error_rate`` takes them."""
        return [word.text for word in self.words]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the shipped talks."""

    voice: str
    samples: Samples
    words: tuple[SpokenWord, ...]
    """Counted from the first sample."""


_FAST_OPUS = (("compression_level", "0"),)
_FORMATS: dict[str, tuple[Encoding, float, tuple[str, ...]]] = {
    # name: encoding, seconds, voices (none named: all)
    "lecture.m4a": (Encoding("aac", 44_100, 64_000), 40, ("en+f2",)),
    "interview.webm": (Encoding("libopus", 48_000, 32_000, options=_FAST_OPUS), 150, ("en-us+m3", "en+f2")),
    "radio.mp3": (Encoding("libmp3lame", 44_100, 64_000), 45, ("en-us+michael",)),
    "film.mp4": (Encoding("aac", 48_000, 64_000, "stereo", video=True), 35, ("en-us+m3",)),
    "archive.flac": (Encoding("flac", 44_100), 50, ("en+f2",)),
    "memo.wav": (Encoding("pcm_s16le", 16_000), 20, ("en-us+m3",)),
    "voice.opus": (Encoding("libopus", 48_000, 24_000, options=_FAST_OPUS), 55, ("en-us+michael",)),
    "podcast.ogg": (
        Encoding("vorbis", 44_100, layout="stereo", options=(("strict", "-2"),)),
        35,
        ("en-us+m3",),
    ),
    "telephone.wav": (Encoding("pcm_s16le", 8_000), 30, ("en-us+m3",)),
    "studio.wav": (Encoding("pcm_s16le", 48_000, layout="stereo"), 25, ("en-us+michael",)),
    "sentence.m4a": (Encoding("aac", 44_100, 64_000), 0, ("en+f2",)),
    "panel.webm": (Encoding("libopus", 48_000, 32_000, options=_FAST_OPUS), 90, ()),
}
LONG_ENCODING = Encoding("libopus", 48_000, 24_000, options=_FAST_OPUS)
LONG_S = 21 * 60.0


def build_corpus(directory: Path) -> tuple[Item, ...]:
    """Make all items in a directory: 13 to be stored (one over 20 minutes), 5 that aren't."""
    good = [
        speech_item(directory / name, encoding, seed=seed, duration_s=duration_s, voices=voices)
        for seed, (name, (encoding, duration_s, voices)) in enumerate(_FORMATS.items(), start=1)
    ]
    long = speech_item(directory / "marathon.webm", LONG_ENCODING, seed=100, duration_s=LONG_S)
    return (*good, long, *_bad_items(directory))


def speech_item(
    path: Path, encoding: Encoding, *, seed: int, duration_s: float, voices: tuple[str, ...] = ()
) -> Item:
    """Write one file of sentences in random order with pauses between them.

    Args:
        path: the extension names the container.
        seed: another seed, another text.
        duration_s: least length; the sentence under way is finished. 0 gives one sentence.
        voices: who speaks, of ``en-us+m3``, ``en+f2`` and ``en-us+michael``; empty: all of them.
    """
    samples, words = compose(seed=seed, duration_s=duration_s, voices=voices)
    write_media(path, samples, encoding)
    bound = 0.15 if encoding.rate_hz >= SPEECH_RATE_HZ else None
    duration_s = len(samples) / SPEECH_RATE_HZ
    return Item(path.name, path, "stored", words=words, duration_s=duration_s, max_word_error_rate=bound)


def compose(
    *, seed: int, duration_s: float, voices: tuple[str, ...] = ()
) -> tuple[Samples, tuple[SpokenWord, ...]]:
    """The sound of ``speech_item`` (mono int16 at 16 kHz) and its words."""
    rng = random.Random(seed)
    parts: list[Samples] = []
    words: list[SpokenWord] = []
    position = 0

    def pause(at_least_s: float, at_most_s: float) -> None:
        nonlocal position
        parts.append(np.zeros(int(rng.uniform(at_least_s, at_most_s) * SPEECH_RATE_HZ), dtype=np.int16))
        position += len(parts[-1])

    pause(0.3, 1.5)
    for sentence in _endless(rng, voices):
        shift_s = position / SPEECH_RATE_HZ
        words += [SpokenWord(w.text, w.start_s + shift_s, w.end_s + shift_s) for w in sentence.words]
        parts.append(sentence.samples)
        position += len(sentence.samples)
        if position >= duration_s * SPEECH_RATE_HZ:
            break
        pause(*((3.0, 6.0) if rng.random() < 0.1 else (0.4, 1.4)))
    pause(0.5, 1.0)
    return np.concatenate(parts), tuple(words)


def _endless(rng: random.Random, voices: tuple[str, ...]) -> Iterator[Sentence]:
    """All sentences of these voices in random order, then again in another."""
    chosen = [sentence for sentence in sentences() if not voices or sentence.voice in voices]
    while True:
        yield from rng.sample(chosen, len(chosen))


@functools.cache
def sentences() -> tuple[Sentence, ...]:
    """Every sentence of the shipped talks, about ten minutes in all; decoded once a process."""
    truth = json.loads((SPEECH_DIR / "talks.json").read_text(encoding="utf-8"))
    found = []
    for talk in truth["talks"]:
        samples = read_speech(SPEECH_DIR / talk["file"])
        for spoken in talk["sentences"]:
            start_s = max(0.0, spoken["start_s"] - _MARGIN_S)
            words = tuple(
                SpokenWord(word["text"], word["start_s"] - start_s, word["end_s"] - start_s)
                for word in spoken["words"]
            )
            stop = int((spoken["end_s"] + _MARGIN_S) * SPEECH_RATE_HZ)
            cut = samples[int(start_s * SPEECH_RATE_HZ) : stop]
            found.append(Sentence(spoken["voice"], cut, words))
    return tuple(found)


def _bad_items(directory: Path) -> Iterator[Item]:
    hiss = np.random.default_rng(0).integers(-8, 9, 30 * SPEECH_RATE_HZ, dtype=np.int16)
    silent = directory / "silence.m4a"
    write_media(silent, hiss, Encoding("aac", 44_100, 64_000))
    yield Item(silent.name, silent, "skipped", "no_speech", duration_s=30.0)

    corrupt = directory / "noise.mp3"
    corrupt.write_bytes(random.Random(0).randbytes(60_000))
    yield Item(corrupt.name, corrupt, "failed", "undecodable")

    whole = directory / "whole.webm"
    speech_item(whole, LONG_ENCODING, seed=200, duration_s=60)
    truncated = directory / "truncated.webm"
    truncated.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    whole.unlink()
    yield Item(truncated.name, truncated, "failed", "truncated")

    page = directory / "page.mp3"
    page.write_text("<!DOCTYPE html>\n<html><head><title>Please log in</title></head><body></body></html>\n")
    yield Item(page.name, page, "failed", "not_media")

    original = directory / "lecture.m4a"
    copy = Path(shutil.copyfile(original, directory / "lecture-again.m4a"))
    yield Item(copy.name, copy, "skipped", "duplicate", twin=original.name)
