"""Makes ``configs/demo/speech``: six talks of synthetic speech and, beside them, what was said when.

Run from the repository's root::

    python -m tests.data.speech_source.make_speech [DIRECTORY]

Needs libespeak-ng (see ``espeak.py``); nobody needs to run it unless the talks should change. Every
choice comes from the seeds in ``talks.py``, so the words and times come out the same again.
"""

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.data.speech_source import grammar
from tests.data.speech_source.espeak import OUTPUT_RATE_HZ, Espeak
from tests.data.speech_source.talks import CHANNEL, QUERIES, TALKS, Talk
from tests.encoding import Samples, write_media

SHIPPED = Path(__file__).parents[3] / "configs" / "demo" / "speech"
LOUDNESS = 0.05
"""Root mean square of each sentence, full scale being 1: voices differ, a listener shouldn't notice."""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a talk, with its place on the talk's clock."""

    voice: str
    words: list[str]
    samples: npt.NDArray[np.float32]
    start_s: float
    spans_s: list[tuple[float, float]]
    """Start and end of each word after ``start_s``."""

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.samples) / OUTPUT_RATE_HZ


def compose(talk: Talk, espeak: Espeak) -> tuple[list[Line], float]:
    """Speak a talk: its lines, and how long it is in seconds."""
    rng = random.Random(talk.seed)
    lines: list[Line] = []
    clock_s = rng.uniform(0.3, 0.8)
    voice = talk.voices[0]
    words: list[str] = []
    while clock_s < talk.duration_s:
        if lines and len(talk.voices) > 1 and rng.random() < 0.5:
            voice = talk.voices[(talk.voices.index(voice) + 1) % len(talk.voices)]
        words = _next_sentence(rng, talk, words)
        spoken = espeak.say(words, voice)
        level = LOUDNESS / float(np.sqrt(np.mean(spoken.samples**2)))
        samples = np.clip(spoken.samples * level, -0.99, 0.99)
        # Whole samples, so that the truth is exact to one sample.
        start = round(clock_s * OUTPUT_RATE_HZ)
        lines.append(Line(voice, words, samples, start / OUTPUT_RATE_HZ, spoken.spans_s))
        clock_s = lines[-1].end_s + _pause_s(rng)
    return lines, lines[-1].end_s + rng.uniform(0.5, 1.0)


def _next_sentence(rng: random.Random, talk: Talk, previous: list[str]) -> list[str]:
    topic = rng.choices(list(talk.topics), weights=list(talk.topics.values()))[0]
    words = grammar.sentence(rng, topic)
    return words if words != previous else _next_sentence(rng, talk, previous)


def _pause_s(rng: random.Random) -> float:
    """A breath between sentences; now and then a longer one, as between paragraphs."""
    return rng.uniform(3.0, 6.0) if rng.random() < 0.1 else rng.uniform(0.4, 1.4)


def mix(lines: list[Line], duration_s: float) -> Samples:
    """The talk's sound: int16 mono at 16 kHz, silence where nobody speaks."""
    sound = np.zeros(round(duration_s * OUTPUT_RATE_HZ), dtype=np.int16)
    for line in lines:
        start = round(line.start_s * OUTPUT_RATE_HZ)
        sound[start : start + len(line.samples)] = np.round(line.samples * 32767).astype(np.int16)
    return sound


def describe(talk: Talk, lines: list[Line], duration_s: float) -> dict[str, Any]:
    """The talk's entry in ``talks.json``."""
    return {
        "slug": talk.slug,
        "title": talk.title,
        "channel": CHANNEL,
        "published": talk.published,
        "file": talk.slug + talk.extension,
        "duration_s": round(duration_s, 3),
        "voices": list(talk.voices),
        "sentences": [
            {
                "voice": line.voice,
                "start_s": round(line.start_s, 3),
                "end_s": round(line.end_s, 3),
                "words": [
                    {
                        "text": text,
                        "start_s": round(line.start_s + start_s, 3),
                        "end_s": round(line.start_s + end_s, 3),
                    }
                    for text, (start_s, end_s) in zip(line.words, line.spans_s, strict=True)
                ],
            }
            for line in lines
        ],
    }


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    espeak = Espeak()
    entries = []
    for talk in TALKS:
        lines, duration_s = compose(talk, espeak)
        path = directory / (talk.slug + talk.extension)
        write_media(path, mix(lines, duration_s), talk.encoding)
        entries.append(describe(talk, lines, duration_s))
        print(f"{path.name}: {duration_s:.0f} s, {len(lines)} sentences, {path.stat().st_size / 1000:.0f} kB")
    _write_truth(directory / "talks.json", entries)


def _write_truth(path: Path, entries: list[dict[str, Any]]) -> None:
    """JSON with a line for each sentence: a change of one sentence reads as one in a diff."""
    talks = []
    for entry in entries:
        head = {key: value for key, value in entry.items() if key != "sentences"}
        sentences = ",\n   ".join(
            json.dumps(sentence, separators=(",", ":")) for sentence in entry["sentences"]
        )
        talks.append(f'  {json.dumps(head)[:-1]}, "sentences": [\n   {sentences}\n  ]}}')
    queries = json.dumps([{"query": query, "expected": slug} for query, slug in QUERIES.items()])
    joined = ",\n".join(talks)
    path.write_text(
        f'{{"channel": {json.dumps(CHANNEL)},\n "queries": {queries},\n "talks": [\n{joined}\n ]}}\n'
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)
