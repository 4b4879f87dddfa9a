"""``run.py voices`` as a user meets it: the shipped voice model, the shipped speech, a home and a process of its own."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from voices_story import (
    ANNA_ALONE,
    ANNA_AND_MICHAEL,
    MARK_ALONE,
    MICHAEL_ALONE,
    SPEECH,
    Story,
    story,
)

from tests.encoding import Encoding, read_speech, write_media
from tests.media_server import MediaServer

pytestmark = pytest.mark.timeout(1_200)


@pytest.fixture(scope="module")
def tale() -> Iterator[Story]:
    with story() as begun:
        _enrol(begun)
        _remove(begun)
        yield begun


def _enrol(tale: Story) -> None:
    noisy = tale.home / "noisy.wav"
    clean = read_speech(SPEECH / ANNA_ALONE).astype(np.float64)
    hiss = np.random.default_rng(0).standard_normal(len(clean)) * np.sqrt(np.mean(clean**2))
    tale.home.mkdir(exist_ok=True)
    write_media(noisy, np.clip(clean + hiss, -32_768, 32_767).astype(np.int16), Encoding("pcm_s16le", 16_000))
    tale.voices("none", "list", "--json")
    tale.voices("anna", "enroll", "Anna", str(SPEECH / ANNA_ALONE), "--json")
    tale.voices("anna again", "enroll", "anna", str(SPEECH / ANNA_ALONE))
    tale.voices("two voices", "enroll", "Both", str(SPEECH / ANNA_AND_MICHAEL), "--json")
    tale.voices("short", "enroll", "Brief", str(SPEECH / MARK_ALONE), "--to", "0:25")
    tale.voices("noisy", "enroll", "Noisy", str(noisy))
    tale.voices("silent", "enroll", "Nobody", str(SPEECH / MARK_ALONE), "--from", "1:00:00")
    tale.voices("no file", "enroll", "Nobody", "no-such-file.wav")
    tale.voices("folder", "enroll", "Nobody", str(SPEECH))
    with MediaServer() as server:
        url = server.add("/talk.ogg", (SPEECH / MICHAEL_ALONE).read_bytes(), content_type="audio/ogg")
        tale.voices(
            "michael", "enroll", "Michael", f"{url}?token=sesame", "--from", "5", "--to", "2:10", "--json"
        )
        tale.voices("gone", "enroll", "Gone", server.url("/nothing.ogg"))
    tale.voices("listed", "list")
    tale.voices("shown", "show", "michael")
    tale.voices("shown json", "show", "Michael", "--json")
    tale.voices("unknown", "show", "Micheal")
    tale.voices("tested", "test", "Anna", str(SPEECH / ANNA_ALONE), str(SPEECH / MARK_ALONE), "--json")
    tale.voices("exported", "export")


def _remove(tale: Story) -> None:
    exported = tale.home / "voices.json"
    tale.voices("removed", "remove", "anna", "--json")
    tale.voices("removed again", "remove", "Anna")
    one = json.loads(tale.answers["exported"].out)
    next(each for each in one["voices"] if each["name"] == "Michael")["vectors"].reverse()  # another one's
    exported.write_text(json.dumps(one), encoding="utf-8")
    tale.voices("import taken", "import", str(exported))
    tale.voices("left", "list", "--json")
    one["voices"] = [each for each in one["voices"] if each["name"] == "Anna"]
    exported.write_text(json.dumps(one), encoding="utf-8")
    tale.voices("imported", "import", str(exported), "--json")
    tale.voices("exported again", "export", "ANNA")
    other = json.dumps(one).replace("ecapa-tiny-espeak", "spkrec-ecapa-voxceleb")
    exported.write_text(other, encoding="utf-8")
    tale.voices("import other", "import", str(exported), "--replace")


def test_an_enrolment_says_what_it_rests_on(tale: Story) -> None:
    """Speech, windows, threshold; no voice to compare with at first, and a figure as soon as there is one."""
    assert tale.answers["anna"].code == 0, tale.answers["anna"].err
    anna, michael = (tale.json(name) for name in ("anna", "michael"))
    assert anna["speech_s"] > 60 and anna["calibration"]["eer"] is None
    assert "no other voice" in anna["calibration"]["basis"]
    assert michael["calibration"]["nearest"] == "Anna" and michael["calibration"]["eer"] < 0.05
    assert all(0.5 < each["threshold"] < 0.95 for each in (anna, michael))
    assert all(each["sources"][0]["n_windows"] > 10 for each in (anna, michael))


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("anna again", 2, "a voice named Anna already"),
        ("two voices", 1, "more than one voice is heard"),
        ("short", 1, "30 s are needed"),
        ("noisy", 1, "noisy"),
        ("silent", 1, "there is no speech between 3600 s and the end"),
        ("no file", 1, "no-such-file.wav"),
        ("folder", 1, "Name the files themselves"),
        ("gone", 1, "404"),
        ("unknown", 2, "Did you mean Michael?"),
        ("removed again", 2, "no voice named Anna"),
        ("import taken", 2, "a voice named Michael already"),
        ("import other", 2, "spkrec-ecapa-voxceleb"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(tale: Story, name: str, code: int, said: str) -> None:
    """One line on standard error, no traceback, nothing on standard output."""
    answer = tale.answers[name]
    assert (answer.code, answer.out) == (code, ""), answer.err
    assert said in answer.err and "Traceback" not in answer.err


def test_refused_voices_are_not_kept(tale: Story) -> None:
    """Only those who were enrolled are listed."""
    assert tale.json("none") == {"voices": []}
    listed = tale.answers["listed"].out.splitlines()
    assert [line.split(" · ")[0] for line in listed] == ["Anna", "Michael"]


def test_a_source_from_the_web_is_kept_without_its_secret(tale: Story) -> None:
    """Where it was heard stands in the profile; the token of the address doesn't."""
    (source,) = tale.json("shown json")["sources"]
    assert source["source"].endswith("/talk.ogg?token=***")
    assert (source["from_s"], source["to_s"]) == (5.0, 130.0)
    assert "from 0:05 to 2:10" in tale.answers["shown"].out
    everything = "".join(answer.out + answer.err for answer in tale.answers.values())
    assert "sesame" not in everything


def test_a_test_tells_a_voice_from_another(tale: Story) -> None:
    """Nearly all windows of her own talk, none of somebody else's."""
    own, other = tale.json("tested")["sources"]
    assert own["accepted"] > 0.9 and other["accepted"] == 0
    assert own["score"]["p5"] > other["score"]["p95"]


def test_no_vector_is_shown_but_by_export(tale: Story) -> None:
    """Nor does any log of the home hold one."""
    numbers = [
        repr(value)[:9] for voice in tale.json("exported")["voices"] for value in voice["centroid"][:8]
    ]
    for name, answer in tale.answers.items():
        if not name.startswith("exported"):
            assert not any(number in answer.out + answer.err for number in numbers), name
    for log in tale.home.rglob("*.log"):
        text = log.read_text(encoding="utf-8", errors="replace")
        assert not any(number in text for number in numbers), log


def test_an_export_comes_back_where_the_model_is_the_same(tale: Story) -> None:
    """What was removed is there again; a voice of another model isn't let in."""
    assert tale.json("removed") == {"removed": "Anna", "segments": 0}
    assert [voice["name"] for voice in tale.json("left")["voices"]] == ["Michael"]
    assert tale.json("imported") == {"imported": ["Anna"]}
    again = tale.json("exported again")["voices"][0]
    assert again["centroid"] == tale.json("exported")["voices"][0]["centroid"]
