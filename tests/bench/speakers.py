"""How well speakers are told apart, on scenes whose truth is known.

Run from the repository's root::

    python -m tests.bench.speakers [SET ...] [--scenes]

Diarization error rate by pyannote.metrics (Bredin, "pyannote.metrics: a toolkit for reproducible evaluation,
diagnostic, and error analysis of speaker diarization systems", Interspeech 2017), overlapping speech scored; the
rest by words, each as long as it is spoken.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from sklearn.metrics import roc_curve

from actors.rows import Attribution, Transcript
from actors.voices.deciding import decide
from tests.voice_scenes import SETTINGS, SceneSet, Staged, on_fast_path, read_set

COLLAR_S = 0.5
"""Around each true boundary what isn't scored, a quarter of a second on both sides: as in the NIST evaluations."""
NEAR_S = 1.0
"""Words within this of a change of speaker are counted for themselves."""
CUT_S = 0.5
"""How far a cut may be from the true change."""


@dataclass(slots=True)
class Tally:
    """Sums over scenes, in seconds of speech unless a name says otherwise."""

    speech: float = 0.0
    false_alarm: float = 0.0
    missed: float = 0.0
    confused: float = 0.0
    strict_speech: float = 0.0
    strict_error: float = 0.0
    """The same without a collar."""
    of_target: float = 0.0
    target_found: float = 0.0
    foreign: float = 0.0
    """Speech that isn't the target's, once for each enrolled voice."""
    foreign_taken: float = 0.0
    """Of it, attributed to the target."""
    words: float = 0.0
    unknown: float = 0.0
    wrong: float = 0.0
    near: float = 0.0
    near_right: float = 0.0
    near_unknown: float = 0.0
    n_changes: int = 0
    n_changes_cut: int = 0
    own_scores: list[float] = field(default_factory=list)
    other_scores: list[float] = field(default_factory=list)

    def __iadd__(self, other: "Tally") -> "Tally":
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        return self

    @property
    def figures(self) -> dict[str, float]:
        """Shares, from 0 to 1; NaN where there is nothing to have a share of."""
        return {
            "DER": _share(self.false_alarm + self.missed + self.confused, self.speech),
            "false alarm": _share(self.false_alarm, self.speech),
            "missed": _share(self.missed, self.speech),
            "confused": _share(self.confused, self.speech),
            "DER without collar": _share(self.strict_error, self.strict_speech),
            "target found": _share(self.target_found, self.of_target),
            "foreign taken": _share(self.foreign_taken, self.foreign),
            "unknown": _share(self.unknown, self.words),
            "near a change: right": _share(self.near_right, self.near),
            "near a change: unknown": _share(self.near_unknown, self.near),
            "changes cut": _share(self.n_changes_cut, self.n_changes),
            "EER of windows": equal_error_rate(self.own_scores, self.other_scores),
        }


def measure(scenes: Iterable[Staged], of: SceneSet) -> Tally:
    """Decide each scene with the set's profiles, and compare with the truth."""
    total = Tally()
    for staged in scenes:
        decided = decide(staged.transcript, of.profiles, SETTINGS)
        total += _rates(staged, decided)
        total += _words(staged, labels_of(decided), [profile.name for profile in of.profiles])
        total += _windows(staged, of)
    return total


def conversations(of: SceneSet) -> list[Staged]:
    """The scenes in which speakers change often: an hour of one voice would flatter every share."""
    return [one for one in of.scenes if len(one.scene.voices) > 1 and one.scene.kind != "guest"]


def labels_of(decided: Transcript) -> list[Attribution]:
    """The attribution of each word."""
    return [
        said_by
        for utterance, said_by in zip(decided.utterances, decided.attributions, strict=True)
        for _ in utterance.words
    ]


def equal_error_rate(own: Sequence[float], others: Sequence[float]) -> float:
    if not own or not others:
        return float("nan")
    taken, found, _ = roc_curve([1] * len(own) + [0] * len(others), [*own, *others])
    at = int(np.argmin(np.abs(taken - (1 - found))))
    return float((taken[at] + 1 - found[at]) / 2)


