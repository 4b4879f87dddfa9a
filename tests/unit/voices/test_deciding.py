"""Who said what: what holds for every video, and what the system before this one got wrong."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voice_talks import NAMES, SETTINGS, VOICES, Turn, labels, near, profile, speakers, talk, transcript, unit

from actors.rows import SliceVoices, Transcript, Utterance, Word
from actors.text.segmenting import segment
from actors.voices.deciding import OFF, TOO_FEW, decide
from actors.voices.matching import NOBODY_ENROLLED, OTHER_MODEL, TOO_CLOSE
from configs.settings import SegmentSettings

ANN, BOB = profile("ann"), profile("bob")
CONVERSATION = (Turn("ann", 8), Turn("bob", 6), Turn("ann", 4), Turn("cyd", 7), Turn("ann", 9))


def test_each_turn_gets_its_speaker() -> None:
    """Enrolled voices by name, others by number; utterances that one person says stay whole."""
    source = talk(*CONVERSATION).transcript
    decided = decide(source, [ANN, BOB], SETTINGS)
    assert speakers(decided) == ["ann", "bob", "ann", "Speaker 1", "ann"]
    assert decided.utterances == source.utterances
    assert [one.method for one in decided.attributions] == [
        "profile",
        "profile",
        "profile",
        "cluster",
        "profile",
    ]


def test_people_whom_nobody_enrolled_are_numbered_by_first_speech() -> None:
    """Labels are stable within a video: the same voice has the same one whenever it comes back."""
    turns = (Turn("dee", 6), Turn("cyd", 6), Turn("dee", 5), Turn("bob", 6), Turn("cyd", 5))
    decided = decide(talk(*turns).transcript, [ANN], SETTINGS)
    assert speakers(decided) == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 3", "Speaker 2"]


def test_an_utterance_is_cut_where_the_speaker_changes() -> None:
    """The recogniser ran two people's sentences together; words are attributed first, then it is cut."""
    whole = talk(Turn("ann", 8, goes_on=True), Turn("cyd", 8))
    assert len(whole.transcript.utterances) == 1
    said_by = labels(decide(whole.transcript, [ANN], SETTINGS))
    for label, turn in zip(said_by, whole.truth, strict=True):
        assert label.speaker in (None, "ann" if turn.voice == "ann" else "Speaker 1")
    assert sum(label.speaker is None for label in said_by) <= 6
    assert {label.speaker for label in said_by} >= {"ann", "Speaker 1"}


def test_figures_are_those_of_the_words_own_windows() -> None:
    """The seed copied a neighbour's vector or a cluster's centre; here two turns of one voice differ in score,
    and a margin stands only where there is another enrolled voice."""
    source = talk(Turn("ann", 9), Turn("cyd", 6), Turn(near("ann", 0.8), 9)).transcript
    alone = decide(source, [ANN], SETTINGS).attributions
    assert [one.speaker for one in alone] == ["ann", "Speaker 1", "ann"]
    assert alone[0].score > alone[2].score + 0.1
    assert alone[0].margin is None
    both = decide(source, [ANN, BOB], SETTINGS).attributions
    assert both[0].margin == pytest.approx(both[0].score, abs=0.15)


def test_no_profile_is_nobody() -> None:
    """The seed labelled a whole video as the target when the target's profile was missing. Here people are told
    apart, nobody gets a name, and why stands there."""
    decided = decide(talk(*CONVERSATION).transcript, [], SETTINGS)
    assert set(speakers(decided)) == {"Speaker 1", "Speaker 2", "Speaker 3"}
    assert {one.method for one in decided.attributions} == {f"unknown: {NOBODY_ENROLLED}"}


def test_profiles_of_another_model_count_for_nothing() -> None:
    """The cosine of two models' vectors is a number without a meaning, however high."""
    decided = decide(talk(*CONVERSATION).transcript, [profile("ann", model="another")], SETTINGS)
    assert {one.method for one in decided.attributions} == {f"unknown: {OTHER_MODEL}"}
    assert "ann" not in speakers(decided)


@pytest.mark.parametrize(
    "reason", ["the voice model could not be loaded", "no memory was left", "RuntimeError"]
)
def test_what_was_not_heard_is_unknown_with_its_reason(reason: str) -> None:
    """Out of memory or an exception made the seed's whole video the target's, at 0.95."""
    one = talk(Turn("ann", 12)).transcript
    late = tuple(replace(each, start_s=each.start_s + 100, end_s=each.end_s + 100) for each in one.utterances)
    late = tuple(
        replace(
            each, words=tuple(replace(w, start_s=w.start_s + 100, end_s=w.end_s + 100) for w in each.words)
        )
        for each in late
    )
    deaf = SliceVoices("m", 100.0, 120.0, (), np.zeros((0, 0), np.float32), reason=reason)
    decided = decide(transcript([*one.utterances, *late], one.voices[0], deaf), [ANN], SETTINGS)
    assert [(each.speaker, each.method) for each in decided.attributions] == [
        ("ann", "profile"),
        (None, f"unknown: {reason}"),
    ]


