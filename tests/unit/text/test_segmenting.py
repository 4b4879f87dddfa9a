"""Segmenting: what holds for every transcript, and what a reader would expect of some."""

import math
import unicodedata
from dataclasses import replace
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_transcripts import broken, by, fewest_short, following, orderly, spoken, transcript

from actors.errors import PermanentError, Rejected
from actors.rows import Segment, Transcript, Utterance, Word
from actors.text.segmenting import LOOP_FLAG, MIN_SEGMENT_S, segment, segment_and_count
from actors.text.wording import NOT_IDENTIFIED, count_words, read_words
from configs.settings import SegmentSettings

BOUNDS = st.builds(
    lambda low, extra, gap, duration: SegmentSettings(
        min_chars=low, max_chars=max(50, low + extra), max_gap_s=gap, max_duration_s=duration
    ),
    st.integers(1, 120),
    st.integers(0, 120),
    st.sampled_from([0.0, 0.3, 5.0]),
    st.sampled_from([3.0, 20.0, 120.0]),
)
SHORT = SegmentSettings(min_chars=20, max_chars=60)


def texts(source: Transcript, bounds: SegmentSettings = SHORT) -> list[str]:
    return [one.text for one in segment(source, bounds).segments]


def whole(pieces: tuple[Segment, ...]) -> str:
    return " ".join(piece.text for piece in pieces)


@given(orderly(), BOUNDS)
def test_every_word_stands_once_and_in_order(source: Transcript, bounds: SegmentSettings) -> None:
    """Nothing is lost, doubled or moved; loops apart, whose words are counted."""
    video, count = segment_and_count(source, bounds)
    spoken_text = [word.text for utterance in source.utterances for word in utterance.words]
    kept = whole(video.segments).split()
    assert count.adds_up
    assert count.n_in == len(spoken_text) == count_words(source)
    assert count.n_out == len(kept) == sum(piece.n_words for piece in video.segments)
    if not any(LOOP_FLAG in piece.flags for piece in video.segments):
        assert kept == spoken_text
    remaining = iter(spoken_text)
    assert all(word in remaining for word in kept)  # a subsequence


@given(st.one_of(orderly(), broken()), BOUNDS)
def test_times_increase_and_no_segment_is_without_length(source: Transcript, bounds: SegmentSettings) -> None:
    """Starts and ends never go back, stay finite, and lie where words lie."""
    try:
        pieces = segment(source, bounds).segments
    except Rejected:
        return
    tokens = read_words(source)
    assert [piece.ordinal for piece in pieces] == list(range(len(pieces)))
    for piece in pieces:
        assert 0 <= piece.start_s < piece.end_s < math.inf
    for before, after in pairwise(pieces):
        assert before.start_s <= after.start_s and before.end_s <= after.end_s
    first_s, last_s = tokens[0].start_s, max(tokens[-1].end_s, tokens[0].start_s + MIN_SEGMENT_S)
    assert first_s - 1e-9 <= pieces[0].start_s and pieces[-1].end_s <= last_s + 1e-9


@given(orderly(), BOUNDS)
def test_segment_times_are_those_of_its_words(source: Transcript, bounds: SegmentSettings) -> None:
    """A segment begins with its first word and ends with its last, but for words without length."""
    words = [word for utterance in source.utterances for word in utterance.words]
    video, count = segment_and_count(source, bounds)
    if count.n_collapsed:
        return
    at = 0
    for piece in video.segments:
        own = words[at : at + piece.n_words]
        at += piece.n_words
        assert piece.start_s == pytest.approx(own[0].start_s, abs=1.01 * MIN_SEGMENT_S)
        assert piece.end_s == pytest.approx(own[-1].end_s, abs=1.01 * MIN_SEGMENT_S)


