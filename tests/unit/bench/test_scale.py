"""What the scaling benchmark makes of its measurements, from figures made up here."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bench.memory import Sample
from tests.bench.report import Measured, StageUse
from tests.bench.scale import arithmetic, efficiency, evenness, flatness
from tests.bench.scale.__main__ import main
from tests.bench.scale.arithmetic import KINDS, SHARED_EXIT, Cluster, Rate, Rates
from tests.bench.scale.efficiency import Workers
from tests.bench.scale.evenness import Chain, Uneven
from tests.bench.scale.flatness import Streamed
from tests.bench.scale.ids_line import NOWHERE, items

MB = 1_000_000
STAGES = (StageUse("Transcribe", actors=4, items=80, failed=0, busy_share=0.96, blocked_share=0.0),)


def with_workers(n: int, speech_s: float, *, work_s: float = 400.0, n_videos: int = 30) -> Workers:
    line = Measured(
        "b", n_videos, 1.2 * speech_s, speech_s, work_s, start_up_s=40.0, cpu_share=0.6,
        parts_s={"until the first slice is transcribed": 21.0}, stages=STAGES,
    )  # fmt: skip
    return Workers(n, 18.0, 30, line)


def test_efficiency_is_of_so_many_times_what_one_does_alone() -> None:
    """In hours of speech: 27,360 s of it in 400 s on four of 18 h/h are 0.95, however much silence lies between."""
    four = with_workers(4, 27_360.0)
    assert (four.limit_h_per_h, four.line_h_per_h) == (72.0, pytest.approx(68.4))
    assert four.efficiency == pytest.approx(0.95)
    assert with_workers(4, 0.0, work_s=0.0).efficiency == 0.0


def test_four_recognisers_are_judged_and_others_only_shown() -> None:
    """Eight on two cores may be bound by them."""
    poor = [with_workers(n, 0.8 * n * 18.0 * 400.0) for n in (1, 2, 4, 8)]
    (fault,) = efficiency.faults(poor)
    assert fault.startswith("4 recognisers keep 0.800")
    assert not list(efficiency.faults([with_workers(4, 27_360.0), with_workers(8, 1000.0)]))
    table = "\n".join(efficiency.lines(poor))
    assert table.startswith("SIMULATION") and "busiest: Transcribe 96%" in table
    assert all(f"{n} worker" in table for n in (1, 2, 4, 8))


def test_a_run_that_lost_videos_or_rows_is_no_measurement() -> None:
    """It would look fast."""
    lost = with_workers(2, 14_400.0, n_videos=29)
    failed = replace(lost.line, n_videos=30, stages=(replace(STAGES[0], failed=3),))
    told = list(efficiency.faults([lost, replace(lost, line=failed)]))
    assert told == ["2 recognisers: 29 of 30 videos are stored", "2 recognisers: rows failed in Transcribe 3"]


UNEVEN = Uneven(
    n_videos=51, n_stored=51, n_workers=4, speed_h_per_h=24.0, speech_s=23_616.0, audio_s=27_600.0, long_s=21_600.0,
    chain=Chain(fetch_s=9.0, prepare_s=206.0, last_slice_s=12.0), took_s=270.0, start_up_s=35.0,
)  # fmt: skip


def test_the_ideal_shares_the_work_evenly_unless_one_chain_is_longer() -> None:
    """23,616 s of speech on four of 24 h/h are 246 s; a slow decoder alone may need more."""
    assert (UNEVEN.shared_s, UNEVEN.ideal_s) == (pytest.approx(246.0), pytest.approx(246.0))
    assert UNEVEN.ratio == pytest.approx(1.0976, abs=1e-4)
    slow = replace(UNEVEN, chain=replace(UNEVEN.chain, prepare_s=300.0))
    assert slow.ideal_s == 321.0
    assert "which is the recognisers' work" in list(evenness.lines(UNEVEN))[-1]
    assert "which is the long video's own chain" in list(evenness.lines(slow))[-1]


def test_a_tail_that_takes_too_long_is_a_fault() -> None:
    """As are videos that were lost."""
    assert not list(evenness.faults(UNEVEN))
    (late,) = evenness.faults(replace(UNEVEN, took_s=284.0))
    assert late.startswith("the run took 1.154 times the ideal")
    assert list(evenness.faults(replace(UNEVEN, n_stored=50))) == ["50 of 51 videos are stored"]


def looks(*megabytes: float, n_ids: int = 1000) -> tuple[Sample, ...]:
    """One at each hundredth of the ids, and one after the last had ended; memory in four steps."""
    found = [
        Sample(float(n), n * n_ids // 100, {"driver": int(megabytes[min(3, n // 25)] * MB)})
        for n in range(100)
    ]
    return (*found, Sample(100.0, n_ids, {"driver": 1}))


STREAMED = Streamed(
    1000, 20, 0, looks(200.0, 210.0, 215.0, 218.0), asked_s=9.0, ready_s=34.0, first_slice_s=41.0, last_s=534.0,
    ended={"skipped": 980, "stored": 20},
)  # fmt: skip


def test_a_quarters_memory_is_that_at_its_end() -> None:
    """Within the last twentieth; what the driver held as it was closing counts nowhere."""
    assert flatness.at_quarter(STREAMED.samples, 1000, 0.25, "driver") == 200 * MB
    assert flatness.at_quarter(STREAMED.samples, 1000, 1.0, "driver") == 218 * MB
    few = (Sample(0.0, 10, {"driver": 5}), Sample(1.0, 980, {"driver": 7}))
    assert [flatness.at_quarter(few, 1000, quarter, "driver") for quarter in (0.25, 1.0)] == [None, 7]


def test_memory_and_the_first_slice_have_bounds() -> None:
    """A tenth more than in the first quarter, and a minute from the program's start."""
    assert STREAMED.growth == pytest.approx(1.09) and STREAMED.ids_per_s == 2.0
    assert not list(flatness.faults(STREAMED))
    grown = replace(STREAMED, samples=looks(200.0, 210.0, 220.0, 222.0), first_slice_s=60.5)
    first, second = flatness.faults(grown)
    assert first.startswith("the driver's memory grew to 1.110") and second.startswith(
        "the first slice came after 60.5 s"
    )
    assert "driver, last quarter over the first: 1.090" in "\n".join(flatness.lines(STREAMED))