def test_nine_seconds_of_likeness_are_nine_seconds() -> None:
    """The seed labelled a whole video by its first five windows."""
    source = talk(Turn("ann", 9), Turn("bob", 120))
    for label, turn in zip(labels(decide(source.transcript, [ANN], SETTINGS)), source.truth, strict=True):
        assert label.speaker != "ann" or turn.voice == "ann"


def test_a_middle_of_twenty_seconds_is_not_smoothed_away() -> None:
    """The seed made A-B-A one voice when the middle took less than a minute."""
    source = talk(Turn("ann", 40), Turn("cyd", 20), Turn("ann", 40))
    assert speakers(decide(source.transcript, [ANN], SETTINGS)) == ["ann", "Speaker 1", "ann"]


def test_a_short_island_goes_under_only_where_its_scores_allow() -> None:
    """One noisy window in a monologue is that voice still; a guest's sentence of two seconds is not."""
    steady = talk(*[Turn("ann", 5) for _ in range(6)])
    voices = steady.transcript.voices[0]
    rough = voices.vectors.copy()
    rough[4] = near("ann", 0.55)
    noisy = replace(steady.transcript, voices=(replace(voices, vectors=rough),))
    assert speakers(decide(noisy, [ANN], SETTINGS)) == ["ann"]
    guest = talk(Turn("ann", 9), Turn("cyd", 2.0), Turn("ann", 9))
    for label, turn in zip(labels(decide(guest.transcript, [ANN], SETTINGS)), guest.truth, strict=True):
        assert label.speaker in (("ann",) if turn.voice == "ann" else (None, "Speaker 1"))


@pytest.mark.parametrize("duration_s", [6, 60, 600])
def test_length_earns_no_bonus(duration_s: float) -> None:
    """The seed raised the likeness of long clusters by 5 %: what is under the threshold stays under it."""
    stranger = near("ann", 0.55)
    decided = decide(talk(Turn(stranger, duration_s), noise=0.2).transcript, [ANN], SETTINGS)
    assert speakers(decided) == ["Speaker 1"]


def test_a_giant_cluster_of_two_voices_is_split() -> None:
    """Everything was clustered as one voice, as the seed's diarizer did; by their scores the windows of the enrolled
    voice are told from the rest."""
    loose = SETTINGS.model_copy(update={"same_voice": 0.01})
    like = near("ann", 0.35)
    source = talk(Turn("ann", 30), Turn(like, 30), Turn("ann", 10), Turn(like, 20))
    for label, turn in zip(labels(decide(source.transcript, [ANN], loose)), source.truth, strict=True):
        assert label.speaker in (
            {"ann", None} if turn.voice is source.truth[0].voice else {"Speaker 1", None}
        )
    assert {"ann", "Speaker 1"} <= set(speakers(decide(source.transcript, [ANN], loose)))


@pytest.mark.parametrize("cosine", [0.66, 0.70, 0.72])
def test_somebody_like_the_enrolled_one_gets_no_name_from_talking_to_him(cosine: float) -> None:
    """Whose windows lie under the threshold is unknown alone, and beside the one who is enrolled as well: a bar that
    holds for windows isn't one for the centre of many, and one's own words lift nobody else's."""
    noisy = [Turn("ann", 20), Turn(near("ann", cosine), 8)] * 6
    source = talk(*noisy, noise=0.8)
    decided = decide(source.transcript, [profile("ann", threshold=0.6)], SETTINGS)
    of_other = [
        label.speaker
        for label, turn in zip(labels(decided), source.truth, strict=True)
        if turn.voice is not source.truth[0].voice
    ]
    assert of_other.count("ann") <= 0.02 * len(of_other)
    of_ann = [
        label.speaker
        for label, turn in zip(labels(decided), source.truth, strict=True)
        if turn.voice is source.truth[0].voice
    ]
    assert of_ann.count("ann") >= 0.9 * len(of_ann)


def test_unknown_is_not_called_a_guest() -> None:
    """Words in a moment of two voices belong to neither: there is no third name for what isn't known."""
    source = talk(Turn("ann", 9), Turn("cyd", 0.8), Turn("ann", 0.8), Turn("cyd", 9), own_windows=False)
    decided = decide(source.transcript, [ANN], SETTINGS)
    right = {"ann": "ann", "cyd": "Speaker 1"}
    for label, turn in zip(labels(decided), source.truth, strict=True):
        assert label.speaker in (None, right[str(turn.voice)])
    assert None in {label.speaker for label in labels(decided)}
    for said_by in decided.attributions:
        assert (said_by.speaker is None) == said_by.method.startswith("unknown: ")
        assert said_by.method != "unknown: "