@given(orderly(), BOUNDS)
def test_bounds_hold(source: Transcript, bounds: SegmentSettings) -> None:
    """No segment of several words is too long in characters or seconds, spans a long pause or holds
    two speakers, or what is known of one and what isn't; each says how that was decided."""
    tokens = read_words(source)
    video, count = segment_and_count(source, bounds)
    if count.n_collapsed:
        return
    at = 0
    for piece in video.segments:
        own = tokens[at : at + piece.n_words]
        at += piece.n_words
        assert {token.speaker for token in own} == {piece.speaker}
        assert piece.speaker_method is not None
        assert {token.known for token in own} == {not piece.speaker_method.startswith("unknown: ")}
        assert all(after.start_s - before.end_s <= bounds.max_gap_s for before, after in pairwise(own))
        if piece.n_words > 1:
            assert len(piece.text) <= bounds.max_chars
            assert own[-1].end_s - own[0].start_s <= bounds.max_duration_s


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=11), st.integers(1, 60), st.integers(0, 40))
def test_as_few_segments_are_short_as_the_bounds_allow(lengths: list[int], low: int, extra: int) -> None:
    """No way to cut the same words within the bounds leaves fewer segments under the minimum: every
    one of the up to 1,024 ways was tried."""
    bounds = SegmentSettings(min_chars=low, max_chars=max(50, low + extra), max_duration_s=10_000)
    said = " ".join(chr(ord("a") + index) * length for index, length in enumerate(lengths))
    pieces = segment(transcript(spoken(said)), bounds).segments
    n_short = sum(len(piece.text) < bounds.min_chars for piece in pieces)
    assert n_short == fewest_short(lengths, bounds.min_chars, bounds.max_chars)


@given(orderly(), BOUNDS)
def test_cutting_what_was_cut_changes_nothing(source: Transcript, bounds: SegmentSettings) -> None:
    """Segments taken for utterances give the same segments again, and so does the same transcript."""
    first, count = segment_and_count(source, bounds)
    assert segment(source, bounds) == first
    if count.n_collapsed:
        return
    words = iter(read_words(source))
    utterances, said_by = [], []
    for piece in first.segments:
        own = tuple(Word(one.text, one.start_s, one.end_s, 1.0) for one in islice(words, piece.n_words))
        utterances.append(Utterance(piece.text, own[0].start_s, own[-1].end_s, own, -0.1, 1.0, 0.0))
        said_by.append(by(piece.speaker, piece.speaker_method))
    again = segment(replace(source, utterances=tuple(utterances), attributions=tuple(said_by)), bounds)
    if not any(LOOP_FLAG in piece.flags for piece in again.segments):  # two equal neighbours are a loop now
        assert [piece.text for piece in again.segments] == [piece.text for piece in first.segments]


@given(broken(), BOUNDS)
def test_any_characters_and_times_give_storable_segments(source: Transcript, bounds: SegmentSettings) -> None:
    """NUL, lone surrogates, NaN and reversed times never reach a segment, and words still add up."""
    try:
        video, count = segment_and_count(source, bounds)
    except Rejected as rejected:
        assert rejected.code == "no_speech" and count_words(source) == 0
        return
    assert count.adds_up
    for piece in video.segments:
        piece.text.encode("utf-8")
        assert piece.text == piece.text.strip() != ""
        assert not any(unicodedata.category(char) == "Cc" for char in piece.text)
        assert unicodedata.is_normalized("NFC", piece.text)
        assert piece.avg_logprob is None or math.isfinite(piece.avg_logprob)


def test_a_transcript_without_words_is_rejected() -> None:
    """No words means no speech: a reason, not an empty video."""
    with pytest.raises(Rejected) as caught:
        segment(transcript(), SHORT)
    assert caught.value.code == "no_speech"
    with pytest.raises(Rejected):
        segment(transcript(Utterance("", 0, 1, (Word(" \x00", 0, 1, 0.1),), -1, 1, 0.9)), SHORT)


def test_much_speech_without_a_word_fails() -> None:
    """A talk in which nothing was heard is no silence; a cough and a bar of music are."""
    with pytest.raises(PermanentError, match="75 s of speech were found") as caught:
        segment(replace(transcript(), wordless_s=75.0), SHORT)
    assert caught.value.code == "no_text"
    with pytest.raises(Rejected) as rejected:
        segment(replace(transcript(), wordless_s=20.0), SHORT)
    assert rejected.value.code == "no_speech"
    assert segment(replace(transcript(spoken("one word.")), wordless_s=75.0), SHORT).segments


def test_cuts_fall_on_sentence_ends_and_not_on_abbreviations() -> None:
    """Of the places that the bounds leave, the end of a sentence is taken, and "Dr." ends none."""
    said = "The tired patient went to see Dr. Smith this morning. Then she slept until four in the afternoon."
    assert texts(transcript(spoken(said)), SegmentSettings(min_chars=20, max_chars=60)) == [
        "The tired patient went to see Dr. Smith this morning.",
        "Then she slept until four in the afternoon.",
    ]


def test_without_sentence_ends_a_clause_is_taken() -> None:
    """A comma is the next best place."""
    said = "when the evening came and all was quiet, the children of the village went home to sleep"
    assert texts(transcript(spoken(said)))[0].endswith("quiet,")


