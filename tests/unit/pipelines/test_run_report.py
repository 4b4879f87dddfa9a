"""A run's figures as a report: shares of the line's time, and what it cost."""

import pytest

from configs.report import ReportSettings
from pipelines.report import bounds_said, report_document, told

LINE_S = 100.0


def stage(
    busy_s: float, *, actors: int = 1, age_s: float = 110.0, audio_s: float = 7200.0, **more: object
) -> dict:
    return {
        "items": 10, "failed": 0, "actors": actors, "busy_s": busy_s, "blocked_s": 0.0, "paused_s": 0.0,
        "starved_s": max(0.0, age_s - busy_s), "database_s": 0.0, "age_s": age_s, "audio_s": audio_s,
        "load_s": 1.0, "bytes_out": 1000, "batches": 0, "batched": 0, "codes": {}, "p50_s": 0.5, "p99_s": 2.5,
        "queue_peak": 4, "held_back_s": 0.0, **more,
    }  # fmt: skip


FIGURES = {
    "audio_s": 7200.0, "line_s": LINE_S, "wall_s": 120.0, "speed_h_per_h": 72.0, "tail_s": 4.0, "scalings": [],
    "stages": {"Prepare": stage(40.0, held_back_s=50.0), "Transcribe": stage(96.0, actors=1)},
}  # fmt: skip


def test_shares_are_of_the_lines_time() -> None:
    """What an actor waited for before the first row is start, no share of the line."""
    found = report_document(FIGURES, ReportSettings())
    assert found["bottleneck"] == "Transcribe" and found["stages"]["Transcribe"]["busy"] == 0.96
    prepare = found["stages"]["Prepare"]
    assert (prepare["busy"], prepare["blocked"], prepare["starved"]) == (0.4, 0.5, pytest.approx(0.1))
    assert "Prepare before it was held up 50% of the time" in found["why"]
    assert found["stages"]["Transcribe"]["capacity_h_per_h"] == 75.0, "2 h in 96 s of work"
    assert found["tail_s"] == 4.0


def test_shares_never_come_to_more_than_the_time_there_was() -> None:
    """What was done before the first row is in the sums, and not in the line's time."""
    kept = {"Prefilter": stage(30.0, paused_s=90.0, held_back_s=40.0), "Store": stage(70.0, blocked_s=90.0)}
    for each in report_document(FIGURES | {"stages": kept}, ReportSettings())["stages"].values():
        parts = [each[part] for part in ("busy", "blocked", "paused", "starved")]
        assert sum(parts) == pytest.approx(1.0) and min(parts) >= 0.0


SOURCES = {
    "youtube": {"waited_s": 95.0, "held_s": 97.0, "sites": {"youtube": 95.0}},
    "other_sources": {"waited_s": 0.0, "held_s": 0.0, "sites": {}},
}


def test_a_source_that_was_waited_for_binds() -> None:
    """YouTube's 62 h/h before a card that could do 148: nobody is paused, all starve, and none has another setting."""
    kept = {"Prefilter": stage(4.0), "Prepare": stage(12.0), "Transcribe": stage(42.0), "Store": stage(3.0)}
    found = report_document(FIGURES | {"stages": kept, "sources": SOURCES}, ReportSettings())
    assert (found["bottleneck"], found["cause"]) == ("Prefilter", "youtube")
    assert "another exit address" in found["advice"]
    assert found["sources"] == {"youtube": {"waited": 0.95, "held": 0.97, "site": "youtube"}}


def test_energy_and_rent_make_the_cost_of_an_audio_hour() -> None:
    """Without a price there is none; without a card no energy."""
    prices = ReportSettings(price_per_kwh=0.30, machine_price_per_h=0.60)
    assert report_document(FIGURES, ReportSettings())["cost"]["money_per_audio_h"] is None
    rented = report_document(FIGURES, prices)["cost"]
    assert (rented["gpu_wh_per_audio_h"], rented["money_per_audio_h"]) == (None, 0.01)
    cost = report_document(FIGURES | {"energy_j": 36_000.0}, prices)["cost"]
    assert cost["gpu_wh_per_audio_h"] == 5.0
    assert cost["money_per_audio_h"] == pytest.approx(0.01 + 0.0015)


