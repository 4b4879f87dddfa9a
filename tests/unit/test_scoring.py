"""The measures that other tests rely on measure what they say."""

import pytest

from tests.scoring import SpokenWord, start_time_errors, word_error_rate

TRUTH = [
    SpokenWord(text, float(at), at + 0.5)
    for at, text in enumerate(["the", "dog", "sees", "the", "cat", "today"])
]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("The dog sees the cat, today.", 0.0),
        ("the dog sees the cat", 1 / 6),
        ("the dog sees a cat today", 1 / 6),
        ("the dog sees the the cat today", 1 / 6),
        ("", 1.0),
    ],
)
def test_word_error_rate_counts_words_only(text: str, rate: float) -> None:
    """Case and punctuation cost nothing; a missing, wrong or added word costs one."""
    assert word_error_rate([word.text for word in TRUTH], text) == pytest.approx(rate)


def test_text_where_nothing_was_said_is_wrong() -> None:
    """Without a reference any text is all error, and no text is none."""
    assert word_error_rate([], "hello") == 1.0
    assert word_error_rate([], " ") == 0.0


def test_start_errors_of_segments_are_those_of_their_first_words() -> None:
    """A piece of many words is judged by where its first one was spoken."""
    pieces = [("The dog sees.", 0.1), ("The cat, today.", 2.75)]
    assert start_time_errors(TRUTH, pieces) == pytest.approx([0.1, 0.25])


def test_misheard_starts_have_no_error_and_shift_no_other() -> None:
    """An added word before and a wrong word inside leave the alignment of the rest alone."""
    pieces = [
        ("oh", 0.0),
        ("the", 0.2),
        ("frog", 1.0),
        ("sees", 2.0),
        ("the", 3.0),
        ("cat", 4.5),
        ("today", 5.0),
    ]
    assert start_time_errors(TRUTH, pieces) == pytest.approx([0.2, 0.0, 0.0, 0.5, 0.0])


def test_nothing_transcribed_gives_no_figures() -> None:
    """Empty text is for the word error rate to punish."""
    assert start_time_errors(TRUTH, []) == []