def test_two_profiles_too_close_are_neither() -> None:
    """A twin of the enrolled voice is enrolled too: both are near, and a name would be a guess."""
    twin = profile("bob", voice=near("ann", 0.98))
    decided = decide(talk(Turn("ann", 12), Turn("cyd", 6)).transcript, [ANN, twin], SETTINGS)
    assert (decided.attributions[0].speaker, decided.attributions[0].method) == (
        None,
        f"unknown: {TOO_CLOSE}",
    )
    assert decided.attributions[1].speaker == "Speaker 1"


def fast_path(*cosines: float) -> Transcript:
    source = talk(Turn("ann", 60)).transcript
    windows = tuple((8.0 * n, 8.0 * n + 3) for n in range(len(cosines)))
    probes = np.array([near("ann", cosine) for cosine in cosines], np.float32)
    return replace(source, voices=(SliceVoices("m", 0.0, 65.0, windows, probes, dense=False),))


def test_the_fast_path_is_asked_again() -> None:
    """Probes that are still one enrolled voice name it; without that voice they are too few to say anything."""
    (said_by,) = decide(fast_path(0.9, 0.8, 0.85, 0.9), [ANN, BOB], SETTINGS).attributions
    assert (said_by.speaker, said_by.method) == ("ann", "fast path")
    assert said_by.score == pytest.approx(0.8625) and said_by.margin == pytest.approx(0.8625, abs=0.01)
    twin = profile("bob", voice=unit(0.98 * VOICES["ann"] + 0.2 * VOICES["dee"]))
    for profiles in ([], [BOB], [ANN, twin], [profile("ann", threshold=0.85)], [profile("ann", model="x")]):
        (said_by,) = decide(fast_path(0.9, 0.8, 0.85, 0.9), profiles, SETTINGS).attributions
        assert (said_by.speaker, said_by.method) == (None, f"unknown: {TOO_FEW}")


def test_a_video_from_before_has_a_reason() -> None:
    """Slices that nobody listened to, words outside of every slice, and the stage switched off."""
    source = talk(Turn("ann", 6)).transcript
    off = SETTINGS.model_copy(update={"enabled": False})
    (elsewhere,) = decide(
        replace(source, voices=(replace(source.voices[0], start_s=500.0, end_s=600.0),)), [ANN], SETTINGS
    ).attributions
    (never,) = decide(replace(source, voices=()), [ANN], SETTINGS).attributions
    (disabled,) = decide(source, [ANN], off).attributions
    for said_by in (elsewhere, never, disabled):
        assert said_by.speaker is None and said_by.method.startswith("unknown: ")
    assert disabled.method == f"unknown: {OFF}"


@pytest.mark.parametrize("harm", ["nan", "zero", "short", "flat"])
def test_damaged_vectors_are_no_evidence(harm: str) -> None:
    """What can't be compared is unknown; nothing raises, and nobody is named."""
    source = talk(Turn("ann", 6)).transcript
    good = source.voices[0].vectors
    bad = {"nan": good * np.nan, "zero": good * 0, "short": good[1:], "flat": good.ravel()}[harm]
    (said_by,) = decide(
        replace(source, voices=(replace(source.voices[0], vectors=bad),)), [ANN], SETTINGS
    ).attributions
    assert said_by.speaker is None and "damaged" in said_by.method


def test_an_utterance_without_words_has_one_speaker_or_none() -> None:
    """It can't be cut: it gets a name only if every window over it is that voice's."""
    source = talk(Turn("ann", 8), Turn("cyd", 8)).transcript
    bare = [replace(one, words=()) for one in source.utterances]
    assert speakers(decide(replace(source, utterances=tuple(bare)), [ANN], SETTINGS)) == ["ann", "Speaker 1"]
    both = Utterance("all of it", 0.0, source.utterances[-1].end_s, (), -0.2, 1.2, 0.0)
    decided = decide(replace(source, utterances=(both,)), [ANN], SETTINGS)
    assert decided.utterances == (both,) and decided.attributions[0].speaker is None


def test_segments_never_mix_speakers() -> None:
    """Decided, cut and segmented: each segment's words are one turn-taker's, and each says how that is known."""
    source = talk(*CONVERSATION)
    video = segment(
        decide(source.transcript, [ANN, BOB], SETTINGS), SegmentSettings(min_chars=20, max_chars=60)
    )
    who = iter(zip(labels(decide(source.transcript, [ANN, BOB], SETTINGS)), source.truth, strict=True))
    for piece in video.segments:
        assert {next(who)[0].speaker for _ in range(piece.n_words)} == {piece.speaker}
        assert piece.speaker_method
        assert (piece.speaker_score is None) == (piece.speaker is None)


