"""When a text is suspicious, and which of two texts for the same sound is the better one.

Owns the rules and their thresholds. Pure: knows nothing of models or audio.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from actors.speech.heard import HeardWindow


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Thresholds beyond which a window's text is decoded again, and flagged if that doesn't help."""

    compression_ratio: float = 2.4
    """Text that zlib shrinks more than this repeats itself: Whisper's own limit (openai/whisper)."""
    avg_logprob: float = -1.0
    """Mean log-probability of a token below this: Whisper's own limit. The small model has -0.3 at worst."""
    no_speech_prob: float = 0.6
    """Whisper's own limit. Alone it means little, and models distilled from it hardly use it, so text is
    suspicious only where the tokens are uncertain too."""
    no_speech_logprob: float = -0.5
    """How uncertain, above; half of the limit for any text."""
    max_chars_per_s: float = 35.0
    """Three hundred words a minute, as fast as people are understood, are 30 characters a second."""
    min_chars_per_s: float = 1.0
    """Slow speech in a language written with few characters (Chinese: 3 to 5 a second) stays above; below
    it text has been lost."""
    sparse_from_s: float = 5.0
    """Shorter windows may well hold one word and a pause."""
    max_loop_words: int = 8
    """Words of one immediate repetition: "no no no no" is speech, "thank you" four times running is not."""
    min_loop_repeats: int = 4
    max_loop_period: int = 8
    """Longest phrase, in words, that is looked for as a loop."""
    max_word_chars: int = 40
    """Longer than any word that is spoken; the longest in use in German stays below."""


def broken_rules(heard: HeardWindow, rules: QualityRules) -> tuple[str, ...]:
    """Names of the rules that a window's text breaks, in a fixed order; these become flags.

    ``repetitive``, ``uncertain``, ``no_speech``, ``too_fast``, ``sparse``, ``loop``, ``long_word``.
    """
    words = heard.text.split()
    n_chars = len("".join(words))
    checks = {
        "repetitive": heard.compression_ratio > rules.compression_ratio,
        "uncertain": n_chars > 0 and heard.avg_logprob < rules.avg_logprob,
        "no_speech": heard.no_speech_prob > rules.no_speech_prob
        and heard.avg_logprob < rules.no_speech_logprob,
        "too_fast": n_chars > rules.max_chars_per_s * max(heard.duration_s, 1.0),
        "sparse": heard.duration_s >= rules.sparse_from_s
        and n_chars < rules.min_chars_per_s * heard.duration_s,
        "loop": longest_loop(words, rules) >= rules.max_loop_words,
        "long_word": any(len(word) > rules.max_word_chars for word in words),
    }
    return tuple(name for name, is_broken in checks.items() if is_broken)


def longest_loop(words: Sequence[str], rules: QualityRules) -> int:
    """Words in the longest immediate repetition of one phrase, ``min_loop_repeats`` times or more.

    Case and punctuation at a word's ends don't count. 0 if there is none.
    """
    plain = [word.strip(".,;:!?\"'()[]…—-").casefold() for word in words]
    longest = 0
    for period in range(1, min(rules.max_loop_period, len(plain) // rules.min_loop_repeats) + 1):
        run = 0
        for index in range(period, len(plain)):
            run = run + 1 if plain[index] == plain[index - period] else 0
            n_words = (run // period + 1) * period
            if run and n_words >= period * rules.min_loop_repeats:
                longest = max(longest, n_words)
    return longest


def second_is_better(first: HeardWindow, second: HeardWindow, rules: QualityRules) -> bool:
    """Whether the second decoding of a window should replace the first, which broke a rule.

    An empty second text replaces only what the model itself held for no speech: nothing else is
    deleted on suspicion. Otherwise the fewer broken rules win, then the higher log-probability.
    """
    first_faults, second_faults = broken_rules(first, rules), broken_rules(second, rules)
    if not second.text.strip():
        return "no_speech" in first_faults or not first.text.strip()
    if not first.text.strip():
        return "no_speech" not in second_faults
    if len(first_faults) != len(second_faults):
        return len(second_faults) < len(first_faults)
    return second.avg_logprob > first.avg_logprob
