"""From a transcript to the units of retrieval.

Owns: the order of the passes, and what a segment carries from its words. Doesn't know of models,
tokens or the database. Pure: the same transcript and settings always give the same segments.

1. *Merge*: words of one speaker with no pause over ``max_gap_s`` form a stretch; loops that the
   recogniser fell into are collapsed inside it (``loops.py``).
2. *Split* what is too long, and 3. *mend* what is too short: one exact pass over each stretch
   (``cutting.py``), at sentence ends where it can be, else at clauses, else at the longest pauses,
   else between words (``boundaries.py``).
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from actors.errors import PermanentError, Rejected
from actors.rows import Attribution, Segment, SegmentedVideo, Transcript, Utterance
from actors.text.boundaries import Layout, cut_costs
from actors.text.cutting import Limits, Places, cut
from actors.text.loops import collapse_loops
from actors.text.wording import Token, attributions_of, count_words, join, read_words
from configs.settings import SegmentSettings

LOOP_FLAG = "loop_collapsed"

MUCH_SPEECH_S = 60.0
"""Two windows full of speech. Without a word in any of them something is amiss; below, a detector may well have
taken music, laughter or applause for speech."""
MIN_SEGMENT_S = 0.01
"""Length of a segment all of whose words came without length."""


@dataclass(frozen=True, slots=True)
class WordCount:
    """What became of a transcript's words."""

    n_in: int
    n_out: int
    n_collapsed: int

    @property
    def adds_up(self) -> bool:
        return self.n_in == self.n_out + self.n_collapsed


@dataclass(frozen=True, slots=True)
class Label:
    """The part of a segment that says who spoke."""

    speaker: str | None
    speaker_score: float | None
    """Mean over the words."""
    speaker_margin: float | None
    """Mean over the words."""
    speaker_method: str | None
    """That of most words."""


def segment(transcript: Transcript, settings: SegmentSettings) -> SegmentedVideo:
    """Cut a transcript into segments, see ``segment_and_count``."""
    return segment_and_count(transcript, settings)[0]


def segment_and_count(transcript: Transcript, settings: SegmentSettings) -> tuple[SegmentedVideo, WordCount]:
    """Cut a transcript into segments, and account for its words.

    Every word stands in exactly one segment, in order; only repetitions of a loop are left out. No
    segment holds words of two speakers, or words whose speaker is known and others, or spans a pause over ``max_gap_s``; none of more than one
    word is longer than ``max_chars`` or ``max_duration_s``; and as few are shorter than
    ``min_chars`` as these bounds allow. Starts and ends never decrease, and ``end_s > start_s``.

    Raises:
        Rejected: ``no_speech``, the transcript has no word.
        PermanentError: ``no_text``, nor has it, though at least ``MUCH_SPEECH_S`` of speech were found.
        ValueError: its attributions are not one for each utterance.
    """
    attributions = attributions_of(transcript)
    tokens = read_words(transcript)
    if not tokens:
        raise _nothing_said(transcript.wordless_s)
    first_s, last_s = tokens[0].start_s, max(tokens[-1].end_s, tokens[0].start_s + MIN_SEGMENT_S)
    kept = kept_words(tokens, settings.max_gap_s)
    pieces = [
        piece
        for stretch in _stretches(kept, settings.max_gap_s)
        for piece in _pieces(stretch, transcript.language, settings)
    ]
    segments = tuple(
        _segment(ordinal, piece, transcript.utterances, attributions, (first_s, last_s))
        for ordinal, piece in enumerate(pieces)
    )
    n_collapsed = len(tokens) - len(kept)
    video = SegmentedVideo(
        transcript.video_id,
        transcript.fence,
        transcript.meta,
        transcript.language,
        segments,
        transcript.provenance,
        n_collapsed,
    )
    n_out = sum(one.n_words for one in segments)
    return video, WordCount(count_words(transcript), n_out, n_collapsed)


def _nothing_said(wordless_s: float) -> Rejected | PermanentError:
    """Little speech without a word was music or a cough; much of it may be a talk that nobody heard."""
    if wordless_s < MUCH_SPEECH_S:
        return Rejected("nothing is said in this video", code="no_speech")
    return PermanentError(
        f"{wordless_s:.0f} s of speech were found, and the recogniser heard no word in them",
        code="no_text",
        remedy="If somebody speaks there, set transcribe.language or another transcribe.model and ingest it again;"
        " if not, leave it out or raise prepare.vad_threshold",
    )


