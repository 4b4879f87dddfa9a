"""What a voice may be called."""

import pytest

from actors.errors import ConfigError
from actors.voices.names import MAX_CHARS, near_names, voice_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada Lovelace ", "Ada Lovelace"),
        ("Ma\u0308rz", "M\u00e4rz"),
        ("speaker of the house", "speaker of the house"),
        ("x" * MAX_CHARS, "x" * MAX_CHARS),
        ("李", "李"),
    ],
)
def test_a_name_is_kept_as_people_write_it(given: str, kept: str) -> None:
    """White space around it goes, and two spellings of one letter become one."""
    assert voice_name(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "", "   ", "x" * (MAX_CHARS + 1), "a\nb", "a\x00b", "a\x1b[31mb", "\u202eadA", "\ud800", "Speaker 1",
        "speaker 12", "SPEAKER_3", "Speaker", "unknown", "Unknown person", "unknown: too short",
    ],
)  # fmt: skip
def test_a_name_that_would_be_mistaken_is_refused(given: str) -> None:
    """Labels of the unenrolled, and what can't be seen or would command a terminal."""
    with pytest.raises(ConfigError) as refused:
        voice_name(given)
    assert refused.value.code == "bad_name"
    assert refused.value.remedy


def test_near_names_are_found_by_likeness_and_by_part() -> None:
    """A slip of the finger, a first name, other capitals; nothing where nothing is alike."""
    known = ["Ada Lovelace", "Alan Turing", "Grace Hopper"]
    assert near_names("Ada Lovelance", known)[0] == "Ada Lovelace"
    assert near_names("grace", known) == ["Grace Hopper"]
    assert near_names("ALAN TURING", known)[0] == "Alan Turing"
    assert near_names("qqqq", known) == []
    assert near_names("", known) == []
