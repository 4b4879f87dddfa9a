"""A recogniser that waits as long as a GPU would compute, and costs this machine's cores nothing.

Owns the wait and the text that comes out of it: the amount that a real one would give, with times
inside the clips, the same for the same slice. Says nothing of what was spoken.
"""

import functools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from actors.rows import Clip, Provenance, Slice, SpokenSlice, Utterance, Word
from tests.corpus import SPEECH_DIR

WORDS_PER_S = 2.5
SENTENCE_WORDS = (6, 16)
PROVENANCE = Provenance("stand-in", "none", "none", {})


@dataclass(frozen=True, slots=True)
class StandIn:
    """One worker's share of a GPU."""

    speed_h_per_h: float
    """Hours of speech an hour. Workers that share a GPU have its speed divided among them."""
    language: str = "en"
    needs_sound: bool = False

    def open(self) -> Callable[[Slice], SpokenSlice]:
        """As a real engine is opened; there is nothing to load."""
        vocabulary()
        return self.transcribe

    def transcribe(self, piece: Slice) -> SpokenSlice:
        """Take as long as the GPU would, then say something."""
        until = time.monotonic() + piece.speech_s / self.speed_h_per_h
        utterances = tuple(made_up(piece))
        time.sleep(max(0.0, until - time.monotonic()))
        return SpokenSlice(
            video_id=piece.video_id, fence=piece.fence, ordinal=piece.ordinal, n_slices=piece.n_slices,
            decoded_s=piece.decoded_s, speech_s=piece.speech_s, language=self.language,
            utterances=utterances, provenance=PROVENANCE, clips=piece.clips, pcm=piece.pcm,
        )  # fmt: skip


def made_up(piece: Slice) -> Iterator[Utterance]:
    """Sentences of random words of the shipped talks, as many as fit into the clips."""
    rng = random.Random(f"{piece.ordinal} {piece.clips[0].start_s} {piece.speech_s}")
    for clip in piece.clips:
        words = _words(clip, rng)
        while words:
            n_words = rng.randint(*SENTENCE_WORDS)
            sentence, words = words[:n_words], words[n_words:]
            last = sentence[-1]
            sentence[-1] = Word(f"{last.text}.", last.start_s, last.end_s, last.probability)
            yield Utterance(
                text=" ".join(word.text for word in sentence), start_s=sentence[0].start_s,
                end_s=last.end_s, words=tuple(sentence), avg_logprob=-0.2, compression_ratio=1.4,
                no_speech_prob=0.02,
            )  # fmt: skip


def _words(clip: Clip, rng: random.Random) -> list[Word]:
    n_words = max(1, int(clip.duration_s * WORDS_PER_S))
    step_s = clip.duration_s / n_words
    starts = [clip.start_s + index * step_s for index in range(n_words)]
    return [Word(rng.choice(vocabulary()), start_s, start_s + 0.9 * step_s, 0.9) for start_s in starts]


@functools.cache
def vocabulary() -> tuple[str, ...]:
    """The words of the shipped talks."""
    truth = json.loads((SPEECH_DIR / "talks.json").read_text(encoding="utf-8"))
    spoken = (word["text"] for talk in truth["talks"] for line in talk["sentences"] for word in line["words"])
    return tuple(sorted({word.strip(".,?!").lower() for word in spoken}))