def kept_words(tokens: Sequence[Token], max_gap_s: float) -> list[Token]:
    """The words that stand in segments: all but repetitions of a loop."""
    return [token for stretch in _stretches(tokens, max_gap_s) for token in collapse_loops(stretch)]


def label_of(words_of: Mapping[int, int], attributions: Sequence[Attribution]) -> Label:
    """Who said some words, which are of one speaker, and how sure that is.

    Args:
        words_of: utterances that the words belong to, each with how many of them.
        attributions: of each utterance of the transcript.
    """
    said_by = [(attributions[index], n_words) for index, n_words in sorted(words_of.items())]
    return Label(
        speaker=said_by[0][0].speaker,
        speaker_score=_mean([(one.score, n_words) for one, n_words in said_by]),
        speaker_margin=_mean([(one.margin, n_words) for one, n_words in said_by]),
        speaker_method=_main_method(said_by),
    )


def _stretches(tokens: Sequence[Token], max_gap_s: float) -> Iterator[Sequence[Token]]:
    """Runs of words by one speaker without a pause over ``max_gap_s``: nothing joins two of them."""
    first = 0
    for index in range(1, len(tokens) + 1):
        if index == len(tokens) or (
            (tokens[index].speaker, tokens[index].known)
            != (tokens[index - 1].speaker, tokens[index - 1].known)
            or tokens[index].start_s - tokens[index - 1].end_s > max_gap_s
        ):
            yield tokens[first:index]
            first = index


def _pieces(stretch: Sequence[Token], language: str, settings: SegmentSettings) -> list[Sequence[Token]]:
    """The stretch cut into the words of its segments."""
    layout = Layout(stretch)
    whole = len(layout.text) <= settings.max_chars
    if whole and stretch[-1].end_s - stretch[0].start_s <= settings.max_duration_s:
        return [stretch]
    places = Places(
        layout.starts,
        layout.ends,
        [token.start_s for token in stretch],
        [token.end_s for token in stretch],
        cut_costs(stretch, layout, language, settings.max_gap_s),
    )
    limits = Limits(settings.min_chars, settings.max_chars, settings.max_duration_s)
    return [stretch[first:after] for first, after in cut(places, limits)]


def _segment(
    ordinal: int,
    tokens: Sequence[Token],
    utterances: Sequence[Utterance],
    attributions: Sequence[Attribution],
    span_s: tuple[float, float],
) -> Segment:
    start_s = min(tokens[0].start_s, span_s[1] - MIN_SEGMENT_S)
    words_of = Counter(token.utterance for token in tokens)
    flags = [flag for index in sorted(words_of) for flag in utterances[index].flags]
    if any(token.looped for token in tokens):
        flags.append(LOOP_FLAG)
    scores = [(utterances[index], n_words) for index, n_words in sorted(words_of.items())]
    return Segment(
        ordinal=ordinal,
        text=join([token.text for token in tokens]),
        start_s=start_s,
        end_s=max(tokens[-1].end_s, start_s + MIN_SEGMENT_S),
        n_words=len(tokens),
        **asdict(label_of(words_of, attributions)),
        avg_logprob=_mean([(utterance.avg_logprob, n_words) for utterance, n_words in scores]),
        compression_ratio=_mean([(utterance.compression_ratio, n_words) for utterance, n_words in scores]),
        no_speech_prob=_mean([(utterance.no_speech_prob, n_words) for utterance, n_words in scores]),
        flags=tuple(dict.fromkeys(flags)),
    )


def _main_method(weighted: list[tuple[Attribution, int]]) -> str:
    """How the speaker of most of the words was decided; the first of equals."""
    words_by: Counter[str] = Counter()
    for attribution, n_words in weighted:
        words_by[attribution.method] += n_words
    return words_by.most_common(1)[0][0]


def _mean(weighted: Sequence[tuple[float | None, int]]) -> float | None:
    """Mean of the finite values weighted by words; None where there is none (Postgres takes NaN for
    the largest of all numbers)."""
    finite = [(value, weight) for value, weight in weighted if value is not None and math.isfinite(value)]
    return (
        sum(value * weight for value, weight in finite) / sum(weight for _, weight in finite)
        if finite
        else None
    )
