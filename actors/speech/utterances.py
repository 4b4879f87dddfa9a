"""From a window's words to utterances: sentences, or what lies between two pauses.

Owns where an utterance ends. Pure.
"""

from collections.abc import Iterator, Sequence

from actors.rows import Utterance, Word
from actors.speech.heard import HeardWindow

SENTENCE_ENDS = frozenset(".?!…。？！")
CLOSING = "\"'”’)]»"

PAUSE_S = 1.0
"""A silence from which words on both sides may well be two people's: each part is attributed for itself."""


def utterances_of(heard: HeardWindow, words: Sequence[Word], flags: tuple[str, ...]) -> tuple[Utterance, ...]:
    """A window's text as utterances; every word is in exactly one, in order.

    Whisper decodes a window without timestamp tokens as one text. Sentences are cut from it here, by
    punctuation and pauses of the aligned words. The scores are the window's: the model gives no other.

    Args:
        heard: the window.
        words: its words on the video's clock, as many as ``heard.words``.
        flags: quality rules that it still breaks.
    """
    ratio = heard.compression_ratio
    return tuple(
        Utterance(
            text="".join(word.text for word in heard.words[start:end]).strip(),
            start_s=words[start].start_s,
            end_s=words[end - 1].end_s,
            words=tuple(words[start:end]),
            avg_logprob=heard.avg_logprob,
            compression_ratio=ratio,
            no_speech_prob=heard.no_speech_prob,
            temperature=heard.temperature,
            flags=flags,
        )
        for start, end in _parts(words)
    )


def _parts(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """Index ranges ``[start, end)`` that cover the words."""
    start = 0
    for index, word in enumerate(words):
        is_last = index + 1 == len(words)
        if is_last or ends_sentence(word.text) or words[index + 1].start_s - word.end_s >= PAUSE_S:
            yield start, index + 1
            start = index + 1


def ends_sentence(word: str) -> bool:
    """Whether a sentence may end with this word. Abbreviations count too: a cut behind one does no harm,
    as segments are put together again from utterances."""
    return word.rstrip(CLOSING)[-1:] in SENTENCE_ENDS and bool(word)