def _rates(staged: Staged, decided: Transcript) -> Tally:
    truth, answer = Annotation(), Annotation()
    for track, line in enumerate(staged.lines):
        truth[Segment(line.start_s, line.end_s), track] = line.voice
    for track, (utterance, said_by) in enumerate(zip(decided.utterances, decided.attributions, strict=True)):
        if said_by.speaker is not None and utterance.end_s > utterance.start_s:
            answer[Segment(utterance.start_s, utterance.end_s), track] = said_by.speaker
    whole = Timeline([Segment(0.0, max(line.end_s for line in staged.lines) + 1.0)])
    kind, strict = DiarizationErrorRate(collar=COLLAR_S), DiarizationErrorRate()
    parts = kind(truth, answer, uem=whole, detailed=True)
    exact = strict(truth, answer, uem=whole, detailed=True)
    return Tally(
        speech=parts["total"], false_alarm=parts["false alarm"], missed=parts["missed detection"],
        confused=parts["confusion"], strict_speech=exact["total"],
        strict_error=exact["false alarm"] + exact["missed detection"] + exact["confusion"],
    )  # fmt: skip


def _words(staged: Staged, labels: Sequence[Attribution], enrolled: Sequence[str]) -> Tally:
    words = [word for utterance in staged.transcript.utterances for word in utterance.words]
    tally = Tally()
    changes = [n for n in range(1, len(words)) if staged.said_by[n] != staged.said_by[n - 1]]
    change_times = np.array([(words[n - 1].end_s + words[n].start_s) / 2 for n in changes])
    for word, true, label in zip(words, staged.said_by, labels, strict=True):
        length = word.end_s - word.start_s
        is_right = label.speaker == true if true in enrolled else label.speaker not in (None, *enrolled)
        tally.words += length
        tally.unknown += length * (label.speaker is None)
        tally.wrong += length * (not is_right and label.speaker is not None)
        for target in enrolled:
            taken = length * (label.speaker == target)
            if true == target:
                tally.of_target += length
                tally.target_found += taken
            else:
                tally.foreign += length
                tally.foreign_taken += taken
        middle = (word.start_s + word.end_s) / 2
        if len(change_times) and np.abs(change_times - middle).min() <= NEAR_S:
            tally.near += length
            tally.near_right += length * is_right
            tally.near_unknown += length * (label.speaker is None)
    cuts = np.array([
        (words[n - 1].end_s + words[n].start_s) / 2
        for n in range(1, len(words))
        if labels[n].speaker != labels[n - 1].speaker
    ])  # fmt: skip
    tally.n_changes = len(changes)
    tally.n_changes_cut = sum(len(cuts) > 0 and bool(np.abs(cuts - at).min() <= CUT_S) for at in change_times)
    return tally


def _windows(staged: Staged, of: SceneSet) -> Tally:
    """Scores of windows in which one voice alone is heard."""
    tally = Tally()
    for voices in staged.transcript.voices:
        for (start_s, end_s), vector in zip(voices.windows, voices.vectors, strict=True):
            heard: dict[str, float] = {}
            for line in staged.lines:
                overlap = min(end_s, line.end_s) - max(start_s, line.start_s)
                if overlap > 0:
                    heard[line.voice] = heard.get(line.voice, 0.0) + overlap
            if len(heard) != 1:
                continue
            for profile in of.profiles:
                is_own = profile.name in heard
                (tally.own_scores if is_own else tally.other_scores).append(float(vector @ profile.centroid))
    return tally


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description="How well speakers are told apart.")
    parser.add_argument("sets", nargs="*", default=["dev", "test"])
    parser.add_argument("--scenes", action="store_true", help="each scene for itself, too")
    chosen = parser.parse_args()
    for name in chosen.sets:
        of = read_set(name)
        for profile in of.profiles:
            print(
                f"{name}: {profile.name} is enrolled with {len(profile.vectors)} windows, threshold {profile.threshold:.3f}"
            )
        if chosen.scenes:
            for staged in of.scenes:
                _print(staged.scene.name, measure([staged], of))
        _print(f"{name}: scenes of several voices, the long monologue apart", measure(conversations(of), of))
        _print(f"{name}: all {len(of.scenes)} scenes", measure(of.scenes, of))
        fast = on_fast_path(of)
        slices = [voices for staged in fast.scenes for voices in staged.transcript.voices]
        n_left_out = sum(not voices.dense for voices in slices)
        _print(
            f"{name}: the same with the fast path, which {n_left_out} of {len(slices)} slices take",
            measure(fast.scenes, fast),
        )


def _print(title: str, tally: Tally) -> None:
    print(f"\n{title} ({tally.words / 60:.1f} min of words)")
    for name, share in tally.figures.items():
        print(f"  {name:24} {100 * share:6.2f} %")


if __name__ == "__main__":
    main()
