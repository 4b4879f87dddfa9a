"""``run.py voices`` as a user meets it: the shipped voice model, the shipped speech, a home and a process of its own."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from command import ROOT, Answer, earmark
from psycopg.rows import dict_row

from actors.store.embedded import ensure_server
from tests.encoding import Encoding, read_speech, write_media
from tests.media_server import MediaServer

pytestmark = pytest.mark.timeout(900)

SPEECH = ROOT / "configs" / "demo" / "speech"
DEMO = ("--profile", "demo")
ANNA_ALONE, MICHAEL_ALONE, MARK_ALONE = "strings-and-keys.m4a", "wind-and-snow.ogg", "rockets-and-moons.webm"
ANNA_AND_MICHAEL = "soup-for-the-rabbit.mp3"


@dataclass
class Story:
    """Enrolling, ingesting and removing in one home; each answer by a name."""

    home: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    labels: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def do(self, name: str, *arguments: str) -> Answer:
        self.answers[name] = earmark(self.home, *arguments, *DEMO)
        return self.answers[name]

    def voices(self, name: str, *arguments: str) -> Answer:
        return self.do(name, "voices", *arguments)

    def json(self, name: str) -> Any:
        return self.answers[name].json

    def keep_labels(self, name: str) -> None:
        self.labels[name] = self.rows(
            """select s.title, g.ordinal, g.text, g.start_s, g.end_s, g.speaker, g.speaker_method, g.speaker_score
               from segments g join sources s using (source_id) order by 1, 2"""
        )

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(ensure_server(self.home / "postgres"), row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    tale = Story(home)
    try:
        _enrol(tale)
        _ingest(tale)
        _remove(tale)
        yield tale
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)


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


def _ingest(tale: Story) -> None:
    tale.do("ingested", "ingest", str(SPEECH / ANNA_AND_MICHAEL), str(SPEECH / MARK_ALONE), "--json")
    tale.keep_labels("ingested")
    tale.do("search", "search", "the rabbit and the soup", "--speaker", "ANNA", "--json")
    tale.do("search nobody", "search", "the rabbit", "--speaker", "Ana")
    tale.do("status", "status", "--json")
    tale.do("status text", "status")
    tale.voices(
        "mark", "enroll", "Mark", str(SPEECH / MARK_ALONE), str(SPEECH / "servers-and-robots.webm"), "--json"
    )
    tale.do("foreseen", "reprocess", "--from", "identify", "--dry-run", "--json")
    tale.do("relabelled", "reprocess", "--from", "identify", "--json")
    tale.keep_labels("relabelled")
    video = next(
        row["source_id"] for row in tale.rows("select source_id, title from sources where title ~ 'rockets'")
    )
    tale.do("video", "show", video)


def _remove(tale: Story) -> None:
    exported = tale.home / "voices.json"
    exported.write_text(tale.answers["exported"].out, encoding="utf-8")
    tale.voices("removed", "remove", "anna", "--json")
    tale.keep_labels("removed")
    tale.voices("removed again", "remove", "Anna")
    tale.voices("import taken", "import", str(exported))
    tale.voices("left", "list", "--json")
    one = json.loads(tale.answers["exported"].out)
    one["voices"] = [each for each in one["voices"] if each["name"] == "Anna"]
    exported.write_text(json.dumps(one), encoding="utf-8")
    tale.voices("imported", "import", str(exported), "--json")
    other = json.dumps(one).replace("ecapa-tiny-espeak", "spkrec-ecapa-voxceleb")
    exported.write_text(other, encoding="utf-8")
    tale.voices("import other", "import", str(exported), "--replace")
    # Two neighbours of one voice, as if they had been taken for two people: they must be cut again.
    tale.rows(
        "update segments set speaker = 'Speaker 7', speaker_method = 'cluster' where ordinal = 0 returning 1"
    )
    tale.do("cut again", "reprocess", "--from", "identify", "--json")
    tale.keep_labels("cut again")


def shares(labels: list[dict[str, Any]], title: str) -> dict[str | None, float]:
    """Share of a talk's spoken seconds by speaker."""
    own = [row for row in labels if title in row["title"]]
    whole = sum(row["end_s"] - row["start_s"] for row in own)
    found: dict[str | None, float] = {}
    for row in own:
        found[row["speaker"]] = found.get(row["speaker"], 0.0) + (row["end_s"] - row["start_s"]) / whole
    return found