def test_a_run_without_work_and_one_that_has_just_begun_have_a_report() -> None:
    """No stage, no figures: said, not failed."""
    for figures in ({}, {"line_s": 0.0, "audio_s": 0.0, "stages": {}}):
        found = report_document(figures, ReportSettings())
        assert (found["bottleneck"], found["stages"], found["cost"]["money_per_audio_h"]) == (None, {}, None)
        assert list(told(found))[-1] == "No stage had anything to do."


def test_a_person_reads_the_bottleneck_and_the_setting_to_turn() -> None:
    """One line each."""
    text = "\n".join(told(report_document(FIGURES, ReportSettings()) | {"run": 7, "outcome": "finished"}))
    assert "Run 7, finished" in text and "72 h/h" in text
    assert "Bottleneck: Transcribe (work): Transcribe worked 96% of the time" in text
    assert "To change it: transcribe.actors" in text


def test_the_bounds_of_a_pool_stand_beside_its_size() -> None:
    """As a range where it may grow; a run of an earlier Earmark kept none."""
    kept = {
        "Prepare": stage(40.0, actors_least=1, actors_most=4),
        "Transcribe": stage(96.0, actors_least=2, actors_most=2),
        "Store": stage(3.0),
    }
    found = report_document(FIGURES | {"stages": kept}, ReportSettings())
    assert (found["stages"]["Prepare"]["actors_least"], found["stages"]["Prepare"]["actors_most"]) == (1, 4)
    assert [bounds_said(each) for each in found["stages"].values()] == ["1–4", "2", ""]
    head, prepare = list(told(found | {"run": 7, "outcome": "finished"}))[2:4]
    assert head.split()[6:8] == ["actors", "bounds"] and prepare.split()[6:8] == ["1", "1–4"]


def test_stages_stand_in_the_order_of_the_line_however_they_were_kept() -> None:
    """The database's JSON sorts names by length: who is before and who behind the bottleneck must not follow that."""
    idle = stage(5.0)
    kept = {
        "Embed": stage(96.0),
        "Store": idle,
        "Prepare": stage(40.0, held_back_s=50.0),
        "Download": idle,
        "Hear": idle,
    }
    found = report_document(FIGURES | {"stages": kept}, ReportSettings())
    assert list(found["stages"]) == ["Download", "Prepare", "Embed", "Store", "Hear"]
    assert "Prepare before it was held up 50% of the time" in found["why"]


def test_a_stage_is_held_against_what_was_measured_of_it_alone() -> None:
    """As `run.py tune` measured it; where nothing was tuned nothing is said."""
    found = report_document(FIGURES | {"probes": {"Transcribe": 100.0}}, ReportSettings())
    assert found["stages"]["Transcribe"]["probe_h_per_h"] == 100.0
    assert found["stages"]["Prepare"]["probe_h_per_h"] is None
    said = "Transcribe by itself did 100 h/h when it was tuned here; in this run it could do 75% of that"
    assert said in list(told(found))
    assert not any("by itself" in line for line in told(report_document(FIGURES, ReportSettings())))


def test_why_pools_are_as_they_are_stands_with_their_bounds() -> None:
    """It was said at the start and gone with the terminal; a run of an earlier Earmark kept none."""
    note = "32 of 256 ASR workers: each takes about 4.6 GiB"
    found = report_document(FIGURES | {"notes": [note]}, ReportSettings())
    text = list(told(found | {"run": 7, "outcome": "finished"}))
    assert f"Pools: {note}" in text and found["notes"] == [note]
    assert report_document(FIGURES, ReportSettings())["notes"] == []
