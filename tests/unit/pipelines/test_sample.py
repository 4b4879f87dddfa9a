"""Windows packed into slices: every batch full, every clip where its sound is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.rows import SAMPLE_RATE_HZ, Clip, Slice, VideoId
from pipelines.sample import Sample, packed


def window(number: int, *lengths: int) -> Slice:
    """One of clips so many samples long, all of them this number, a second of silence left out between them."""
    clips, at, offset = [], 10.0 * number, 0
    for n_samples in lengths:
        length_s = n_samples / SAMPLE_RATE_HZ
        clips.append(Clip(at, at + length_s, offset / SAMPLE_RATE_HZ))
        at, offset = at + length_s + 1.0, offset + n_samples
    pcm = np.full(offset, number, "<i2").tobytes()
    return Slice(VideoId(f"v{number}"), 0, number, tuple(clips), pcm, windows=(len(lengths),))


@given(
    st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=3), min_size=1, max_size=8), st.integers(1, 10)
)
def test_every_slice_is_full_and_every_clip_lies_where_its_sound_is(lengths, batch):
    """Each window comes once, and those at the front once more where the last slice had room."""
    windows = [window(number, *each) for number, each in enumerate(lengths)]
    slices = packed(windows, batch)
    heard = []
    for piece in slices:
        assert len(piece.windows) == batch and sum(piece.windows) == len(piece.clips)
        sound, first = np.frombuffer(piece.pcm, "<i2"), 0
        for n_clips in piece.windows:
            clips = piece.clips[first : first + n_clips]
            first += n_clips
            start = round(clips[0].offset_s * SAMPLE_RATE_HZ)
            end = round((clips[-1].offset_s + clips[-1].duration_s) * SAMPLE_RATE_HZ)
            (number,) = set(sound[start:end].tolist())
            assert end - start == sum(lengths[number]), "the whole window and no sample of another"
            heard.append(number)
    assert heard[: len(windows)] == list(range(len(windows)))
    assert 0 <= len(heard) - len(windows) < batch
    assert [piece.ordinal for piece in slices] == list(range(len(slices)))


def test_speeds_are_told_in_hours_of_recording() -> None:
    """Nine seconds of speech out of ten of recording."""
    sample = Sample((window(0, 9 * SAMPLE_RATE_HZ),), 10.0)
    assert round(sample.audio_per_speech, 6) == round(10 / 9, 6)
