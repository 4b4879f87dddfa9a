"""How well speakers are told apart, on voices that nothing was tuned on: the bounds that must hold.

What is measured, and how, stands in ``tests/bench/speakers.py``, which prints all figures.
"""

import pytest

from actors.voices.deciding import decide
from tests.bench.speakers import Tally, conversations, labels_of, measure
from tests.voice_scenes import SETTINGS, SceneSet, enrol, on_fast_path, read_set


@pytest.fixture(scope="module")
def scenes() -> SceneSet:
    return read_set("test")


@pytest.fixture(scope="module")
def total(scenes: SceneSet) -> Tally:
    return measure(scenes.scenes, scenes)


def test_foreign_speech_is_not_the_targets(total: Tally, scenes: SceneSet) -> None:
    """The figure that matters most: half a per cent of other people's speech at most bears an enrolled name, and no
    more in conversations, where speakers change every few seconds."""
    assert total.figures["foreign taken"] <= 0.005
    talks = measure(conversations(scenes), scenes)
    assert talks.figures["foreign taken"] <= 0.005
    assert talks.foreign > 600


def test_foreign_speech_is_not_the_targets_on_the_fast_path_either(scenes: SceneSet) -> None:
    """Which is on unless somebody switches it off, and which some slices take."""
    fast = on_fast_path(scenes)
    assert any(not voices.dense for staged in fast.scenes for voices in staged.transcript.voices)
    figures = measure(fast.scenes, fast).figures
    assert figures["foreign taken"] <= 0.005 and figures["target found"] >= 0.95


def test_the_target_is_found(total: Tally) -> None:
    """Saying nothing would be safe and useless."""
    assert total.figures["target found"] >= 0.95


def test_the_diarization_error_is_small(total: Tally) -> None:
    """With the collar of the NIST evaluations and overlapping speech scored; speech that is left unknown counts as
    missed, and confusion is the part that would mislead."""
    assert total.figures["DER"] <= 0.10
    assert total.figures["confused"] <= 0.02


def test_changes_of_speaker_are_found(total: Tally) -> None:
    """Near a change words are right or unknown, hardly ever wrong."""
    figures = total.figures
    assert figures["near a change: right"] >= 0.85
    assert figures["near a change: right"] + figures["near a change: unknown"] >= 0.96
    assert figures["changes cut"] >= 0.85


@pytest.mark.parametrize("name", ["an unknown voice alone", "another unknown voice alone", "unknown people"])
def test_an_unknown_voice_is_nobody_enrolled(scenes: SceneSet, name: str) -> None:
    """Not one word of people whom nobody enrolled bears a name."""
    (staged,) = [one for one in scenes.scenes if one.scene.name == name]
    names = {label.speaker for label in labels_of(decide(staged.transcript, scenes.profiles, SETTINGS))}
    assert names.isdisjoint(profile.name for profile in scenes.profiles)


def test_a_guest_of_twenty_seconds_in_an_hour_is_heard(scenes: SceneSet) -> None:
    """Most of what the guest says is the guest's, and none of it the host's."""
    (staged,) = [one for one in scenes.scenes if one.scene.kind == "guest"]
    host, guest = staged.scene.voices
    labels = labels_of(decide(staged.transcript, scenes.profiles, SETTINGS))
    of_guest = [label for label, who in zip(labels, staged.said_by, strict=True) if who == guest]
    assert len(of_guest) > 20 and host not in {label.speaker for label in of_guest}
    assert sum(label.speaker is not None for label in of_guest) >= 0.8 * len(of_guest)


@pytest.fixture(scope="module")
def twins() -> SceneSet:
    return read_set("twins")


@pytest.mark.parametrize("index", [0, 1, 2])
def test_twins_are_not_mistaken_for_one_another(twins: SceneSet, index: int) -> None:
    """Voices that the model can hardly tell apart, all enrolled: unknown rather than wrong."""
    assert measure([twins.scenes[index]], twins).figures["foreign taken"] <= 0.005


@pytest.mark.parametrize("index", [0, 1])
def test_a_twin_who_is_known_is_not_the_enrolled(twins: SceneSet, index: int) -> None:
    """The twin was enrolled when the threshold was calibrated, and is no more: the threshold lies above him."""
    staged = twins.scenes[index]
    (own,) = set(staged.scene.voices)
    (other,) = {"en-us+pedro": ["en-us+john"], "en-us+caleb": ["en-us+adam"]}[own]
    by_name = {profile.name: profile for profile in twins.profiles}
    enrolled = enrol(other, by_name[other].vectors, enrolled=[by_name[own]])
    labels = labels_of(decide(staged.transcript, [enrolled], SETTINGS))
    assert other not in {label.speaker for label in labels}
