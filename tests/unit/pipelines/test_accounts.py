"""What adds up and what doesn't, from sums made up here."""

from dataclasses import replace

import pytest

from actors.rows import RunId
from actors.store.accounting import BadSegment, LeftOpen, SegmentSums, VideoSums, Wordless
from actors.store.standing import Asked
from configs.report import ReportSettings
from pipelines import present
from pipelines.accounts import NAMED, account
from pipelines.outcome import Outcome
from pipelines.quality import judge, missed, share, told
from tests.unit.pipelines.counts import run_counts

WHOLE = VideoSums("v", True, n_segments=5, n_vectors=5, n_words_in=100, n_words_out=90, n_words_collapsed=10, n_slices=3, n_slices_said=3, last_slice=2)  # fmt: skip
COUNTS = run_counts(to_do=3, stored=1, skipped=1, failed=1)
SUMS = SegmentSums(200, 200, 200, 200, 0, n_under=10, n_over=2, n_flagged=3, lengths=(400, 1200, 1390), flags={"loop": 2, "sparse": 1})  # fmt: skip

NO_WORDLESS = Wordless(0.0, 3600.0, 0, ())


def outcome(*videos: VideoSums, counts=COUNTS, open_rows=(), interrupted=False, quality=None) -> dict:
    accounts = account(counts, open_rows, videos, interrupted=interrupted)
    ended = Outcome(RunId(7), Asked(), counts, 1.0, 1.0, interrupted, accounts=accounts, quality=quality)
    return present.outcome_document(ended, [], ReportSettings())


def test_totals_are_the_sums_over_all_videos():
    """Videos, slices, segments, vectors and words."""
    accounts = account(COUNTS, [], [WHOLE, replace(WHOLE, video_id="w", n_words_in=95, n_words_collapsed=5)], interrupted=False)  # fmt: skip
    assert accounts.document()["words"] == {"in": 195, "out": 180, "collapsed": 15}
    assert (accounts.totals.videos, accounts.totals.slices, accounts.totals.vectors) == (2, 6, 10)
    assert accounts.differences == ()


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"n_vectors": 4}, "vectors"),
        ({"n_vectors": 6}, "vectors"),
        ({"n_segments": 0, "n_vectors": 0}, "vectors"),
        ({"n_words_out": 89}, "words"),
        ({"n_words_in": 99}, "words"),
        ({"n_slices": 2}, "slices"),
        ({"last_slice": 3}, "slices"),
        ({"n_slices_said": None}, "slices"),
        ({"in_corpus": False}, "corpus"),
    ],
)
def test_each_kind_of_difference_is_told_apart(wrong, what):
    """One figure off by one: one difference, naming the video, and exit code 1."""
    document = outcome(replace(WHOLE, video_id="bad", **wrong), WHOLE)
    (found,) = document["accounts"]["differences"]
    assert (found["what"], found["n"]) == (what, 1)
    assert found["rows"][0].startswith("bad: ")
    assert present.exit_code({**document, "counts": {}}) == 1
    assert any("bad: " in line for line in present.outcome(document))


def test_the_first_twenty_are_named_and_all_are_counted():
    """However many there are, what is kept of them is bounded."""
    videos = (replace(WHOLE, video_id=f"v{n}", n_words_out=0) for n in range(1000))
    (found,) = account(COUNTS, [], videos, interrupted=False).differences
    assert (found.n, len(found.rows), found.rows[0][:3]) == (1000, NAMED, "v0:")
    assert "  and 980 more" in list(found.told())


def test_rows_that_went_in_and_came_out_nowhere_are_named():
    """Stored, skipped and failed don't make up what went in."""
    counts = run_counts(to_do=5, stored=1, skipped=1, failed=1, pending=2)
    document = outcome(
        counts=counts, open_rows=[LeftOpen("x", "pending", None), LeftOpen("y", "running", "embed")]
    )
    (found,) = document["accounts"]["differences"]
    assert found["rows"] == ["x: pending", "y: running in embed"]
    assert present.exit_code(document) == 1


def test_a_stopped_run_may_leave_rows():
    """Ctrl-C is no fault of the books; the exit code says that it was stopped."""
    counts = run_counts(to_do=5, stored=1, pending=4)
    document = outcome(counts=counts, interrupted=True)
    assert document["differences"] == []
    assert present.exit_code(document) == 130


def test_what_another_run_has_in_hand_is_not_lost():
    """Two runs that share the work both add up."""
    assert outcome(counts=run_counts(to_do=4, stored=1, held_elsewhere=3))["differences"] == []


def test_a_run_that_adds_up_is_a_success():
    """No difference, exit code 0."""
    document = outcome(WHOLE, counts=run_counts(to_do=1, stored=1), quality=judge(SUMS, NO_WORDLESS, {}))
    assert present.exit_code(document) == 0
    lines = "\n".join(present.outcome(document))
    assert "3 slices, 100 words in, 90 out and 10 left out as loops; 5 segments, 5 vectors" in lines
    assert "100 % with a vector" in lines


def test_a_gate_under_its_bound_is_an_error_that_names_segments():
    """One segment of 200 without a vector."""
    sums = replace(SUMS, n_with_vector=199)
    assert missed(sums) == ["vector"]
    quality = judge(sums, NO_WORDLESS, {"vector": [BadSegment("v", 7)]})
    document = outcome(WHOLE, counts=run_counts(to_do=1, stored=1), quality=quality)
    assert present.exit_code(document) == 1
    assert document["quality"]["differences"][0]["rows"] == ["v segment 7"]
    assert any("1 of 200 segments have no vector" in line for line in present.outcome(document))


def test_one_in_a_million_short_of_all_does_not_read_as_all():
    """Shares are rounded down."""
    assert share(999_999, 1_000_000) < 1
    assert share(0, 0) is None


def test_lengths_and_flags_are_reported_and_never_fail_a_run():
    """Under, within, over; percentiles; flags by name."""
    quality = judge(SUMS, NO_WORDLESS, {})
    lines = "\n".join(told(quality.document()))
    assert quality.differences == ()
    assert "94 % within the bounds, 5 % under, 1 % over" in lines
    assert "400/1200/1390" in lines and "2 loop, 1 sparse" in lines


def test_speech_without_a_word_is_told_and_names_the_worst():
    """Seconds, share and videos; nothing where there is none."""
    quality = judge(SUMS, Wordless(90.0, 3600.0, 7, ("a", "b")), {})
    (line,) = [line for line in told(quality.document()) if "without a word" in line]
    assert line == "Speech without a word: 90 s (2.5 %) in 7 videos, most of it in a, b, …"
    assert not any("without a word" in line for line in told(judge(SUMS, NO_WORDLESS, {}).document()))


def test_the_figures_kept_of_a_run_hold_its_books_and_gates():
    """What `status` shows of the last run."""
    accounts = account(COUNTS, [], [WHOLE], interrupted=False)
    figures = Outcome(
        RunId(7), Asked(), COUNTS, 1.0, 1.0, accounts=accounts, quality=judge(SUMS, NO_WORDLESS, {})
    ).figures()
    assert figures["accounts"]["segments"] == 5
    assert figures["quality"]["shares"] == {"asr": 1.0, "vector": 1.0, "speaker": 1.0}
