"""The benchmark's recordings and its stand-in recogniser: enough of everything, and always the same."""

from pathlib import Path

import av
import pytest

from actors.rows import Clip, Slice, VideoId
from tests.bench.audio import LONGEST_S, make_corpus, plan_lengths
from tests.bench.standin import StandIn, made_up

HOUR_S = 3600.0


@pytest.mark.parametrize("hours", [0.05, 0.25, 1.0, 6.0, 12.5, 33.4])
def test_lengths_add_up_to_what_was_asked_for(hours: float) -> None:
    """However much is asked for: no more, no less, and no crumbs."""
    lengths = plan_lengths(hours * HOUR_S)
    assert sum(lengths) == pytest.approx(hours * HOUR_S)
    assert min(lengths) >= 10.0


def test_a_large_corpus_mixes_short_usual_and_one_giant() -> None:
    """A few of 3 to 6 minutes, most of 10 minutes to an hour, one of two hours that neither leads nor trails."""
    lengths = plan_lengths(12.5 * HOUR_S)
    assert lengths.count(LONGEST_S) == 1
    assert lengths.index(LONGEST_S) not in (0, len(lengths) - 1)
    assert sum(180 <= length <= 360 for length in lengths) >= 2
    usual = sum(600 <= length <= 3960 for length in lengths)
    assert usual > len(lengths) / 2


def test_recordings_are_whole_distinct_and_the_same_every_time(tmp_path: Path) -> None:
    """A header that promises the true length, no two files alike, byte for byte what a second run makes."""
    first = make_corpus(tmp_path / "first", 90.0)
    second = make_corpus(tmp_path / "second", 90.0)
    contents = [recording.path.read_bytes() for recording in first.recordings]
    assert len(set(contents)) == len(contents) > 2
    assert contents == [recording.path.read_bytes() for recording in second.recordings]
    for recording in first.recordings:
        with av.open(str(recording.path)) as container:
            assert container.duration is not None
            assert container.duration / av.time_base == pytest.approx(recording.duration_s, abs=0.1)


def test_the_stand_in_speaks_inside_the_clips_at_the_pace_of_talk() -> None:
    """What it makes up has the amount and the times of real text, and is the same for the same slice."""
    clips = (Clip(10.0, 38.0, 0.0), Clip(45.0, 74.0, 28.0), Clip(80.0, 80.2, 57.0))
    piece = Slice(VideoId("x"), 1, 3, clips, b"")
    spoken = StandIn(speed_h_per_h=1e6).transcribe(piece)
    words = [word for utterance in spoken.utterances for word in utterance.words]
    assert 2.0 < len(words) / piece.speech_s < 3.0
    assert all(
        any(clip.start_s <= word.start_s < word.end_s <= clip.end_s for clip in clips) for word in words
    )
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)
    assert tuple(made_up(piece)) == spoken.utterances
    assert len({utterance.text for utterance in spoken.utterances}) == len(spoken.utterances)
