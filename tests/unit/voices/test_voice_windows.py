"""Where voices are listened to: inside of clips, all of the speech, each utterance for itself, guests too."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rows import SAMPLE_RATE_HZ, Clip, Utterance
from actors.voices.windows import (
    LEAST_S,
    OTHERS_S,
    PROBE_EVERY_S,
    SHORTER_S,
    Window,
    batches,
    dense_windows,
    grid_windows,
    miss_probability,
    probe_windows,
)

WINDOW_S, HOP_S = 3.0, 1.5


def clips_of(*lengths_s: float, gap_s: float = 2.0, start_s: float = 100.0) -> tuple[Clip, ...]:
    """Clips of these lengths with pauses between them that the slice's sound doesn't have."""
    clips, at_s, offset_s = [], start_s, 0.0
    for length_s in lengths_s:
        clips.append(Clip(at_s, at_s + length_s, offset_s))
        at_s, offset_s = at_s + length_s + gap_s, offset_s + length_s
    return tuple(clips)


def utterance(start_s: float, end_s: float) -> Utterance:
    return Utterance("words", start_s, end_s, (), -0.1, 1.0, 0.0)


def dense(clips: tuple[Clip, ...], *utterances: Utterance) -> list[Window]:
    return dense_windows(clips, utterances, WINDOW_S, HOP_S)


# As Prepare cuts them: whole samples.
lengths = st.lists(
    st.integers(8_000, 30 * SAMPLE_RATE_HZ).map(lambda n: n / SAMPLE_RATE_HZ), min_size=1, max_size=30
)


def test_the_grid_of_a_long_clip_ends_with_the_clip() -> None:
    """The last window is moved back, so that the last words are heard."""
    (clip,) = clips_of(10.0)
    starts = [window.start_s - clip.start_s for window in grid_windows(clip, WINDOW_S, HOP_S)]
    assert starts == pytest.approx([0, 1.5, 3, 4.5, 6, 7])


def test_a_clip_as_long_as_a_window_has_one() -> None:
    """And no second one a hair beside it."""
    assert len(list(grid_windows(clips_of(3.0)[0], WINDOW_S, HOP_S))) == 1


@pytest.mark.parametrize(("clip_s", "length_s"), [(2.9, 2.5), (2.0, 2.0), (1.7, 1.5), (1.0, 1.0)])
def test_a_short_clip_has_one_shorter_window_in_its_middle(clip_s: float, length_s: float) -> None:
    """Of a few fixed lengths, so that equal ones share a pass and nothing is padded."""
    (clip,) = clips_of(clip_s)
    (window,) = grid_windows(clip, WINDOW_S, HOP_S)
    assert window.end_s - window.start_s == pytest.approx(length_s)
    assert window.start_s - clip.start_s == pytest.approx(clip.end_s - window.end_s)


def test_less_than_a_second_has_no_window() -> None:
    """And no clip, no windows."""
    assert dense(clips_of(0.9)) == dense(()) == probe_windows((), WINDOW_S, HOP_S) == []


@given(lengths)
def test_windows_lie_inside_of_clips_and_leave_no_speech_out(lengths_s: list[float]) -> None:
    """Each is a stretch of one clip in the sound and on the clock alike; of clips as long as a window every
    moment is heard, of shorter ones all but a quarter of a second at each end."""
    clips = clips_of(*lengths_s)
    windows = dense(clips)
    assert windows == sorted(windows)
    for clip in clips:
        inside = [w for w in windows if clip.start_s - 1e-6 <= w.start_s and w.end_s <= clip.end_s + 1e-6]
        for window in inside:
            at_s = window.first / SAMPLE_RATE_HZ - clip.offset_s
            assert at_s == pytest.approx(window.start_s - clip.start_s, abs=1e-4)
        left_out_s = 0.05 + 1e-6 if clip.duration_s >= WINDOW_S else 0.25 + 1e-4
        if clip.duration_s >= LEAST_S:
            assert inside[0].start_s - clip.start_s <= left_out_s
            assert clip.end_s - inside[-1].end_s <= left_out_s
            assert all(b.start_s <= a.end_s + 1e-6 for a, b in pairwise(inside))
    assert sum(1 for w in windows) == sum(len(list(grid_windows(c, WINDOW_S, HOP_S))) for c in clips)


@given(lengths)
def test_windows_of_a_batch_have_the_same_number_of_samples(lengths_s: list[float]) -> None:
    """Padding never reaches a vector. Every window is in exactly one batch, and none is too large."""
    windows = dense(clips_of(*lengths_s))
    found = batches(windows, 7)
    assert sorted(window for batch in found for window in batch) == windows
    for batch in found:
        assert len(batch) <= 7
        (n_samples,) = {window.n_samples for window in batch}
        assert n_samples / SAMPLE_RATE_HZ in (WINDOW_S, *SHORTER_S)


def others_s(window: Window, own: Utterance, all_of_them: list[Utterance]) -> float:
    """Seconds of a window in which somebody else speaks."""
    return sum(
        max(0.0, min(window.end_s, each.end_s) - max(window.start_s, each.start_s))
        for each in all_of_them
        if each is not own
    )


@given(st.lists(st.tuples(st.floats(0.3, 12), st.floats(0, 0.9)), min_size=1, max_size=12))
def test_each_utterance_of_a_second_is_heard_for_itself(spoken: list[tuple[float, float]]) -> None:
    """In a clip in which people follow one another without a pause, whoever says a second or more has a window
    that holds a second of it (or half of the window), and no more than a word's edge of anybody else."""
    at_s, said = 100.0, []
    for length_s, pause_s in spoken:
        said.append(utterance(at_s, at_s + length_s))
        at_s += length_s + pause_s
    clip = Clip(100.0, at_s, 0.0)
    windows = dense((clip,), *said)
    for each in said:
        if each.end_s - each.start_s >= LEAST_S:
            own = [w for w in windows if others_s(w, each, said) <= OTHERS_S + 1e-6]
            heard = [min(w.end_s, each.end_s) - max(w.start_s, each.start_s) for w in own]
            assert max(heard, default=0.0) >= LEAST_S - OTHERS_S - 1e-6, each


