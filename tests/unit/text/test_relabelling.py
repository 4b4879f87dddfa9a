"""Labels written anew without cutting: exactly where the cut would come out the same."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from text_transcripts import ATTRIBUTIONS, by, following, orderly, transcript

from actors.rows import Attribution, Segment, Transcript
from actors.text.relabelling import changed, relabelled
from actors.text.segmenting import segment
from configs.settings import SegmentSettings

SHORT = SegmentSettings(min_chars=20, max_chars=60)
GAP_S = SHORT.max_gap_s

NAMELESS = Attribution("Speaker 1", "unknown: no voice is enrolled", 0.9)
ADA = Attribution("Ada", "profile", 0.88, 0.4)


def cut(source: Transcript) -> tuple[Segment, ...]:
    return segment(source, SHORT).segments


def said(*labels: Attribution, pause_s: float = 0.5) -> Transcript:
    """An utterance of one length for each label."""
    texts = [f"this is what was said at number {index}" for index in range(len(labels))]
    return transcript(*following(*texts, pause_s=pause_s), said_by=labels)


@given(orderly())
def test_nothing_decided_anew_changes_nothing(source: Transcript) -> None:
    """The same labels over the same words: every segment stays as it is."""
    served = cut(source)
    again = relabelled(source, served, GAP_S)
    assert again == served
    assert changed(served, again) == []


@given(orderly(), st.lists(ATTRIBUTIONS, min_size=6, max_size=6))
def test_the_quick_way_says_the_same(source: Transcript, labels: list[Attribution]) -> None:
    """Where no word was left out as a repetition, words needn't be looked for."""
    decided = replace(source, attributions=tuple(labels[: len(source.utterances)]))
    video = segment(source, SHORT)
    if video.n_words_collapsed == 0 and segment(decided, SHORT).n_words_collapsed == 0:
        quick = relabelled(decided, video.segments, GAP_S, has_loops=False)
        assert quick == relabelled(decided, video.segments, GAP_S)


@given(orderly(), st.data())
def test_labels_given_in_place_are_those_that_a_new_cut_would_give(
    source: Transcript, data: st.DataObject
) -> None:
    """Where speakers change at the same places as before, cutting anew gives the same text and the same labels."""
    names = {}
    for label in source.attributions:
        if (label.speaker, label.method.startswith("unknown")) not in names:
            fresh = Attribution(f"Voice {len(names)}", "profile", 0.5)
            names[(label.speaker, label.method.startswith("unknown"))] = fresh
    renamed = replace(
        source,
        attributions=tuple(
            replace(names[(one.speaker, one.method.startswith("unknown"))], score=data.draw(st.floats(0, 1)))
            for one in source.attributions
        ),
    )
    served = cut(source)
    assert relabelled(renamed, served, GAP_S) == cut(renamed)


@given(orderly(), st.lists(ATTRIBUTIONS, min_size=6, max_size=6))
def test_no_segment_ever_mixes_speakers(source: Transcript, labels: list[Attribution]) -> None:
    """Whatever is decided: either it must be cut anew, or each segment has words of one speaker only, all of its
    words and text untouched."""
    decided = replace(source, attributions=tuple(labels[: len(source.utterances)]))
    served = cut(source)
    again = relabelled(decided, served, GAP_S)
    if again is None:
        return
    plain = {"speaker": None, "speaker_score": None, "speaker_margin": None, "speaker_method": None}
    assert [replace(one, **plain) for one in again] == [replace(one, **plain) for one in served]
    fresh = cut(decided)
    said_by = [(one.speaker, one.n_words) for one in fresh]
    words_fresh = [speaker for speaker, n_words in said_by for _ in range(n_words)]
    words_again = [one.speaker for one in again for _ in range(one.n_words)]
    assert words_fresh == words_again


def test_a_name_for_a_nameless_voice_needs_no_cut() -> None:
    """The usual case after an enrolment."""
    served = cut(said(NAMELESS, NAMELESS, NAMELESS))
    again = relabelled(said(ADA, ADA, ADA), served, GAP_S)
    assert again is not None
    assert {(one.speaker, one.speaker_method) for one in again} == {("Ada", "profile")}
    assert again[0].speaker_score is not None and again[0].speaker_margin is not None
    assert len(changed(served, again)) == len(served)


def test_a_change_inside_of_a_segment_needs_a_cut() -> None:
    """Two utterances that stood in one segment are two people's now."""
    both = transcript(*following("yes", "no"), said_by=(NAMELESS, NAMELESS))
    assert len(cut(both)) == 1
    assert relabelled(replace(both, attributions=(ADA, NAMELESS)), cut(both), GAP_S) is None


def test_two_neighbours_who_turn_out_to_be_one_need_a_cut() -> None:
    """Short pieces would stay short for ever."""
    served = cut(said(ADA, NAMELESS))
    assert relabelled(said(ADA, ADA), served, GAP_S) is None


def test_neighbours_with_a_long_pause_between_them_stay_apart() -> None:
    """No cut would join them."""
    pause_s = GAP_S + 1
    served = cut(said(ADA, NAMELESS, pause_s=pause_s))
    assert relabelled(said(ADA, ADA, pause_s=pause_s), served, GAP_S) is not None


def test_other_text_needs_a_cut() -> None:
    """Segments that were not cut from these slices."""
    served = cut(said(ADA, NAMELESS))
    assert relabelled(said(ADA, NAMELESS, NAMELESS), served, GAP_S) is None
    assert relabelled(said(ADA, NAMELESS), [replace(served[0], text="else"), *served[1:]], GAP_S) is None


def test_rows_of_before_there_were_reasons_are_unknown() -> None:
    """A segment without a speaker and without a method was unknown, too."""
    served = [replace(one, speaker=None, speaker_method=None) for one in cut(said(by(None), by(None)))]
    again = relabelled(said(by(None), by(None)), served, GAP_S)
    assert again is not None and len(changed(served, again)) == len(served)
