"""Loops: what is collapsed, what is not, and that collapsing is final."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.text.loops import collapse_loops
from actors.text.wording import Token

SMALL_TALK = st.lists(st.tuples(st.sampled_from("aab"), st.integers(0, 3)), max_size=60)


def stretch(words: str | list[str], utterances: list[int] | None = None) -> list[Token]:
    said = words.split() if isinstance(words, str) else words
    of = utterances or [0] * len(said)
    return [Token(word, index * 0.4, index * 0.4 + 0.3, None, of[index]) for index, word in enumerate(said)]


def left(words: str, utterances: list[int] | None = None) -> str:
    return " ".join(token.text for token in collapse_loops(stretch(words, utterances)))


@given(SMALL_TALK)
def test_collapsing_is_final_and_only_removes(said: list[tuple[str, int]]) -> None:
    """A second time changes nothing; what is left is a subsequence that begins as the stretch does."""
    of = sorted(utterance for _, utterance in said)
    tokens = stretch([word for word, _ in said], of)
    once = collapse_loops(tokens)
    assert collapse_loops(once) == once
    remaining = iter(tokens)
    assert all(any(one.start_s == token.start_s for one in remaining) for token in once)
    assert [token.text for token in once[:1]] == [token.text for token in tokens[:1]]


@given(SMALL_TALK)
def test_no_loop_is_left(said: list[tuple[str, int]]) -> None:
    """After it no word stands eight times in a row, and no pair four times."""
    words = [token.text for token in collapse_loops(stretch([word for word, _ in said], [0] * len(said)))]
    assert all(len(list(group)) < 8 for _, group in groupby(words))
    assert all(words[at : at + 8] != words[at : at + 2] * 4 for at in range(len(words) - 7))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a b c " * 4, "a b c"),
        ("a b c " * 3, "a b c a b c a b c"),
        ("go " * 8, "go"),
        ("go " * 7, "go go go go go go go"),
        ("x Thank you. thank you THANK YOU! thank you y", "x Thank you. y"),
        ("a b c a b c a b c a b c a b", "a b c a b"),
        ("♪ " * 9 + "la", "♪ la"),
        ("1 2 " * 6, "1 2"),
    ],
)
def test_phrases(said: str, expected: str) -> None:
    """Four times for a phrase, eight for a word, whatever the case and punctuation; a broken-off last
    repetition stays."""
    assert left(said) == expected


@pytest.mark.parametrize(
    ("said", "utterances", "expected"),
    [
        ("see you soon see you soon", [0, 0, 0, 1, 1, 1], "see you soon"),
        ("yes yes", [0, 1], "yes yes"),
        ("yes yes yes", [0, 1, 2], "yes"),
        ("see you soon see you later", [0, 0, 0, 1, 1, 1], "see you soon see you later"),
    ],
)
def test_utterances(said: str, utterances: list[int], expected: str) -> None:
    """A sentence said twice in a row is a loop; one or two words need a third time."""
    assert left(said, utterances) == expected


def test_only_the_words_of_a_loop_are_marked() -> None:
    """The flag of a segment must say where the loop was."""
    marked = [
        token.text for token in collapse_loops(stretch("one two " + "a b " * 5 + "three")) if token.looped
    ]
    assert marked == ["a", "b"]
