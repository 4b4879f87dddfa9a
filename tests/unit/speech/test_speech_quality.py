"""The rules that make a text suspicious, and the choice between two texts."""

import pytest

from actors.speech.heard import HeardWindow, HeardWord
from actors.speech.quality import QualityRules, broken_rules, longest_loop, second_is_better

RULES = QualityRules()
GOOD = "the old river runs behind our small garden and nobody has ever seen where it ends in winter"


def window(text: str, duration_s: float = 10.0, logprob: float = -0.2, no_speech: float = 0.0) -> HeardWindow:
    words = tuple(HeardWord(f" {word}", 0.0, 0.1, 0.9) for word in text.split())
    return HeardWindow(words, duration_s, logprob, no_speech)


@pytest.mark.parametrize(
    ("heard", "broken"),
    [
        (window(GOOD), ()),
        (window(GOOD, logprob=-1.2), ("uncertain",)),
        (window(GOOD, no_speech=0.9), ()),
        (window(GOOD, no_speech=0.9, logprob=-0.7), ("no_speech",)),
        (window("thanks for watching " * 30, 30.0), ("repetitive", "loop")),
        (window(GOOD, duration_s=1.5), ("too_fast",)),
        (window("yes", duration_s=12.0), ("sparse",)),
        (window("yes", duration_s=2.0), ()),
        (window("", duration_s=12.0), ("sparse",)),
        (window("", duration_s=2.0), ()),
        (window(GOOD + " " + "a" * 41), ("long_word",)),
        (window("今日はとても良い天気ですね", duration_s=4.0), ()),
    ],
)
def test_broken_rules(heard: HeardWindow, broken: tuple[str, ...]) -> None:
    """Each rule catches what it is for, and plain speech breaks none."""
    assert broken_rules(heard, RULES) == broken


@pytest.mark.parametrize(
    ("text", "n_words"),
    [
        ("no no no no", 4),
        ("No, no. No! no", 4),
        ("thank you thank you thank you thank you", 8),
        ("one two three one two three", 0),
        (GOOD, 0),
        ("", 0),
        ("so " + "we go on " * 5 + "home", 15),
    ],
)
def test_longest_loop(text: str, n_words: int) -> None:
    """Only a phrase repeated four times running is a loop, whatever its case and punctuation."""
    assert longest_loop(text.split(), RULES) == n_words


@pytest.mark.parametrize(
    ("first", "second", "is_better"),
    [
        (window("go go " * 20), window(GOOD), True),
        (window("go go " * 20), window("no no " * 20, logprob=-0.1), True),
        (window("go go " * 20), window("no no " * 20, logprob=-0.5), False),
        (window(GOOD, logprob=-1.1), window("go go " * 20, logprob=-1.1), False),
        (window("", 12.0), window(GOOD, 12.0), True),
        (window("", 12.0), window("you", 12.0, logprob=-0.9, no_speech=0.9), False),
        (window(GOOD, logprob=-1.2), window(""), False),
        (window("you", 4.0, logprob=-1.2, no_speech=0.9), window(""), True),
    ],
    ids=[
        "fewer broken rules win", "then the surer text", "and not the less sure one", "a worse text is refused",
        "text where none was", "but none out of silence", "text is not deleted", "unless the model heard none",
    ],
)  # fmt: skip
def test_choice(first: HeardWindow, second: HeardWindow, is_better: bool) -> None:
    """The second text replaces the first only where it is better."""
    assert second_is_better(first, second, RULES) is is_better
