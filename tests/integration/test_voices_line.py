"""Enrolled voices and the line: recognised when a video is ingested, found later in what is stored, and removed."""

from collections.abc import Iterator
from typing import Any

import pytest
from voices_story import ANNA_ALONE, ANNA_AND_MICHAEL, MARK_ALONE, MICHAEL_ALONE, SPEECH, Story, story

pytestmark = pytest.mark.timeout(1_800)


@pytest.fixture(scope="module")
def tale() -> Iterator[Story]:
    with story() as begun:
        begun.voices("anna", "enroll", "Anna", str(SPEECH / ANNA_ALONE), "--json")
        begun.voices("michael", "enroll", "Michael", str(SPEECH / MICHAEL_ALONE), "--json")
        begun.voices("exported", "export", "Anna")
        _ingest(begun)
        _remove(begun)
        yield begun


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
    tale.voices("removed", "remove", "anna", "--json")
    tale.keep_labels("removed")
    exported.write_text(tale.answers["exported"].out, encoding="utf-8")
    tale.voices("imported", "import", str(exported), "--json")
    # Two people's words in one segment, as if nobody had asked who speaks: it must be cut again.
    tale.rows(
        """with pair as (
             select one.source_id, one.ordinal from segments one
             join segments next on next.source_id = one.source_id and next.ordinal = one.ordinal + 1
             where one.speaker is distinct from next.speaker order by 1, 2 limit 1
           ), gone as (
             delete from segments g using pair
             where g.source_id = pair.source_id and g.ordinal = pair.ordinal + 1 returning g.*
           )
           update segments s set text = s.text || ' ' || gone.text, end_s = gone.end_s,
                                 n_words = s.n_words + gone.n_words
           from gone where s.source_id = gone.source_id and s.ordinal = gone.ordinal - 1 returning 1"""
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


def test_enrolled_voices_are_recognised_in_a_conversation(tale: Story) -> None:
    """Two who are enrolled by their names, one who isn't by a number; nobody by the name of another."""
    assert tale.answers["ingested"].code == 0, tale.answers["ingested"].err
    talk = shares(tale.labels["ingested"], "soup")
    assert talk.get("Anna", 0) > 0.35 and talk.get("Michael", 0) > 0.3
    assert set(talk) <= {"Anna", "Michael", None}
    alone = shares(tale.labels["ingested"], "rockets")
    assert alone.get("Speaker 1", 0) > 0.9 and set(alone) <= {"Speaker 1", None}


def test_voices_of_the_corpus_calibrate_a_later_enrolment(tale: Story) -> None:
    """Those who are surely somebody else; what sounds like the very person is set aside. Two sources make one voice."""
    mark = tale.json("mark")
    rests_on = mark["calibration"]
    assert rests_on["n_other_voices"] > 2 and rests_on["mistaken"] == 0 and rests_on["eer"] == 0
    assert rests_on["n_set_aside"] > 10
    assert [source["n_windows"] > 10 for source in mark["sources"]] == [True, True]


def test_hours_by_speaker_stand_in_the_summary_and_in_status(tale: Story) -> None:
    """Of the run, and of the corpus."""
    for name in ("ingested", "status"):
        spoken = {(each["kind"], each["name"]): each["hours"] for each in tale.json(name)["speakers"]}
        assert spoken[("voice", "Anna")] > 0.01 and spoken[("not enrolled", None)] > 0.02, name
    assert "Spoken by: " in tale.answers["status text"].out and "Anna 0.0" in tale.answers["status text"].out


def test_search_finds_what_one_speaker_said(tale: Story) -> None:
    """In any capitals."""
    hits = tale.json("search")["hits"]
    assert hits and {hit["speaker"] for hit in hits} == {"Anna"}


def test_a_later_enrolment_reaches_what_is_stored(tale: Story) -> None:
    """Without audio, a recogniser or Ray: no run is made, and not a word is cut otherwise."""
    foreseen, done = tale.json("foreseen")["relabelled"], tale.json("relabelled")["relabelled"]
    assert {**foreseen, "wall_s": 0} == {**done, "wall_s": 0}
    assert done["to_cut"] == [] and done["segments"] >= 3
    assert "run" not in tale.json("relabelled")
    alone = shares(tale.labels["relabelled"], "rockets")
    assert alone.get("Mark", 0) > 0.9 and set(alone) <= {"Mark", None}
    kept = [
        [(row["title"], row["text"], row["start_s"]) for row in tale.labels[name]]
        for name in ("ingested", "relabelled")
    ]
    assert kept[0] == kept[1]
    assert "Speakers: Mark " in tale.answers["video"].out


def test_a_removed_voice_is_nowhere(tale: Story) -> None:
    """What she said is unknown, and says why; the others keep their names."""
    removed = tale.json("removed")
    hers = [row for row in tale.labels["relabelled"] if row["speaker"] == "Anna"]
    assert removed == {"removed": "Anna", "segments": len(hers)} and hers
    after = {(row["title"], row["ordinal"]): row for row in tale.labels["removed"]}
    for row in tale.labels["relabelled"]:
        now = after[(row["title"], row["ordinal"])]
        if row["speaker"] == "Anna":
            assert (now["speaker"], now["speaker_score"], now["speaker_method"]) == (
                None,
                None,
                "unknown: voice removed",
            )
        else:
            assert now["speaker"] == row["speaker"]


def test_an_export_comes_back(tale: Story) -> None:
    """And what she said has her name again, the segments that had to be cut included."""
    assert tale.json("imported") == {"imported": ["Anna"]}
    document = tale.json("cut again")
    assert tale.answers["cut again"].code == 0, tale.answers["cut again"].err
    assert len(document["relabelled"]["to_cut"]) >= 1
    assert document["counts"]["stored"] == len(document["relabelled"]["to_cut"])
    assert "Prepare" not in document["stages"] and "Transcribe" not in document["stages"]
    talk = shares(tale.labels["cut again"], "soup")
    assert talk.get("Anna", 0) > 0.35
    said = [
        [(row["title"], row["text"]) for row in tale.labels[name]] for name in ("relabelled", "cut again")
    ]
    assert said[0] == said[1]