def test_a_stream_that_was_not_looked_at_or_not_ended_is_no_measurement() -> None:
    """Nothing is judged flat that nobody saw."""
    unseen = replace(STREAMED, samples=(), ended={"skipped": 979, "stored": 20, "failed": 1}, exit_code=1)
    told = list(flatness.faults(unseen))
    assert [each.split()[0] for each in told] == ["the", "the", "no"] and "979" in told[1]


def test_ids_with_media_are_spread_among_the_others(tmp_path: Path) -> None:
    """The first comes at once, so that the first slice can; every id is another one; the end is noted."""
    found = list(items(["https://example.org/a.webm", "https://example.org/b.webm"], 10, tmp_path / "asked"))
    with_media = [number for number, item in enumerate(found) if not item.url.startswith(NOWHERE)]
    assert with_media == [0, 5] and len({item.video_id for item in found}) == 10
    assert (tmp_path / "asked").exists()


RATES = Rates(
    small=4000.0, slices=200.0, videos=80.0, claimed=2000.0, entries=10_000.0, permits=1000.0, object_bytes=5e8,
    tasks=400.0, sourced=90.0, reports=2500.0, slice_bytes=150_000.0,
)  # fmt: skip


def test_a_thousand_gpus_are_reckoned_in_videos_slices_and_transactions() -> None:
    """150,000 h/h in quarters of an hour are 167 videos a second with three slices each."""
    cluster = Cluster()
    assert cluster.slices_per_video == 3
    assert (cluster.videos_per_s, cluster.slices_per_s) == (
        pytest.approx(166.67, abs=0.01),
        pytest.approx(500.0),
    )
    assert cluster.youtube_h_per_h == 60.0
    needed = {load.what: load.needed for load in arithmetic.loads(cluster, RATES)}
    assert needed["small transactions"] == pytest.approx(166.667 * 21 + 500 * 9, rel=1e-4)
    assert needed["permits"] == pytest.approx(166.7, abs=0.1)
    assert needed["rows handed to actors by one driver"] == pytest.approx(2500.0)
    assert needed["videos given by one source"] == cluster.videos_per_s
    assert needed["reports to one scoreboard"] == pytest.approx(5000.0)


def test_what_shares_the_database_adds_up_and_the_rest_stands_by_itself() -> None:
    """The first to break is whatever is needed most beyond what it does."""
    found = arithmetic.loads(Cluster(), RATES)
    whole = arithmetic.database(found)
    assert whole.times == pytest.approx(2.0 + 2.5 + 2.0833 + 0.0833 + 0.0167 + 0.1667, abs=0.01)
    assert arithmetic.breaks_first(found) == whole
    slow_driver = arithmetic.loads(Cluster(), replace(RATES, tasks=100.0))
    first = arithmetic.breaks_first(slow_driver)
    assert first.what == "rows handed to actors by one driver"
    assert arithmetic.n_gpus_served(Cluster(), first) == pytest.approx(40.0)
    without_ray = replace(RATES, tasks=None, sourced=None, reports=None)
    assert all(load.in_database for load in arithmetic.loads(Cluster(), without_ray))


def test_the_best_of_each_kind_is_reckoned_with() -> None:
    """Whatever the number of connections; a kind that is missing is no zero."""
    measured = [Rate(kind, n, 10.0 * n) for kind in KINDS for n in (1, 4)] + [Rate("videos", 16, 35.0)]
    best = arithmetic.best(measured, 150_000.0)
    assert (best.small, best.videos, best.permits) == (40.0, 40.0, 40.0)
    table = list(arithmetic.rate_lines(measured))
    assert len(table) == 1 + len(KINDS) and table[0].split()[-3:] == ["1", "4", "16"]
    assert KINDS[SHARED_EXIT] in table[-1]
    with pytest.raises(ValueError, match="empty"):
        arithmetic.best([rate for rate in measured if rate.kind != "permits"], 1.0)


def test_the_arithmetic_is_told_and_can_be_kept() -> None:
    """What breaks first, how large the ledger grows and what YouTube allows stand in it."""
    text = "\n".join(arithmetic.lines(Cluster(), RATES))
    assert "of these breaks first: the database, all of this at once, at about 146 GPUs" in text
    assert "75 MB a second, 6.5 TB a day" in text and "40% of what its node's GPU does" in text
    assert json.dumps([asdict(RATES), asdict(STREAMED), asdict(UNEVEN), asdict(with_workers(4, 1.0))])


def test_help_says_what_is_measured_and_numbers_are_checked() -> None:
    """Without starting anything."""
    told = CliRunner().invoke(main, ["--help"])
    assert told.exit_code == 0 and all(part in told.output for part in ("workers", "tail", "ids", "rates"))
    wrong = CliRunner().invoke(main, ["--workers", "1,none"])
    assert wrong.exit_code == 2 and "whole numbers" in wrong.output
