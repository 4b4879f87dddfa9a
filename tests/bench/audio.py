"""Hours of talk in a minute: the recordings that every side of the benchmark works on.

One recording of the shipped sentences is encoded, then its Opus packets are dealt out into files: no
packet is encoded twice. Owns lengths, text and bytes. The same arguments give the same files. Knows
nothing of what is measured.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.corpus import sentences
from tests.encoding import SPEECH_RATE_HZ, Encoding, Samples, write_media

ENCODING = Encoding("libopus", 48_000, 32_000, options=(("compression_level", "0"),))
"""What YouTube serves as its small tracks, but for the effort put into the encoding."""
PACKET_S = 0.02
SOURCE_S = 40 * 60.0

FULL_SIZE_S = 6 * 3600.0
"""From here on recordings have their natural lengths; a smaller corpus has all of them in proportion."""
LONGEST_S, SHORT_S, USUAL_S = 7200.0, (180.0, 360.0), (600.0, 3600.0)
SHORT_EVERY = 6
LEAST_S = 10.0
"""Long enough to hold a sentence."""
BRIEF_S = (6.0, 10.0)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file."""

    path: Path
    duration_s: float


@dataclass(frozen=True, slots=True)
class Corpus:
    """All files, in the order in which they are asked for."""

    recordings: tuple[Recording, ...]

    @property
    def audio_s(self) -> float:
        return sum(recording.duration_s for recording in self.recordings)


def plan_lengths(total_s: float) -> list[float]:
    """Lengths of recordings in seconds, in the order to ask for them, ``total_s`` in all.

    One of two hours, every sixth of three to six minutes, the others between ten minutes and an hour;
    below ``FULL_SIZE_S`` all of these are shortened alike.
    """
    rng = random.Random(0)
    scale = min(1.0, total_s / FULL_SIZE_S)
    lengths: list[float] = []
    left_s = total_s - LONGEST_S * scale
    while left_s > 0:
        is_short = len(lengths) % SHORT_EVERY == SHORT_EVERY // 2
        drawn_s = max(LEAST_S, scale * rng.uniform(*(SHORT_S if is_short else USUAL_S)))
        # The rest must not be a crumb: it goes to the last one.
        taken_s = left_s if left_s - drawn_s < max(LEAST_S, SHORT_S[0] * scale) else drawn_s
        lengths.append(taken_s)
        left_s -= taken_s
    # The giant neither leads nor trails: both would measure the arrangement's luck.
    lengths.insert(len(lengths) // 3, LONGEST_S * scale)
    return lengths


def make_corpus(directory: Path, total_s: float) -> Corpus:
    """Write the recordings, about ``total_s`` seconds of them, as Opus in WebM."""
    return _dealt(directory, talk(min(SOURCE_S, max(120.0, total_s))), plan_lengths(total_s))


def make_brief_corpus(directory: Path, n_recordings: int) -> Corpus:
    """Write so many recordings of 6 to 10 s, each with speech in it, no two of them alike."""
    rng = random.Random(2)
    lengths = [rng.uniform(*BRIEF_S) for _ in range(n_recordings)]
    return _dealt(directory, talk(min(SOURCE_S, max(120.0, sum(lengths))), long_pauses=0.0), lengths)


def make_uneven_corpus(directory: Path, long_s: float, n_short: int, short_s: tuple[float, float]) -> Corpus:
    """One long recording among so many short ones, a third of which come before it."""
    rng = random.Random(3)
    lengths = [rng.uniform(*short_s) for _ in range(n_short)]
    lengths.insert(n_short // 3, long_s)
    return _dealt(directory, talk(min(SOURCE_S, max(120.0, sum(lengths)))), lengths)


def _dealt(directory: Path, sound: Samples, lengths_s: Sequence[float]) -> Corpus:
    """Files of these lengths, cut out of one encoded recording."""
    directory.mkdir(parents=True, exist_ok=True)
    source = directory / "source.webm"
    write_media(source, sound, ENCODING)
    recordings = []
    with av.open(str(source)) as container:
        stream = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        for index, length_s in enumerate(lengths_s):
            path = directory / f"talk-{index:03d}.webm"
            n_packets = max(1, round(length_s / PACKET_S))
            _deal(path, stream, packets, first=index * 7919 % len(packets), n_packets=n_packets)
            recordings.append(Recording(path, n_packets * PACKET_S))
    source.unlink()
    return Corpus(tuple(recordings))


def talk(duration_s: float, long_pauses: float = 0.05) -> Samples:
    """Mono int16 at 16 kHz: the shipped sentences in random order.

    Args:
        long_pauses: share of the pauses that last 3 to 8 s; the others are shorter than one.
    """
    rng = random.Random(1)
    parts: list[Samples] = []
    n_left = int(duration_s * SPEECH_RATE_HZ)
    for sentence in _endless(rng):
        pause_s = rng.uniform(3.0, 8.0) if rng.random() < long_pauses else rng.uniform(0.2, 1.0)
        parts += [np.zeros(int(pause_s * SPEECH_RATE_HZ), dtype=np.int16), sentence]
        n_left -= len(parts[-2]) + len(parts[-1])
        if n_left <= 0:
            return np.concatenate(parts)
    raise AssertionError("sentences never end")


def _endless(rng: random.Random) -> Iterator[Samples]:
    known = [sentence.samples for sentence in sentences()]
    while True:
        yield from rng.sample(known, len(known))


def _deal(path: Path, stream: Any, packets: list[Any], *, first: int, n_packets: int) -> None:
    """Write a file of packets in a circle from ``first`` on; its title makes its bytes its own."""
    with av.open(str(path), "w", format="webm", options={"fflags": "+bitexact"}) as container:
        container.metadata["title"] = path.stem
        target = container.add_stream_from_template(stream)
        for number in range(n_packets):
            packet = packets[(first + number) % len(packets)]
            packet.stream, packet.time_base = target, stream.time_base
            packet.pts = packet.dts = round(number * PACKET_S / stream.time_base)
            container.mux_one(packet)
