"""``plan`` with a database that remembers: figures of runs on this machine, a learned rate, the corpus's lengths."""

import json
from dataclasses import replace

import psycopg
import pytest
from click.testing import CliRunner

from actors.fetch.asker import exit_of, session_of
from actors.store.tunings import TuningKey, keep_tuning
from cluster.hardware import find_hardware
from configs.load import load_settings
from pipelines.outcome import hardware_document
from run import main


@pytest.fixture
def plan(database_url, tmp_path, monkeypatch):
    """The command on that database, with the demo's settings; gives its document."""
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        command = ["plan", "--profile", "demo", "--json", *arguments]
        result = CliRunner().invoke(main, command, env={"DATABASE_URL": database_url})
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


def remember(url, **changes):
    """A finished run over an hour of audio in ten videos, each stage busy for 72 s."""
    stages = (
        "Prefilter",
        "Download",
        "Prepare",
        "Transcribe",
        "Identify",
        "Assemble",
        "Segment",
        "Embed",
        "Store",
    )
    tally = {
        "items": 10,
        "failed": 0,
        "actors": 1,
        "busy_s": 72.0,
        "blocked_s": 0.0,
        "age_s": 80.0,
        "audio_s": 3600.0,
    }
    figures = {
        "stored": 10, "failed": 0, "audio_s": 3600.0, "wall_s": 100.0, "line_s": 80.0,
        "stages": dict.fromkeys(stages, tally), "hardware": hardware_document(find_hardware()),
    } | changes  # fmt: skip
    settings = load_settings("demo", env_file=None).model_dump(mode="json")
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into runs (finished_at, outcome, settings, figures) values (now(), 'finished', %s, %s)",
            (json.dumps(settings), json.dumps(figures)),
        )


def test_a_run_of_these_models_on_this_machine_replaces_the_tables(plan, database_url):
    """72 s an hour of audio are 50 h/h; the start is what the run spent outside of its line."""
    before = plan("--hours", "10")
    assert before["stages"]["Transcribe"]["origin"] != "measured here"
    remember(database_url)
    after = plan("--hours", "10", "--video-minutes", "120")
    for stage in ("Prepare", "Transcribe", "Embed", "Store"):
        assert (after["stages"][stage]["origin"], after["stages"][stage]["speed_h_per_h"]) == (
            "measured here",
            50.0,
        )
    assert after["stages"]["Download"]["origin"] == "estimated"
    assert (after["speed_h_per_h"], after["starting_s"]) == (50.0, 20.0)
    assert "cpu" not in {limit["limit"] for limit in after["limits"]}


def test_a_run_elsewhere_and_one_from_before_hardware_was_kept_change_nothing(plan, database_url):
    """Neither says anything of this machine."""
    before = plan("--hours", "10")["stages"]
    remember(database_url, hardware={"cpus": 999, "gpus": []})
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into runs (finished_at, outcome) values (now(), 'finished')")
    assert plan("--hours", "10")["stages"] == before
    assert plan("--hours", "10", "--cpus", "3")["stages"]["Prepare"]["origin"] != "measured here"


def test_youtube_s_learned_rate_and_the_corpus_s_lengths_are_used(plan, database_url):
    """After a block the budget is smaller; stored videos say how long a video is."""
    download = load_settings("demo", env_file=None).download
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into governor (site, exit, session, tokens, needed, counted_at, learned_per_h)"
            " values ('youtube', %s, %s, 1, 1, now(), 60)",
            (exit_of(download), session_of(download)),
        )
        connection.execute(
            "insert into sources (source_id, source_type, title, url, duration_s)"
            " values ('a', 'x', 'a', 'a', 300), ('b', 'x', 'b', 'b', 900)"
        )
    found = plan("--hours", "10")
    assert (found["limit"], found["speed_h_per_h"]) == ("youtube", 10.0)
    assert found["limits"][0]["origin"] == "measured here"
    assert found["amount"]["mean_from"] == "the mean of 2 stored videos"


def test_a_run_with_as_many_recognisers_says_more_than_a_tuning(plan, database_url, database):
    """It had the other stages beside it. A run with another number says less: then the tuning counts."""
    key = TuningKey(
        hardware_document(find_hardware()), "whisper-tiny-espeak", "cpu", "int8", 5, 10, 1, actors=1, mps=False
    )  # fmt: skip
    keep_tuning(database, key, 80.0, None, {"in_effect": "int8_float32"})
    keep_tuning(database, replace(key, actors=2), 150.0, None, {"in_effect": "int8_float32"})
    found = plan("--hours", "10")["stages"]["Transcribe"]
    assert (found["speed_h_per_h"], found["origin"]) == (80.0, "measured here") and "tuned on" in found[
        "source"
    ]
    remember(database_url)
    assert plan("--hours", "10")["stages"]["Transcribe"]["source"] == "run 1"
    two = plan("--hours", "10", "--set", "transcribe.actors=2")["stages"]["Transcribe"]
    assert two["speed_h_per_h"] == 150.0 and "tuned on" in two["source"]
