"""Quality gates: what every segment must have, and how long the segments came out. Pure.

Owns the gates' bounds and wording. A gate under its bound is a difference like those of
``accounts.py``; lengths, flags and speech without a word are only reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.store.accounting import BadSegment, SegmentSums, Wordless
from pipelines.accounts import Difference

GATES = {
    "asr": ("with text from the recogniser", "segments have no text, or nothing says which recogniser wrote it"),
    "vector": ("with a vector", "segments have no vector and can't be found by meaning"),
    "speaker": ("with a speaker or a reason for none", "segments say neither who spoke nor why that isn't known"),
}  # fmt: skip
"""Name: what is counted, and what it means that some lack it. Each must be 100 %."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The gates of a run, or of the whole corpus."""

    sums: SegmentSums
    wordless: Wordless
    differences: tuple[Difference, ...] = ()

    def document(self) -> dict[str, Any]:
        sums = self.sums
        lengths = sums.lengths
        return {
            "segments": sums.n_segments,
            "shares": {name: share(passed(sums, name), sums.n_segments) for name in GATES},
            "identified": share(sums.n_identified, sums.n_segments),
            "lengths": {
                "under": share(sums.n_under, sums.n_segments),
                "within": share(sums.n_segments - sums.n_under - sums.n_over, sums.n_segments),
                "over": share(sums.n_over, sums.n_segments),
                "p5": lengths[0] if lengths else None,
                "p50": lengths[1] if lengths else None,
                "p95": lengths[2] if lengths else None,
            },
            "flagged": {"segments": sums.n_flagged, "by_flag": sums.flags},
            "wordless": {
                "seconds": round(self.wordless.wordless_s, 1),
                "share": round(self.wordless.wordless_s / self.wordless.speech_s, 4)
                if self.wordless.speech_s
                else None,
                "videos": self.wordless.n_videos,
                "worst": list(self.wordless.worst),
            },
            "differences": [each.document() for each in self.differences],
        }


def passed(sums: SegmentSums, gate: str) -> int:
    """Segments that have what a gate wants."""
    counted = {"asr": sums.n_from_asr, "vector": sums.n_with_vector, "speaker": sums.n_with_speaker}
    return counted[gate]


def share(n: int, of: int) -> float | None:
    """``n`` of ``of``, rounded down so that nothing short of all reads as 1; ``None`` of nothing."""
    return n * 10_000 // of / 10_000 if of else None


def missed(sums: SegmentSums) -> list[str]:
    """The gates that are under 100 %."""
    return [gate for gate in GATES if passed(sums, gate) != sums.n_segments]


def judge(sums: SegmentSums, wordless: Wordless, bad: Mapping[str, Sequence[BadSegment]]) -> Quality:
    """The gates, with a difference for each that isn't reached.

    Args:
        bad: for each gate in ``missed`` the first segments that break it.
    """
    differences = []
    for gate in missed(sums):
        n = sums.n_segments - passed(sums, gate)
        rows = tuple(f"{each.video_id} segment {each.ordinal}" for each in bad[gate])
        differences.append(Difference(gate, n, rows, f"{n} of {sums.n_segments} {GATES[gate][1]}"))
    return Quality(sums, wordless, tuple(differences))


def told(document: dict[str, Any]) -> Iterator[str]:
    """``Quality.document`` as lines for people."""
    if not document["segments"]:
        return
    gates = ", ".join(f"{percent(document['shares'][name])} {words}" for name, (words, _) in GATES.items())
    yield f"Segments: {document['segments']}; {gates}"
    lengths, flagged = document["lengths"], document["flagged"]
    yield (
        f"Lengths: {percent(lengths['within'])} within the bounds, {percent(lengths['under'])} under,"
        f" {percent(lengths['over'])} over; 5/50/95 % at {lengths['p5']}/{lengths['p50']}/{lengths['p95']} characters"
    )
    if flagged["segments"]:
        by_flag = ", ".join(f"{n} {flag}" for flag, n in flagged["by_flag"].items())
        yield f"Flagged as doubtful: {flagged['segments']} segments ({by_flag})"
    wordless = document["wordless"]
    if wordless["videos"]:
        more = ", …" if wordless["videos"] > len(wordless["worst"]) else ""
        yield (
            f"Speech without a word: {wordless['seconds']:.0f} s ({percent(wordless['share'])}) in"
            f" {wordless['videos']} videos, most of it in {', '.join(wordless['worst'])}{more}"
        )


def percent(value: float) -> str:
    """``99.97 %``, ``100 %``."""
    return f"{value * 100:.2f}".rstrip("0").rstrip(".") + " %"
