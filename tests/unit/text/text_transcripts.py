"""Transcripts for the tests of this room: by hand, and by hypothesis."""

from itertools import pairwise

from hypothesis import strategies as st

from actors.rows import Attribution, Transcript, Utterance, VideoId, VideoMeta, Word

META = VideoMeta(title="A talk", url="https://example.org/watch?v=1")


def spoken(
    text: str, start_s: float = 0.0, word_s: float = 0.3, pause_s: float = 0.1, **scores: object
) -> Utterance:
    """An utterance whose words follow one another at an even pace."""
    words = []
    for index, word in enumerate(text.split()):
        begins = start_s + index * (word_s + pause_s)
        words.append(Word(word, begins, begins + word_s, 0.9))
    values = {"avg_logprob": -0.2, "compression_ratio": 1.5, "no_speech_prob": 0.01, **scores}
    return Utterance(text, words[0].start_s, words[-1].end_s, tuple(words), **values)


def following(*texts: str, pause_s: float = 0.5, **scores: object) -> tuple[Utterance, ...]:
    """Utterances one after another with the same pause between them."""
    utterances: list[Utterance] = []
    for text in texts:
        start_s = utterances[-1].end_s + pause_s if utterances else 0.0
        utterances.append(spoken(text, start_s, **scores))
    return tuple(utterances)


def by(speaker: str | None, method: str | None = None, **figures: float | None) -> Attribution:
    """An attribution to an enrolled voice, or to nobody, unless ``method`` says otherwise."""
    return Attribution(speaker, method or ("profile" if speaker else "unknown: mixed"), **figures)


def transcript(
    *utterances: Utterance, said_by: tuple[Attribution, ...] = (), language: str = "en"
) -> Transcript:
    return Transcript(VideoId("v"), 1, META, language, utterances, attributions=said_by)


ENDINGS = st.sampled_from(["", "", "", "", ",", ".", "?", "!", ";"])
PLAIN_WORDS = st.builds("{}{}".format, st.text("abcdefghij", min_size=1, max_size=12), ENDINGS)
ODD_WORDS = st.one_of(
    st.text(min_size=1, max_size=6),
    st.sampled_from(
        [
            "今",
            "天",
            "。",
            "สวัสดี",
            "e\u0301",
            "\x00",
            "\ud800",
            "a\x00b",
            "x" * 120,
            "U.S.",
            "3.14",
            "[1,",
            "♪",
        ]
    ),
)
TIMES = st.floats(-5, 400)
ODD_TIMES = st.one_of(TIMES, st.sampled_from([float("nan"), float("inf"), float("-inf"), 0.0, 7.0, 7.0]))


COSINES = st.one_of(st.none(), st.floats(-1, 1))
LABELS = st.sampled_from(
    [
        ("ann", "profile"),
        ("ann", "fast path"),
        ("bob", "profile"),
        ("Speaker 1", "cluster"),
        ("Speaker 1", "unknown: no voice is enrolled"),
        (None, "unknown: too short"),
        (None, "unknown: mixed"),
    ]
)
ATTRIBUTIONS = st.builds(
    lambda label, score, margin: Attribution(*label, score, margin), LABELS, COSINES, COSINES
)


@st.composite
def orderly(draw: st.DrawFn, max_words: int = 80) -> Transcript:
    """What a good recogniser returns: words in order, some pauses long, some words without length."""
    utterances: list[Utterance] = []
    vocabulary = draw(st.sampled_from([PLAIN_WORDS, st.sampled_from(["go", "Go.", "on", "again"])]))
    at = draw(st.floats(0, 20))
    for _ in range(draw(st.integers(1, 6))):
        words = []
        for text in draw(st.lists(vocabulary, min_size=1, max_size=max_words // 4)):
            at += draw(st.sampled_from([0.0, 0.0, 0.1, 0.4, 2.0, 9.0]))
            start_s, at = at, at + draw(st.sampled_from([0.0, 0.1, 0.3, 0.8]))
            words.append(Word(text, start_s, at, 0.9))
        scores = (draw(st.floats(-2, 0)), draw(st.floats(0, 5)), draw(st.floats(0, 1)))
        text = " ".join(word.text for word in words)
        utterances.append(Utterance(text, words[0].start_s, words[-1].end_s, tuple(words), *scores))
    said_by = tuple(draw(ATTRIBUTIONS) for _ in utterances) if draw(st.booleans()) else ()
    return transcript(*utterances, said_by=said_by)


@st.composite
def broken(draw: st.DrawFn) -> Transcript:
    """What a recogniser at its worst returns: any characters, any times, words missing."""
    utterances = []
    for _ in range(draw(st.integers(1, 4))):
        texts = draw(st.lists(st.one_of(PLAIN_WORDS, ODD_WORDS), max_size=15))
        words = tuple(Word(text, draw(ODD_TIMES), draw(ODD_TIMES), 0.5) for text in texts)
        said = draw(st.sampled_from([" ".join(texts), "", "words only here"]))
        score = draw(st.sampled_from([-0.3, float("nan")]))
        utterances.append(Utterance(said, draw(ODD_TIMES), draw(ODD_TIMES), words, score, score, score))
    language = draw(st.sampled_from(["en", "de", "zh", "ja", "th", "xx"]))
    return transcript(*utterances, language=language)


def fewest_short(lengths: list[int], min_chars: int, max_chars: int) -> int:
    """Fewest pieces under ``min_chars`` in any cut of words of these lengths (joined by a space) whose
    pieces of two words or more hold at most ``max_chars``: tried out, way by way."""
    best = len(lengths)
    for ways in range(2 ** (len(lengths) - 1)):
        bounds = [0, *(index + 1 for index in range(len(lengths) - 1) if ways >> index & 1), len(lengths)]
        pieces = [sum(lengths[a:b]) + (b - a - 1) for a, b in pairwise(bounds)]
        sizes = [b - a for a, b in pairwise(bounds)]
        if all(chars <= max_chars or words == 1 for chars, words in zip(pieces, sizes, strict=True)):
            best = min(best, sum(chars < min_chars for chars in pieces))
    return best
