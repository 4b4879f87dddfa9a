"""Words on the video's clock, and utterances made of them."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rows import Clip, Word
from actors.speech.clock import on_video_clock
from actors.speech.heard import HeardWindow, HeardWord, hear
from actors.speech.utterances import ends_sentence, utterances_of

times = st.one_of(st.floats(-5, 40), st.just(math.nan), st.sampled_from([0.0, 1.0, 2.0, 30.0, math.inf]))


@st.composite
def clips(draw: st.DrawFn) -> list[Clip]:
    """One to five clips that lie one after another in the slice and with pauses in the video."""
    made, at_s, offset_s = [], draw(st.floats(0, 10_000)), draw(st.floats(0, 200))
    for length_s, pause_s in draw(
        st.lists(st.tuples(st.floats(0.1, 8), st.floats(0, 50)), min_size=1, max_size=5)
    ):
        made.append(Clip(at_s, at_s + length_s, offset_s))
        at_s += length_s + pause_s
        offset_s += length_s
    return made


@st.composite
def words_in(draw: st.DrawFn) -> tuple[list[HeardWord], list[Clip]]:
    made = draw(clips())
    first_s = made[0].offset_s
    spans = draw(st.lists(st.tuples(times, times), max_size=60))
    return [HeardWord(" w", first_s + start, first_s + end, 0.5) for start, end in spans], made


@given(words_in())
def test_every_word_gets_a_usable_time(case: tuple[list[HeardWord], list[Clip]]) -> None:
    """However broken the times: as many words, in order, none of zero length, each inside one clip."""
    heard, made = case
    words = on_video_clock(heard, made)
    assert len(words) == len(heard)
    for word in words:
        assert word.end_s > word.start_s
        assert any(c.start_s - 1e-6 <= word.start_s and word.end_s <= c.end_s + 1e-6 for c in made)
    for left, right in itertools.pairwise(words):
        assert right.start_s > left.start_s
        assert left.end_s <= right.start_s + 1e-6


def test_times_are_moved_by_what_was_left_out_before() -> None:
    """A second word of the slice's PCM is at 61 s of the video when a minute of silence was left out."""
    made = [Clip(1.0, 3.0, 10.0), Clip(60.0, 64.0, 12.0)]
    heard = [HeardWord(" one", 10.5, 11.0, 0.9), HeardWord(" two", 13.0, 13.5, 0.8)]
    assert on_video_clock(heard, made) == [Word("one", 1.5, 2.0, 0.9), Word("two", 61.0, 61.5, 0.8)]


def test_a_word_without_times_lies_between_its_neighbours() -> None:
    """Whisper leaves numerals such as "2014." without alignment."""
    heard = [
        HeardWord(" in", 1.0, 1.4, 0.9),
        HeardWord(" 2014.", math.nan, math.nan, 0.1),
        HeardWord(" we", 2.0, 2.2, 0.9),
    ]
    words = on_video_clock(heard, [Clip(100.0, 110.0, 0.0)])
    assert (words[1].start_s, words[1].end_s) == (101.4, 102.0)


def test_a_word_over_a_joint_stays_in_one_clip() -> None:
    """A word that the engine lets begin in one clip and end in the next is put where its middle is."""
    words = on_video_clock([HeardWord(" word", 1.8, 2.6, 0.9)], [Clip(0.0, 2.0, 0.0), Clip(50.0, 55.0, 2.0)])
    assert (words[0].start_s, words[0].end_s) == (50.0, pytest.approx(50.6))


def test_a_word_at_a_joint_isnt_put_a_minute_away() -> None:
    """Whisper's times are a tenth of a second off now and then: the first word of a clip that it lets begin
    in the silence before the joint, and a last one that it lets end behind it."""
    made = [Clip(0.0, 2.0, 0.0), Clip(60.0, 65.0, 2.0)]
    heard = [
        HeardWord(" Bye.", 2.0, 2.1, 0.9),
        HeardWord(" My", 1.89, 1.91, 0.9),
        HeardWord(" robot", 2.3, 2.9, 0.9),
    ]
    last, first, _ = on_video_clock(heard, made)
    assert (last.start_s, last.end_s) == (pytest.approx(1.98), pytest.approx(2.0))
    assert (first.start_s, first.end_s) == (60.0, pytest.approx(60.02))


class Heard:
    """A segment as faster-whisper gives it, without alignment."""

    text = " two words"
    start, end = 0.0, 1.0
    tokens = (1, 2)
    words = None
    avg_logprob, no_speech_prob, temperature = -0.2, 0.1, 0.0


def test_text_without_alignment_is_not_lost() -> None:
    """A segment that came without words keeps its text, and the words get times."""
    window = hear([Heard()], 0.0, 4.0)
    assert window.text == "two words"
    words = on_video_clock(window.words, [Clip(10.0, 14.0, 0.0)])
    assert [(w.text, w.start_s, w.end_s) for w in words] == [("two", 10.0, 12.0), ("words", 12.0, 14.0)]


def test_utterances_end_at_sentences_and_pauses() -> None:
    """Full stops and a pause of a second part a window's text; every word is in one utterance."""
    raw = [(" We", 0.0), (" sat", 0.5), (' down."', 1.0), (" Then", 1.6), (" left", 2.0), (" again", 4.5)]
    heard = HeardWindow(tuple(HeardWord(t, s, s + 0.4, 0.9) for t, s in raw), 6.0, -0.1, 0.0)
    words = on_video_clock(heard.words, [Clip(0.0, 6.0, 0.0)])
    parts = utterances_of(heard, words, ("loop",))
    assert [part.text for part in parts] == ['We sat down."', "Then left", "again"]
    assert [word for part in parts for word in part.words] == words
    assert {part.flags for part in parts} == {("loop",)}
    assert (parts[1].start_s, parts[1].end_s) == (1.6, 2.4)


def test_text_without_spaces_stays_without() -> None:
    """Japanese words are put together as the model wrote them."""
    heard = HeardWindow((HeardWord("今日", 0.0, 0.4, 0.9), HeardWord("は。", 0.4, 0.8, 0.9)), 2.0)
    parts = utterances_of(heard, on_video_clock(heard.words, [Clip(0.0, 2.0, 0.0)]), ())
    assert [part.text for part in parts] == ["今日は。"]


@pytest.mark.parametrize(
    ("word", "ends"), [("end.", True), ("3.5", False), ("so?”", True), ("。", True), ("", False)]
)
def test_sentence_ends(word: str, ends: bool) -> None:
    """Punctuation counts at the end of a word, in front of closing quotes too."""
    assert ends_sentence(word) is ends