TURNS = st.lists(
    st.builds(
        Turn,
        st.sampled_from(NAMES),
        st.sampled_from([0.4, 0.8, 1.2, 2.0, 4.0, 9.0]),
        st.sampled_from([0.0, 0.2, 0.5, 2.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)
PROFILES = st.sampled_from([[], [ANN], [ANN, BOB], [BOB], [profile("ann", model="x")]])


@settings(max_examples=60)
@given(TURNS, PROFILES, st.floats(0, 1), st.integers(0, 99))
def test_no_word_is_lost_and_each_has_a_speaker_or_a_reason(
    turns: list[Turn], profiles: list, noise: float, seed: int
) -> None:
    """Words and texts come out as they went in, in order; the same question has the same answer."""
    source = talk(*turns, noise=noise, seed=seed).transcript
    decided = decide(source, profiles, SETTINGS)
    assert decided == replace(source, utterances=decided.utterances, attributions=decided.attributions)
    assert [w for one in decided.utterances for w in one.words] == [
        w for one in source.utterances for w in one.words
    ]
    assert " ".join(one.text for one in decided.utterances) == " ".join(one.text for one in source.utterances)
    assert len(decided.attributions) == len(decided.utterances)
    names = {one.name for one in profiles if one.model == "m"}
    for said_by in decided.attributions:
        is_unknown = said_by.method.startswith("unknown: ")
        assert is_unknown or said_by.method in ("profile", "cluster")
        assert said_by.speaker is not None or is_unknown
        assert (said_by.speaker in names) == (said_by.method == "profile")
        assert said_by.score is None or -1.001 <= said_by.score <= 1.001
    again = decide(source, profiles, SETTINGS)
    assert again.attributions == decided.attributions and again.utterances == decided.utterances


@settings(max_examples=60)
@given(TURNS, st.integers(0, 99))
def test_a_name_is_never_given_without_a_window_above_the_threshold(turns: list[Turn], seed: int) -> None:
    """Whatever is said: with nobody near the profile, nobody gets its name."""
    source = talk(
        *[replace(turn, voice="cyd" if turn.voice == "ann" else turn.voice) for turn in turns], seed=seed
    )
    likest = float((source.transcript.voices[0].vectors @ ANN.centroid).max(initial=-1.0))
    decided = decide(source.transcript, [replace(ANN, threshold=max(likest, -1.0) + 0.001)], SETTINGS)
    assert "ann" not in speakers(decided)


ODD_TIMES = st.one_of(st.floats(-5, 60), st.sampled_from([float("nan"), float("inf"), float("-inf"), 7.0]))


@settings(max_examples=80)
@given(st.data())
def test_any_times_give_an_answer(data: st.DataObject) -> None:
    """A recogniser at its worst: reversed, infinite and missing times; windows anywhere."""
    utterances = []
    for _ in range(data.draw(st.integers(0, 4))):
        texts = data.draw(st.lists(st.sampled_from(["a", "b.", "", " ", "今", "a\x00"]), max_size=8))
        words = tuple(Word(text, data.draw(ODD_TIMES), data.draw(ODD_TIMES), 0.5) for text in texts)
        utterances.append(
            Utterance(" ".join(texts), data.draw(ODD_TIMES), data.draw(ODD_TIMES), words, -0.1, 1.0, 0.0)
        )
    voices = talk(
        Turn("ann", data.draw(st.sampled_from([0.4, 6.0, 30.0]))), seed=data.draw(st.integers(0, 9))
    ).transcript.voices
    decided = decide(transcript(utterances, *voices), [ANN], SETTINGS)
    given = [
        repr(word) for one in utterances for word in one.words
    ]  # a time that is no number isn't equal to itself
    assert [repr(word) for one in decided.utterances for word in one.words] == given
    assert len(decided.attributions) == len(decided.utterances) >= len(utterances)


def test_ten_hours_are_decided_in_bounded_memory() -> None:
    """24,000 windows: every pair of them would be 2.3 GB. The test would not end otherwise."""
    turns = [Turn(NAMES[n % 3], 18.0, 0.0) for n in range(2000)]
    source = talk(*turns, own_windows=False)
    assert len(source.transcript.voices[0].windows) > 23_000
    decided = decide(source.transcript, [ANN], SETTINGS)
    right = Counter()
    for label, turn in zip(labels(decided), source.truth, strict=True):
        right[label.speaker == {"ann": "ann", "bob": "Speaker 1", "cyd": "Speaker 2"}[str(turn.voice)]] += 1
        assert label.speaker != "ann" or turn.voice == "ann"
    assert right[True] / right.total() > 0.97
    assert all(before.start_s <= after.start_s for before, after in pairwise(decided.utterances))
