"""Where recordings are cut: nothing spoken is lost or doubled, nothing is longer than the model takes."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.speech.clips import (
    MIN_SPEECH_SAMPLES,
    WINDOW_REACH,
    ClipRules,
    Window,
    WindowPacker,
    clip_rules,
    pack,
)
from actors.speech.spans import Span, SpanFinder, SpanRules, quietest
from actors.speech.vad import WINDOW_SAMPLES
from configs.settings import PrepareSettings

RATE_HZ = 16_000


@st.composite
def rules_and_spans(draw: st.DrawFn) -> tuple[ClipRules, list[Span], int]:
    """Rules as settings can make them, spans as the finder can find them, and the recording's length."""
    settings = PrepareSettings(
        min_silence_ms=draw(st.integers(50, 5000)),
        speech_pad_ms=draw(st.integers(0, 1000)),
        clip_max_s=draw(st.one_of(st.none(), st.floats(1.5, 30.0))),
    )
    rules = clip_rules(settings, 30.0)
    longest = rules.spans(0.5).max_samples // WINDOW_SAMPLES
    spans, at = [], 0
    lengths = st.one_of(st.integers(1, 6), st.integers(1, longest))
    gaps = st.one_of(st.integers(0, 8), st.integers(0, 100), st.integers(0, 5000))
    for gap, length in draw(st.lists(st.tuples(gaps, lengths), max_size=40)):
        start = at + gap * WINDOW_SAMPLES
        at = start + length * WINDOW_SAMPLES
        spans.append(Span(start, at))
    return rules, spans, at + draw(st.integers(0, 100_000))


def groups_of(spans: list[Span], rules: ClipRules) -> list[list[Span]]:
    """Spans that no left-out silence parts."""
    groups: list[list[Span]] = []
    for span in spans:
        if groups and rules.kept(span.start - groups[-1][-1].end) == span.start - groups[-1][-1].end:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


@given(rules_and_spans())
def test_all_speech_is_covered_once_and_in_order(case: tuple[ClipRules, list[Span], int]) -> None:
    """Every span but isolated clicks lies in exactly one clip; clips are in order and never overlap."""
    rules, spans, n_samples = case
    clips = [clip for window in pack(spans, rules, n_samples) for clip in window]
    assert all(0 <= clip.start < clip.end <= n_samples for clip in clips)
    assert all(left.end <= right.start for left, right in itertools.pairwise(clips))
    for group in groups_of(spans, rules):
        if sum(span.n_samples for span in group) >= MIN_SPEECH_SAMPLES:
            for span in group:
                assert sum(clip.start <= span.start and span.end <= clip.end for clip in clips) == 1


@given(rules_and_spans())
def test_no_window_is_longer_than_the_model_takes(case: tuple[ClipRules, list[Span], int]) -> None:
    """A window's clips with their padding fit into the model's window, and reach over a bounded time."""
    rules, spans, n_samples = case
    for window in pack(spans, rules, n_samples):
        assert 0 < sum(clip.n_samples for clip in window) <= rules.window
        assert window[-1].start - window[0].start <= (WINDOW_REACH + 1) * rules.window


@given(rules_and_spans(), st.integers(1, 50))
def test_windows_do_not_depend_on_when_time_is_told(
    case: tuple[ClipRules, list[Span], int], step: int
) -> None:
    """Telling the packer again and again how far the recording is changes no window: a resumed run cuts
    the same slices whatever blocks its decoder gave."""
    rules, spans, n_samples = case
    packer, windows = WindowPacker(rules), list[Window]()
    at = 0
    for span in spans:
        while at < span.start:
            windows += packer.pass_by(at)
            at += step * 10 * WINDOW_SAMPLES
        windows += packer.push(span)
    windows += packer.finish(n_samples)
    assert windows == pack(spans, rules, n_samples)


def at_s(start_s: float, end_s: float) -> Span:
    return Span(int(start_s * RATE_HZ), int(end_s * RATE_HZ))


def in_seconds(windows: list[Window]) -> list[list[tuple[float, float]]]:
    return [[(clip.start / RATE_HZ, clip.end / RATE_HZ) for clip in window] for window in windows]


RULES = clip_rules(PrepareSettings(), 30.0)


def test_a_long_pause_is_left_out_and_both_sides_share_a_window() -> None:
    """Two stretches with ten silent seconds between them are two clips, padded, in one window."""
    windows = pack([at_s(1, 3), at_s(13, 15)], RULES, 20 * RATE_HZ)
    assert in_seconds(windows) == [[(0.8, 3.2), (12.8, 15.2)]]