def test_an_utterance_that_the_grid_hears_alone_gets_no_second_window() -> None:
    """Windows cost time: a long utterance by itself in its clip needs none beyond the grid."""
    clips = clips_of(20.0)
    alone = utterance(100.2, 119.8)
    assert dense(clips, alone) == dense(clips)


def test_a_short_answer_between_two_long_ones_gets_its_own() -> None:
    """The grid has it only together with its neighbours."""
    clips = clips_of(12.0)
    turns = [utterance(100, 105.2), utterance(105.3, 107.4), utterance(107.5, 112)]
    (own,) = set(dense(clips, *turns)) - set(dense(clips))
    assert (own.start_s, own.end_s) == pytest.approx((105.35, 107.35))


# The probes of the fast path


@given(st.lists(st.integers(16_000, 480_000).map(lambda n: n / SAMPLE_RATE_HZ), min_size=1, max_size=20))
def test_no_stretch_of_speech_as_long_as_a_guests_is_without_a_whole_probe(lengths_s: list[float]) -> None:
    """On the clock of the sound: from the start of a probe to the start of the next it is never more than
    ``PROBE_EVERY_S``, whatever the clips. A guest with one window more has a whole probe of his own."""
    clips = clips_of(*lengths_s)
    probes = probe_windows(clips, WINDOW_S, HOP_S)
    starts = sorted(probe.first / SAMPLE_RATE_HZ for probe in probes)
    ends = [(probe.first + probe.n_samples) / SAMPLE_RATE_HZ for probe in probes]
    assert starts[0] == pytest.approx(0.0, abs=0.26)
    assert all(b - a <= PROBE_EVERY_S + 1e-3 for a, b in pairwise(starts))
    assert clips[-1].offset_s + clips[-1].duration_s - max(ends) <= PROBE_EVERY_S
    assert set(probes) <= set(dense(clips))


def test_probes_are_a_small_part_of_the_dense_pass() -> None:
    """Else the fast path would save nothing."""
    clips = clips_of(*[29.0] * 10)
    assert len(probe_windows(clips, WINDOW_S, HOP_S)) < 0.25 * len(dense(clips))


def test_the_last_words_of_a_slice_are_probed() -> None:
    """A guest may begin in one slice and end in the next."""
    clips = clips_of(20.0, 20.0)
    assert probe_windows(clips, WINDOW_S, HOP_S)[-1].end_s == pytest.approx(clips[-1].end_s)


@pytest.mark.parametrize(
    ("guest_s", "missed"), [(0.0, 1.0), (3.0, 1.0), (7.0, 0.5), (11.0, 0.0), (20.0, 0.0)]
)
def test_the_probability_that_a_guest_goes_unheard(guest_s: float, missed: float) -> None:
    """By the spacing of eight seconds and probes of three: none from eleven seconds of speech on."""
    assert miss_probability(guest_s, PROBE_EVERY_S, WINDOW_S) == pytest.approx(missed)
