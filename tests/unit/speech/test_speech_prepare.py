"""Recordings in, slices out: the same ones every time, in bounded memory."""

import functools
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actors.errors import Rejected, TransientError
from actors.rows import SAMPLE_RATE_HZ, Audio, Slice, VideoId, VideoMeta
from actors.speech.decode import AudioDecoder
from actors.speech.prepare import Preparer
from configs.settings import PrepareSettings
from tests.corpus import compose
from tests.encoding import Encoding, Samples, write_media

WINDOW_S = 30.0


def as_audio(samples: Samples, extension: str = "flac", encoding: Encoding | None = None) -> Audio:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"a.{extension}"
        write_media(path, samples, encoding or Encoding("flac"))
        meta = VideoMeta("title", "https://example.org/v", language="en-GB")
        return Audio(VideoId("v"), 7, meta, path.read_bytes(), extension)


@functools.cache
def talk() -> Audio:
    """Four minutes of speech with pauses of up to six seconds."""
    return as_audio(compose(seed=5, duration_s=240)[0])


def slices_of(audio: Audio, skip: frozenset[int] = frozenset(), language: str | None = None) -> list[Slice]:
    return list(Preparer(PrepareSettings(slice_max_clips=2), WINDOW_S, language)(audio, skip))


def test_slices_hold_the_sound_at_their_times() -> None:
    """Each clip's PCM is, sample for sample, that of the recording between its start and end."""
    samples = np.concatenate(list(AudioDecoder(talk())))
    for item in slices_of(talk()):
        pcm = np.frombuffer(item.pcm, "<i2")
        for clip in item.clips:
            start, end = (round(at_s * SAMPLE_RATE_HZ) for at_s in (clip.start_s, clip.end_s))
            offset = round(clip.offset_s * SAMPLE_RATE_HZ)
            np.testing.assert_array_equal(pcm[offset : offset + end - start], samples[start:end])
        assert len(pcm) == round(item.speech_s * SAMPLE_RATE_HZ)


def test_slices_are_numbered_and_only_the_last_knows_how_many() -> None:
    """Ordinals count from 0; the last slice alone carries the number and the decoded length."""
    items = slices_of(talk())
    assert len(items) > 2
    assert [item.ordinal for item in items] == list(range(len(items)))
    assert [item.n_slices for item in items] == [None] * (len(items) - 1) + [len(items)]
    assert [item.decoded_s is None for item in items] == [True] * (len(items) - 1) + [False]
    assert items[-1].decoded_s == pytest.approx(240, abs=12)
    assert {(item.video_id, item.fence) for item in items} == {("v", 7)}


def test_windows_count_the_clips_and_fit() -> None:
    """At most as many windows a slice as the setting says, none over 30 s, and all clips are in one."""
    for item in slices_of(talk()):
        assert 1 <= len(item.windows) <= 2
        assert sum(item.windows) == len(item.clips)
        at = 0
        for n_clips in item.windows:
            assert sum(clip.duration_s for clip in item.clips[at : at + n_clips]) <= WINDOW_S
            at += n_clips


@pytest.mark.parametrize("skip", [{0}, {1}, {0, 1}, {2}, set(range(99))])
def test_a_resumed_video_gets_the_slices_that_are_missing(skip: set[int]) -> None:
    """With some ordinals in the ledger the others come out identical, the count included; where the last
    one is there already nothing is given in its place."""
    whole = slices_of(talk())
    assert slices_of(talk(), frozenset(skip)) == [item for item in whole if item.ordinal not in skip]


@pytest.mark.parametrize(("setting", "expected"), [(None, "en-GB"), ("de", "de")])
def test_language_comes_from_the_setting_or_the_source(setting: str | None, expected: str) -> None:
    """A fixed language beats what the source says."""
    assert {item.language for item in slices_of(talk(), language=setting)} == {expected}


def test_no_language_is_left_open() -> None:
    """Where nobody names one it is to be detected."""
    audio = replace(talk(), meta=replace(talk().meta, language=None))
    assert {item.language for item in slices_of(audio)} == {None}


def sound(kind: str, seconds: float = 30.0) -> Samples:
    rng = np.random.default_rng(3)
    at = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    match kind:
        case "silence":
            wave = np.zeros(len(at))
        case "white noise":
            wave = rng.normal(0, 3000, len(at))
        case "hum":
            wave = 5000 * np.sin(2 * np.pi * 50 * at)
        case _:
            notes = 220 * 2 ** (rng.integers(0, 24, int(seconds * 2) + 1) / 12)
            phase = 2 * np.pi * np.cumsum(notes[(at * 2).astype(int)]) / SAMPLE_RATE_HZ
            wave = 4000 * np.sin(phase) * np.exp(-3 * (at * 2 % 1))
    return np.clip(wave, -32_000, 32_000).astype(np.int16)


@pytest.mark.parametrize("kind", ["silence", "white noise", "hum", "melody"])
def test_sound_without_speech_is_left_out(kind: str) -> None:
    """A reason to skip, with the length that was listened to."""
    with pytest.raises(Rejected, match="no speech in 30 s") as caught:
        slices_of(as_audio(sound(kind)))
    assert caught.value.code == "no_speech"


def test_a_truncated_file_never_gives_its_last_slice() -> None:
    """Slices of the first half may come, but none that would complete the video."""
    audio = replace(talk(), content=talk().content[: len(talk().content) // 2])
    given: list[Slice] = []
    with pytest.raises(TransientError) as caught:
        given.extend(Preparer(PrepareSettings(slice_max_clips=1), WINDOW_S, None)(audio))
    assert caught.value.code == "truncated"
    assert all(item.n_slices is None for item in given)


def test_memory_does_not_grow_with_the_recording() -> None:
    """The peak for twelve minutes is that for three, give or take a megabyte: beside the compressed bytes
    (a stream whose copies can be strung together) only a few blocks and slices are held."""
    piece = as_audio(compose(seed=8, duration_s=90)[0], "aac", Encoding("aac", 44_100, 64_000))

    def peak_bytes(times: int) -> int:
        audio = replace(piece, content=piece.content * times)
        tracemalloc.start()
        try:
            n_slices = sum(1 for _ in Preparer(PrepareSettings(slice_max_clips=1), WINDOW_S, None)(audio))
            assert n_slices > times
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(1)  # the first recording loads the model
    assert peak_bytes(8) - peak_bytes(2) < 1_000_000
