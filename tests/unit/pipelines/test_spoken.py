"""Hours by speaker, as a person reads them."""

from actors.store.speakers import Spoken
from pipelines.spoken import NAMED, speakers_of, spoken_document, told

VOICES = [Spoken("voice", "Ada", 1.5, 10, 2), Spoken("voice", "Bob", 0.25, 3, 1)]


def line(*spoken: Spoken) -> str:
    (only,) = told(spoken_document(spoken))
    return only


def test_enrolled_voices_are_named_and_the_others_summed() -> None:
    """``Speaker 1`` of two videos are two people: they have no line of their own."""
    rest = (
        Spoken("not enrolled", None, 0.1, 2, 2),
        Spoken("unknown", "too short", 0.05, 1, 1),
        Spoken("unknown", "mixed", 0.02, 1, 1),
    )
    assert line(*VOICES, *rest) == (
        "Spoken by: Ada 1.50 h, Bob 0.25 h, not enrolled 0.10 h, unknown 0.07 h (too short 0.05 h, mixed 0.02 h)"
    )


def test_a_line_stays_a_line_whoever_is_enrolled() -> None:
    """Voices beyond the first dozen are counted."""
    many = [Spoken("voice", f"V{n:02}", 1.0, 1, 1) for n in range(NAMED + 3)]
    assert line(*many).endswith("V11 1.00 h, 3 more voices 3.00 h")


def test_an_empty_corpus_says_nothing() -> None:
    """No line without a number in it."""
    assert list(told([])) == []


def test_speakers_of_a_video_come_with_their_seconds() -> None:
    """An enrolled voice is told from a label that merely looks like a name."""
    segments = [
        {"speaker": "Ada", "speaker_method": "profile", "start_s": 0.0, "end_s": 10.0},
        {"speaker": "Speaker 1", "speaker_method": "cluster", "start_s": 10.0, "end_s": 14.0},
        {"speaker": None, "speaker_method": "unknown: too short", "start_s": 14.0, "end_s": 15.0},
        {"speaker": "Ada", "speaker_method": "fast path", "start_s": 15.0, "end_s": 16.5},
    ]
    assert speakers_of(segments) == [
        {"speaker": "Ada", "enrolled": True, "seconds": 11.5, "segments": 2},
        {"speaker": "Speaker 1", "enrolled": False, "seconds": 4.0, "segments": 1},
        {"speaker": None, "enrolled": False, "seconds": 1.0, "segments": 1},
    ]
