"""Four runs in which one stage is made the slow one, one in which none is, and one that its source's budget holds back:
``report`` names it in each, and nobody in the balanced one. Real runs on a real Ray, with a real server and a real database."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from browser import browser
from command import ROOT, earmark, environment
from small_run import processes_of
from store_rows import with_database

from tests.bench.audio import make_brief_corpus
from tests.media_server import Fault, MediaServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

N_VIDEOS = 12
SLOW_S = 2.0
"""What the slow stage takes for a video: 24 s for all; the database twice that, so that a busy machine isn't slower."""
SLOW_H_PER_H = 3.4
"""The same for a stage whose time goes by the speech in it: nearly 7 s of the 6 to 10."""
SLOW_BYTES_PER_S = 7_000
"""Of a connection, after each 16 kB. Two of them fetch 27 to 48 kB each in 2.3 or 4.7 s."""
BUDGET_PER_H = 1200.0
"""A permit every 3 s, but for the first three: 27 s for all."""
SLOW_DATABASE = f"""
    create function be_slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep({2 * SLOW_S}); return new; end $$;
    create trigger slow before insert on sources for each row execute function be_slow();
"""


@dataclass(frozen=True)
class Scene:
    """A run, and what must be said of it."""

    stage: str | None
    cause: str
    advice: str
    planted: dict[str, Any] = field(default_factory=dict)
    server: str = "fast"
    sql: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


SCENES = {
    "slow_server": Scene("Download", "source", "download.actors", server="slow"),
    "slow_preparation": Scene("Prepare", "work", "prepare.actors", {"prepare_h_per_h": SLOW_H_PER_H}),
    "slow_engine": Scene("Transcribe", "work", "transcribe.actors", {"engine_h_per_h": SLOW_H_PER_H}),
    "slow_database": Scene("Store", "database", "store.writers", sql=SLOW_DATABASE),
    "balanced": Scene(
        None, "balanced", "No single setting",
        {"prepare_h_per_h": SLOW_H_PER_H, "prepare_by": "waiting", "engine_h_per_h": SLOW_H_PER_H}, server="slow",
    ),
    "small_budget": Scene(
        "Prefilter", "other_sources", "governor.other_videos_per_h",
        settings={"governor.other_videos_per_h": BUDGET_PER_H},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What ``report`` says of each run."""

    reports: dict[str, dict[str, Any]]
    pages: dict[str, Path]


@pytest.fixture(scope="module")
def told(server_url: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    recordings = make_brief_corpus(tmp_path_factory.mktemp("media"), N_VIDEOS).recordings
    databases = {name: with_database(server_url, name) for name in SCENES}
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in SCENES:
            connection.execute(f"create database {name} template {migrated_template}")
    for name, scene in SCENES.items():
        if scene.sql is not None:
            with psycopg.connect(databases[name], autocommit=True) as connection:
                connection.execute(scene.sql)
    with MediaServer() as server:
        paces = {"fast": Fault(), "slow": Fault(bytes_per_s=SLOW_BYTES_PER_S)}
        urls = {
            pace: [server.add(f"/{pace}/{each.path.name}", each.path, fault) for each in recordings]
            for pace, fault in paces.items()
        }
        runs = [
            {
                "database_url": databases[name], "urls": urls[scene.server], "planted": scene.planted,
                "settings": scene.settings,
            }
            for name, scene in SCENES.items()
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.planted_line", json.dumps({"runs": runs})], cwd=ROOT,
            env=environment(home), capture_output=True, text=True, timeout=500, check=False,
        )  # fmt: skip
    for process in processes_of(home):
        process.kill()
    assert done.returncode == 0, done.stderr
    reports, pages = {}, {}
    for name, url in databases.items():
        pages[name] = home / f"{name}.html"
        answer = earmark(home, "report", "--json", "--html", str(pages[name]), DATABASE_URL=url)
        assert answer.code == 0, answer.err
        reports[name] = answer.json
    yield Told(reports, pages)
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in SCENES:
            connection.execute(f"drop database {name} with (force)")
    shutil.rmtree(home)


@pytest.mark.parametrize("name", SCENES)
def test_the_planted_stage_is_named_with_the_right_advice(told: Told, name: str) -> None:
    """And none where none is."""
    scene, report = SCENES[name], told.reports[name]
    loads = {stage: {part: each[part] for part in PARTS} for stage, each in report["stages"].items()}
    assert (report["bottleneck"], report["cause"]) == (scene.stage, scene.cause), loads
    assert scene.advice in report["advice"]
    assert report["line_s"] > 0.8 * N_VIDEOS * SLOW_S and report["outcome"] == "finished"
    assert all(stage["failed"] == 0 for stage in report["stages"].values())


PARTS = ("busy", "blocked", "paused", "starved", "database")


def test_the_evidence_is_told(told: Told) -> None:
    """How much of the time the stage worked, what waited before it, and that those behind it had nothing to do."""
    for name, scene in SCENES.items():
        why = told.reports[name]["why"]
        if scene.cause == "other_sources":
            # On the queue, or where it was taken from the queue a moment too early, in Prefilter's hands.
            assert re.match(
                r"(videos waited \d+% of the time on the queue|Prefilter worked \d+% of the time; waited \d+% of it)"
                r" for a permission to ask",
                why,
            )
        elif scene.stage is not None:
            assert why.startswith(f"{scene.stage} worked ")
            assert "rows waited before it" in why
        if scene.stage not in (None, "Store", "Prefilter"):
            assert "every stage behind it starved at least" in why
    assert "of its work was waiting for the database" in told.reports["slow_database"]["why"]


def test_the_page_of_a_real_run_shows_it(told: Told) -> None:
    """In a browser, on a phone: the stage by name, and its strip in the Gantt."""
    with browser() as opened:
        opened.show_as(360)
        for name, scene in SCENES.items():
            opened.open(told.pages[name].as_uri())
            assert f"Bottleneck: {scene.stage or 'none'} ({scene.cause})" in opened.text()
            assert opened.overflow_px() <= 0 and opened.complaints() == []
            strips = opened.driver.execute_script(
                "return [...document.querySelectorAll('#stages svg text')].map(text => text.textContent)"
            )
            assert set(told.reports[name]["stages"]) <= set(strips)
            opened.keep_picture(f"report-{name}-phone")
        opened.show_as(1200)
        opened.open(told.pages["slow_engine"].as_uri())
        opened.keep_picture("report-slow_engine")