def test_without_punctuation_the_longest_pause_is_taken() -> None:
    """A speaker's pause is the next best, and the text is never left whole (the seed left 6,000)."""
    first = spoken("one two three four five six seven eight")
    second = spoken("nine ten eleven twelve thirteen fourteen", first.end_s + 1.5)
    bounds = SegmentSettings(min_chars=10, max_chars=60)
    assert texts(transcript(first, second), bounds) == [first.text, second.text]
    long = texts(
        transcript(spoken("word " * 1500)),
        SegmentSettings(min_chars=1100, max_chars=1400, max_duration_s=9e9),
    )
    looped_away = texts(
        transcript(spoken(" ".join(f"word{n}" for n in range(900)))), SegmentSettings(max_duration_s=9e9)
    )
    assert long == ["word"]
    assert len(looped_away) > 3 and all(1100 <= len(text) <= 1400 for text in looped_away)


def test_a_word_longer_than_a_segment_stands_alone() -> None:
    """It can't be cut without losing the word, and its neighbours don't pay for it."""
    assert texts(transcript(spoken("before it " + "x" * 90 + " after it"))) == [
        "before it",
        "x" * 90,
        "after it",
    ]


def test_speakers_never_share_a_segment() -> None:
    """Short turns stay short; turns of one speaker in a row join."""
    turns = following("hello there", "and good morning", "good morning to you")
    pieces = segment(transcript(*turns, said_by=(by("ann"), by("ann"), by(None))), SHORT).segments
    assert [(piece.speaker, piece.text) for piece in pieces] == [
        ("ann", "hello there and good morning"),
        (None, "good morning to you"),
    ]


def test_known_and_unknown_never_share_a_segment() -> None:
    """A stable label for a person whom nobody could name is no less certain for its neighbour's name."""
    turns = following("hello there", "and good morning")
    labels = (by("Speaker 1", "cluster"), by("Speaker 1", "unknown: no voice is enrolled"))
    pieces = segment(transcript(*turns, said_by=labels), SHORT).segments
    assert [piece.speaker_method for piece in pieces] == ["cluster", "unknown: no voice is enrolled"]


def test_how_a_speaker_was_decided_is_that_of_most_words() -> None:
    """Score and margin are means over words; an utterance without one counts for nothing."""
    turns = following("one two three", "four", "five")
    labels = (
        by("ann", "profile", score=0.9, margin=0.5),
        by("ann", "fast path", score=0.7),
        by("ann", "fast path"),
    )
    (piece,) = segment(transcript(*turns, said_by=labels), SHORT).segments
    assert piece.speaker_method == "profile"
    assert piece.speaker_score == pytest.approx((3 * 0.9 + 0.7) / 4)
    assert piece.speaker_margin == pytest.approx(0.5)


def test_what_nobody_was_asked_about_says_so() -> None:
    """Without attributions the speaker is unknown, and there is a reason."""
    (piece,) = segment(transcript(spoken("hello")), SHORT).segments
    assert (piece.speaker, piece.speaker_method) == (None, NOT_IDENTIFIED)
    assert piece.speaker_score is None and piece.speaker_margin is None


def test_attributions_must_be_aligned() -> None:
    """A label for another utterance would be an attribution on a guess."""
    with pytest.raises(ValueError, match="1 attributions for 2 utterances"):
        segment(transcript(*following("a", "b"), said_by=(by("ann"),)), SHORT)


def test_an_endless_phrase_is_said_once_and_flagged() -> None:
    """Whisper's loop: one occurrence stays, its repetitions are counted."""
    source = transcript(spoken("so we begin " + "thank you for watching " * 30 + "and now the news"))
    video, count = segment_and_count(source, SHORT)
    assert whole(video.segments) == "so we begin thank you for watching and now the news"
    assert count.n_collapsed == 29 * 4 and count.adds_up
    assert LOOP_FLAG in video.segments[0].flags


def test_a_repeated_utterance_is_said_once() -> None:
    """The same sentence again at once is the recogniser's, whatever its case and punctuation."""
    video, count = segment_and_count(
        transcript(*following("See you next time.", "see you next time", "Bye now.")), SHORT
    )
    assert whole(video.segments) == "See you next time. Bye now."
    assert count.n_collapsed == 4