def test_an_enrolment_says_what_it_rests_on(story: Story) -> None:
    """Speech, windows, threshold; no voice to compare with at first, and a figure as soon as there is one."""
    assert story.answers["anna"].code == 0, story.answers["anna"].err
    anna, michael, mark = (story.json(name) for name in ("anna", "michael", "mark"))
    assert anna["speech_s"] > 60 and anna["calibration"]["eer"] is None
    assert "no other voice" in anna["calibration"]["basis"]
    assert michael["calibration"]["nearest"] == "Anna" and michael["calibration"]["eer"] < 0.05
    assert mark["calibration"]["n_other_voices"] >= 2 and mark["calibration"]["mistaken"] == 0
    assert all(0.5 < each["threshold"] < 0.95 for each in (anna, michael, mark))
    assert [source["n_windows"] > 10 for source in mark["sources"]] == [True, True]


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
        ("search nobody", 2, "Did you mean Anna?"),
        ("removed again", 2, "no voice named Anna"),
        ("import taken", 2, "a voice named Michael already"),
        ("import other", 2, "spkrec-ecapa-voxceleb"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(story: Story, name: str, code: int, said: str) -> None:
    """One line on standard error, no traceback, nothing on standard output."""
    answer = story.answers[name]
    assert (answer.code, answer.out) == (code, ""), answer.err
    assert said in answer.err and "Traceback" not in answer.err


def test_refused_voices_are_not_kept(story: Story) -> None:
    """Only those who were enrolled are listed."""
    assert story.json("none") == {"voices": []}
    listed = story.answers["listed"].out.splitlines()
    assert [line.split(" · ")[0] for line in listed] == ["Anna", "Michael"]


def test_a_source_from_the_web_is_kept_without_its_secret(story: Story) -> None:
    """Where it was heard stands in the profile; the token of the address doesn't."""
    (source,) = story.json("shown json")["sources"]
    assert source["source"].endswith("/talk.ogg?token=***")
    assert (source["from_s"], source["to_s"]) == (5.0, 130.0)
    assert "from 0:05 to 2:10" in story.answers["shown"].out
    everything = "".join(answer.out + answer.err for answer in story.answers.values())
    assert "sesame" not in everything


def test_a_test_tells_a_voice_from_another(story: Story) -> None:
    """Nearly all windows of her own talk, none of somebody else's."""
    own, other = story.json("tested")["sources"]
    assert own["accepted"] > 0.9 and other["accepted"] == 0
    assert own["score"]["p5"] > other["score"]["p95"]


def test_no_vector_is_shown_but_by_export(story: Story) -> None:
    """Nor does any log of the home hold one."""
    numbers = [
        repr(value)[:9] for voice in story.json("exported")["voices"] for value in voice["centroid"][:8]
    ]
    for name, answer in story.answers.items():
        if name != "exported":
            assert not any(number in answer.out + answer.err for number in numbers), name
    for log in story.home.rglob("*.log"):
        text = log.read_text(encoding="utf-8", errors="replace")
        assert not any(number in text for number in numbers), log


def test_enrolled_voices_are_recognised_in_a_conversation(story: Story) -> None:
    """Two who are enrolled by their names, one who isn't by a number; nobody by the name of another."""
    assert story.answers["ingested"].code == 0, story.answers["ingested"].err
    talk = shares(story.labels["ingested"], "soup")
    assert talk.get("Anna", 0) > 0.35 and talk.get("Michael", 0) > 0.3
    assert set(talk) <= {"Anna", "Michael", None}
    alone = shares(story.labels["ingested"], "rockets")
    assert alone.get("Speaker 1", 0) > 0.9 and set(alone) <= {"Speaker 1", None}


def test_hours_by_speaker_stand_in_the_summary_and_in_status(story: Story) -> None:
    """Of the run, and of the corpus."""
    for name in ("ingested", "status"):
        spoken = {(each["kind"], each["name"]): each["hours"] for each in story.json(name)["speakers"]}
        assert spoken[("voice", "Anna")] > 0.01 and spoken[("not enrolled", None)] > 0.02, name
    assert (
        "Spoken by: " in story.answers["status text"].out and "Anna 0.0" in story.answers["status text"].out
    )


def test_search_finds_what_one_speaker_said(story: Story) -> None:
    """In any capitals."""
    hits = story.json("search")["hits"]
    assert hits and {hit["speaker"] for hit in hits} == {"Anna"}


def test_a_later_enrolment_reaches_what_is_stored(story: Story) -> None:
    """Without audio, a recogniser or Ray: no run is made, and not a word is cut otherwise."""
    foreseen, done = story.json("foreseen")["relabelled"], story.json("relabelled")["relabelled"]
    assert {**foreseen, "wall_s": 0} == {**done, "wall_s": 0}
    assert done["to_cut"] == [] and done["segments"] >= 3
    assert "run" not in story.json("relabelled")
    alone = shares(story.labels["relabelled"], "rockets")
    assert alone.get("Mark", 0) > 0.9 and set(alone) <= {"Mark", None}
    kept = [
        [(row["title"], row["text"], row["start_s"]) for row in story.labels[name]]
        for name in ("ingested", "relabelled")
    ]
    assert kept[0] == kept[1]
    assert "Speakers: Mark " in story.answers["video"].out


def test_a_removed_voice_is_nowhere(story: Story) -> None:
    """What she said is unknown, and says why; the others keep their names."""
    removed = story.json("removed")
    hers = [row for row in story.labels["relabelled"] if row["speaker"] == "Anna"]
    assert removed == {"removed": "Anna", "segments": len(hers)} and hers
    after = {(row["title"], row["ordinal"]): row for row in story.labels["removed"]}
    for row in story.labels["relabelled"]:
        now = after[(row["title"], row["ordinal"])]
        if row["speaker"] == "Anna":
            assert (now["speaker"], now["speaker_score"], now["speaker_method"]) == (
                None,
                None,
                "unknown: voice removed",
            )
        else:
            assert now["speaker"] == row["speaker"]
    assert [voice["name"] for voice in story.json("left")["voices"]] == ["Mark", "Michael"]


def test_an_export_comes_back(story: Story) -> None:
    """And what she said has her name again, the segments that had to be cut included."""
    assert story.json("imported") == {"imported": ["Anna"]}
    document = story.json("cut again")
    assert story.answers["cut again"].code == 0, story.answers["cut again"].err
    assert len(document["relabelled"]["to_cut"]) >= 1
    assert document["counts"]["stored"] == len(document["relabelled"]["to_cut"])
    assert "Prepare" not in document["stages"] and "Transcribe" not in document["stages"]
    talk = shares(story.labels["cut again"], "soup")
    assert talk.get("Anna", 0) > 0.35 and "Speaker 7" not in talk