def test_a_breath_is_kept() -> None:
    """A pause shorter than ``min_silence_ms`` stays in the clip, so that times stay linear."""
    assert in_seconds(pack([at_s(1, 3), at_s(3.3, 5)], RULES, 9 * RATE_HZ)) == [[(0.8, 5.2)]]


def test_padding_stops_at_both_ends_of_the_recording() -> None:
    """Speech from the first to the last sample gets no padding from beyond."""
    assert in_seconds(pack([at_s(0, 2)], RULES, 2 * RATE_HZ)) == [[(0.0, 2.0)]]


def test_a_full_window_is_cut_at_a_silence_rather_than_at_a_later_breath() -> None:
    """In the last third a pause of 0.6 s at 24 s is taken before a breath of 0.2 s at 28 s."""
    spans = [at_s(1, 12), at_s(12.2, 24), at_s(24.6, 28), at_s(28.2, 31), at_s(31.2, 33)]
    windows = in_seconds(pack(spans, RULES, 40 * RATE_HZ))
    assert [window[-1][1] for window in windows] == [24.2, 33.2]


def test_without_a_silence_the_longest_breath_is_taken() -> None:
    """Of three breaths in the last third the one of 0.4 s is cut, in its middle."""
    spans = [at_s(1, 22), at_s(22.2, 24), at_s(24.4, 28), at_s(28.2, 33)]
    windows = in_seconds(pack(spans, RULES, 40 * RATE_HZ))
    assert windows == [[(0.8, 24.2)], [(24.2, 33.2)]]


def test_a_click_is_no_clip() -> None:
    """Sound of 64 ms between silences isn't transcribed."""
    assert pack([Span(16_000, 16_000 + 2 * WINDOW_SAMPLES)], RULES, 80_000) == []


def test_padding_leaves_room_for_speech_in_a_tiny_window() -> None:
    """With clips of at most 1.2 s and a second of padding asked for, half of the window is speech."""
    rules = clip_rules(PrepareSettings(clip_max_s=1.2, speech_pad_ms=1000), 30.0)
    assert rules.spans(0.5).max_samples >= rules.window // 2


def test_a_shorter_limit_of_the_model_or_of_the_user_counts() -> None:
    """The clip's limit is the smaller one of ``clip_max_s`` and the model's window."""
    assert clip_rules(PrepareSettings(clip_max_s=20), 12.0).window == 12 * RATE_HZ
    assert clip_rules(PrepareSettings(clip_max_s=20), 30.0).window == 20 * RATE_HZ


@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), max_size=400),
    st.integers(8, 40),
)
def test_spans_cover_what_is_speech(windows: list[tuple[float, float]], longest: int) -> None:
    """Whatever the curve: spans are in order, apart, within the limit, and hold every window of speech."""
    finder = SpanFinder(SpanRules(0.5, longest * WINDOW_SAMPLES))
    probabilities, loudness = np.array(windows, np.float32).reshape(-1, 2).T
    spans = finder.push(probabilities, loudness) + finder.finish(len(windows) * WINDOW_SAMPLES)
    assert all(0 < span.n_samples <= longest * WINDOW_SAMPLES for span in spans)
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))
    for index, (probability, _) in enumerate(windows):
        at = index * WINDOW_SAMPLES
        if probability >= 0.5:
            assert any(span.start <= at < span.end for span in spans)


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    """Forty seconds of unbroken speech with a dip of loudness at 25 s are cut there."""
    n_windows = 40 * RATE_HZ // WINDOW_SAMPLES
    loudness = np.full(n_windows, 0.5, np.float32)
    dip = 25 * RATE_HZ // WINDOW_SAMPLES
    loudness[dip - 1 : dip + 2] = 0.01
    finder = SpanFinder(RULES.spans(0.5))
    first, rest = (
        *finder.push(np.ones(n_windows, np.float32), loudness),
        *finder.finish(n_windows * WINDOW_SAMPLES),
    )
    assert first == Span(0, dip * WINDOW_SAMPLES)
    assert rest == Span(dip * WINDOW_SAMPLES, n_windows * WINDOW_SAMPLES)


def test_of_equally_quiet_places_the_last_is_taken() -> None:
    """The clip before the cut is as full as can be."""
    assert quietest([0.1] * 90) == 88
