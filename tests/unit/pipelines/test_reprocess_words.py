"""What ``reprocess`` says, and what a run's end says of videos that are still served."""

import pytest
from counts import run_counts

from actors.rows import RunId, VideoId
from actors.store.redo import Chosen
from actors.store.standing import Asked
from configs.report import ReportSettings
from pipelines import present
from pipelines.outcome import Outcome
from pipelines.reprocess import Intended, told


def chosen(name: str, *, whole: bool = True) -> Chosen:
    return Chosen(VideoId(name), f"Title of {name}", "https://example.org", "abc", "stored", whole)


def test_what_will_be_done_is_said_with_what_cannot_be() -> None:
    """How many, what is done with them, and how the others can be done."""
    first, second = Intended("segment", [chosen("a"), chosen("b")], [chosen("c", whole=False)]).lines()
    assert first.startswith("2 stored videos: cut into segments again") and "without audio or ASR" in first
    assert second.startswith("1 left out") and "--from prepare" in second
    assert Intended("embed", [chosen("a")], []).redo.videos == ("a",)


@pytest.mark.parametrize("videos", [[], [chosen("a")]])
def test_a_rehearsal_names_every_video(videos: list[Chosen]) -> None:
    """Also when there is none."""
    lines = list(told(Intended("prepare", videos, []).document()))
    assert lines[-1] == (
        "1 would be done again from prepare" if videos else "No stored video meets these conditions"
    )
    assert len(lines) == max(1, 2 * len(videos))


@pytest.mark.parametrize(
    ("more", "way"),
    [
        ({}, "the same command goes on"),
        ({"forced": True}, "the same command without --force goes on"),
        ({"from": "embed"}, "the same command with --where status=pending goes on"),
    ],
)
def test_an_interrupted_run_says_which_command_goes_on(more: dict[str, object], way: str) -> None:
    """The same one would begin forced work anew."""
    outcome = Outcome(RunId(1), Asked(), run_counts(), 1.0, 1.0, interrupted=True)
    assert way in "\n".join(present.outcome(present.outcome_document(outcome, [], ReportSettings()) | more))


def test_a_failed_video_that_is_still_served_says_so() -> None:
    """And only that one."""
    failed = [
        {
            "id": name,
            "code": "removed",
            "reason": "gone",
            "remedy": "",
            "in_corpus": name == "a",
            "not_before": None,
        }
        for name in "ab"
    ]
    outcome = Outcome(RunId(1), Asked(), run_counts(failed=2), 1.0, 1.0, failed=failed)
    lines = [
        line
        for line in present.outcome(present.outcome_document(outcome, [], ReportSettings()))
        if "failed a" in line or "failed b" in line
    ]
    assert ["earlier version is served" in line for line in lines] == [True, False]


def test_search_staying_with_another_model_is_said() -> None:
    """With the command that gives the new one the rest."""
    outcome = Outcome(RunId(1), Asked(), run_counts(), 1.0, 1.0, embed_model="new", search_model="old")
    text = "\n".join(present.outcome(present.outcome_document(outcome, [], ReportSettings())))
    assert "Search goes on with old" in text and "reprocess --from embed" in text