def test_what_recurs_later_is_kept() -> None:
    """The seed deleted a second "Thank you." 600 s later; people do say things twice."""
    first, second = spoken("Thank you all very much."), spoken("Thank you all very much.", 600.0)
    between = following("Thank you all very much.", "Now the weather.", "Thank you all very much.")
    assert len(texts(transcript(first, second))) == 2
    assert " ".join(texts(transcript(*between))).count("Thank you") == 2


@pytest.mark.parametrize(
    "said", ["no no no no no", "it is very very very good", "call five five five five now", "bye. bye."]
)
def test_ordinary_emphasis_is_kept(said: str) -> None:
    """People repeat a word a few times; that is no loop."""
    assert " ".join(texts(transcript(*following(*said.split(". "))))).replace(".", "") == said.replace(
        ".", ""
    )


def test_a_loop_does_not_cross_speakers() -> None:
    """An echo by somebody else is conversation."""
    turns = following("that is quite right", "that is quite right")
    assert len(texts(transcript(*turns, said_by=(by("ann"), by("bob"))))) == 2


def test_scores_are_means_over_words_and_flags_are_united() -> None:
    """An utterance counts by its words in the segment; NaN counts for nothing."""
    one = spoken("a b c", avg_logprob=-0.4, flags=("low_logprob",), no_speech_prob=float("nan"))
    two = spoken("d", one.end_s + 0.2, avg_logprob=-0.8, flags=("low_logprob", "fast"), no_speech_prob=0.5)
    (piece,) = segment(transcript(one, two), SHORT).segments
    assert piece.avg_logprob == pytest.approx(-0.5)
    assert piece.no_speech_prob == 0.5
    assert piece.flags == ("low_logprob", "fast")


def test_words_of_one_moment_get_a_length() -> None:
    """Alignment sometimes gives many words one time; a segment still has a beginning and an end."""
    words = tuple(Word(f"word{n}", 5.0, 5.0, 0.5) for n in range(40))
    pieces = segment(transcript(Utterance("", 5.0, 5.0, words, -1, 1, 0)), SHORT).segments
    assert len(pieces) > 1
    assert all(piece.end_s - piece.start_s == pytest.approx(MIN_SEGMENT_S) for piece in pieces)


def test_one_wild_word_time_does_not_move_the_rest() -> None:
    """A word aligned to another hour is pulled back to its utterance."""
    first = spoken("it began here")
    wild = replace(first, words=(*first.words[:2], replace(first.words[2], start_s=3600.0, end_s=3601.0)))
    pieces = segment(transcript(wild, spoken("and went on", 20.0)), SHORT).segments
    assert [piece.start_s for piece in pieces] == [0.0, 20.0]


def test_an_utterance_without_word_times_keeps_its_text() -> None:
    """Where alignment failed the text is spread over the utterance's time."""
    bare = Utterance("no word times here", 10.0, 14.0, (), -0.5, 1.2, 0.1)
    video, count = segment_and_count(transcript(bare), SHORT)
    (piece,) = video.segments
    assert (piece.text, piece.start_s, piece.end_s, count.n_in) == ("no word times here", 10.0, 14.0, 4)


def test_scripts_without_spaces_are_joined_without_spaces() -> None:
    """Whisper's Chinese words are characters; a reader and a tokenizer expect them side by side."""
    chinese = spoken("今天 天气 很好 。 我们 用 Python 写 。")
    (piece,) = segment(transcript(chinese, language="zh"), SHORT).segments
    assert piece.text == "今天天气很好。我们用 Python 写。"
    assert piece.n_words == 9


def test_even_sentences_give_even_segments() -> None:
    """200 sentences of about 62 characters and 4 s: all but none within bounds, where the seed made
    segments of zero length and a tail of 384."""
    said = [f"sentence number {n} has some fifty or sixty characters in all." for n in range(200)]
    video = segment(transcript(*following(*said, pause_s=0.3)), SegmentSettings())
    assert all(1100 <= len(piece.text) <= 1400 and piece.text.endswith("in all.") for piece in video.segments)
    assert all(piece.end_s - piece.start_s > 30 for piece in video.segments)


def test_a_day_of_talk_is_cut_quickly_and_within_bounds() -> None:
    """100,000 words, as of a ten-hour stream, take linear time: the test would not end otherwise."""
    said = " ".join(f"word{n % 977}{'.' if n % 13 == 0 else ''}" for n in range(100_000))
    pieces = segment(transcript(spoken(said)), SegmentSettings()).segments
    assert sum(piece.n_words for piece in pieces) == 100_000
    assert all(piece.end_s - piece.start_s <= 120.0 for piece in pieces)
