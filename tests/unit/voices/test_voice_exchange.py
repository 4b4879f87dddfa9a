"""Exported voices: nothing is lost on the way, and nothing foreign comes in."""

import json
from typing import Any

import numpy as np
import pytest

from actors.errors import ConfigError
from actors.voices.exchange import export_document, import_voices
from tests.enrolled import voice

MODEL = "ecapa-test"


def document() -> dict[str, Any]:
    return json.loads(json.dumps(export_document([voice("Ada"), voice("Bob", seed=2)])))


def read(changed: object, model: str = MODEL, dim: int | None = None) -> list[Any]:
    return import_voices(json.dumps(changed), model, dim)


def test_what_is_exported_comes_back_the_same() -> None:
    """Every number of it, to the last bit."""
    given = voice("Ada", revision="abc")
    (back,) = read(export_document([given]))
    assert np.array_equal(back.profile.vectors, given.profile.vectors)
    assert np.array_equal(back.profile.centroid, given.profile.centroid)
    assert (back.name, back.profile.threshold, back.revision) == ("Ada", 0.75, "abc")
    assert (back.calibration, back.sources, back.speech_s) == (given.calibration, given.sources, 40.0)


def test_a_voice_of_another_model_is_refused_by_name() -> None:
    """The message names both models and what to do."""
    with pytest.raises(ConfigError, match="Ada was enrolled with the voice model ecapa-test") as refused:
        read(document(), model="other-model")
    assert refused.value.code == "other_model" and "identify.model" in refused.value.remedy


def test_a_voice_of_another_dimension_is_refused() -> None:
    """Where this database's voices of the model have other vectors."""
    with pytest.raises(
        ConfigError, match="have 64 numbers, and those of ecapa-test here have 192"
    ) as refused:
        read(document(), dim=192)
    assert refused.value.code == "other_model"
    assert len(read(document(), dim=64)) == 2


def damaged(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    whole = document()
    place: Any = whole
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("version",), 2, "of another"),
        (("format",), "voices", "format"),
        (("voices", 0, "threshold"), 7.0, "voices.0.threshold"),
        (("voices", 0, "threshold"), None, "voices.0.threshold"),
        (("voices", 0, "centroid"), [1.0] * 64, "unit length"),
        (("voices", 0, "centroid"), [1.0], "a vector has 64 numbers, the centroid 1"),
        (("voices", 0, "vectors"), [], "voices.0.vectors"),
        (("voices", 0, "speech_s"), "a lot", "voices.0.speech_s"),
        (("voices", 0, "run"), "rm -rf", "voices.0.run"),
        (("voices", 0, "calibration", "eer"), 3.0, "voices.0.calibration.eer"),
    ],
)
def test_a_damaged_file_is_refused_and_the_place_named(path: Any, value: object, said: str) -> None:
    """Nothing of the vectors stands in the message."""
    with pytest.raises(ConfigError) as refused:
        read(damaged(path, value))
    assert refused.value.code == "bad_export"
    assert said in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "no JSON", '{"format": "earmark voices"', b"\xff\xfe"]
)
def test_what_is_no_export_is_refused(text: str | bytes) -> None:
    """An error with a remedy, not a traceback."""
    with pytest.raises(ConfigError) as refused:
        import_voices(text, MODEL, None)
    assert refused.value.code == "bad_export"


def test_not_a_number_is_refused() -> None:
    """JSON has no NaN; Python's reads and writes it all the same."""
    text = json.dumps(document()).replace(str(document()["voices"][0]["centroid"][0]), "NaN", 1)
    with pytest.raises(ConfigError):
        import_voices(text, MODEL, None)


def test_a_name_that_may_not_be_is_refused_in_a_file_too() -> None:
    """``Speaker 1`` from a file would be taken for somebody whom nobody enrolled."""
    with pytest.raises(ConfigError) as refused:
        read(damaged(("voices", 0, "name"), "Speaker 1"))
    assert refused.value.code == "bad_name"


def test_a_repr_shows_no_voiceprint() -> None:
    """A log of the object is no leak."""
    shown = repr(voice("Ada"))
    assert (
        "Ada" in shown
        and "array" not in shown
        and str(float(voice("Ada").profile.centroid[0]))[:6] not in shown
    )
