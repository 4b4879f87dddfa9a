"""Ray's own dashboard during a run, in a real browser: a person finds the run and its stages by name."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from browser import Browser, browser
from command import ROOT, environment
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from small_run import processes_of
from store_rows import with_database

from pipelines.progress import STAGES
from tests.bench.audio import make_brief_corpus
from tests.media_server import MediaServer

N_VIDEOS = 14
ENGINE_H_PER_H = 0.2
"""So slow that the run goes on for as long as we look, with rows waiting before its recogniser."""
SAYS = re.compile(r"Ray dashboard: (http://127\.0\.0\.1:\d+)")
SHOWN_S = 60.0
UNFOLD = "//*[*[local-name()='title'][starts-with(text(), 'Expand Dataset earmark-run-1')]]"
"""An icon with a name for those who can't see it."""


@dataclass(frozen=True)
class Shown:
    """A run that goes on, and a browser that is let in."""

    url: str
    browser: Browser

    def page(self, path: str, *texts: str) -> str:
        """Opens one of its pages, waits until all of these stand on it, and gives all text on it."""
        self.browser.open(f"{self.url}/#{path}")
        self.browser.driver.refresh()  # another fragment alone loads nothing
        self.until(*texts)
        return self.browser.text()

    def until(self, *texts: str) -> None:
        WebDriverWait(self.browser.driver, SHOWN_S).until(
            lambda _: all(text in self.browser.text() for text in texts),
            f"{texts} don't stand on the page",
        )


@pytest.fixture(scope="module")
def shown(
    server_url: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shown]:
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database looked_at template {migrated_template}")
    recordings = make_brief_corpus(tmp_path_factory.mktemp("media"), N_VIDEOS).recordings
    with MediaServer() as server:
        document = {
            "settings": {"ray.dashboard": True},
            "runs": [{
                "database_url": with_database(server_url, "looked_at"),
                "urls": [server.add(f"/{each.path.name}", each.path) for each in recordings],
                "planted": {"engine_h_per_h": ENGINE_H_PER_H},
            }],
        }  # fmt: skip
        run = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.planted_line", json.dumps(document)], cwd=ROOT,
            env=environment(home), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert run.stderr is not None
            said = (SAYS.search(line) for line in run.stderr)
            found = next((match for match in said if match), None)
            assert found is not None, "the run ended without naming its dashboard"
            with browser() as opened:
                opened.show_as(1400, 1000)
                shown = Shown(found[1], opened)
                _let_in(shown)
                yield shown
        finally:
            run.send_signal(signal.SIGINT)
            try:
                run.communicate(timeout=60)
            finally:
                for process in processes_of(home):
                    process.kill()
                run.wait()
                shutil.rmtree(home, ignore_errors=True)
                with psycopg.connect(server_url, autocommit=True) as connection:
                    connection.execute("drop database looked_at with (force)")


def _let_in(shown: Shown) -> None:
    """Gives the token that Ray asks for, as a person would."""
    shown.browser.open(shown.url)
    shown.until("Authentication Token")
    token = (Path.home() / ".ray" / "auth_token").read_text(encoding="ascii").strip()
    field = shown.browser.driver.find_element(By.CSS_SELECTOR, "input[placeholder*='authentication token']")
    field.send_keys(token, Keys.ENTER)
    shown.until("Cluster")


def _job_page(shown: Shown) -> str:
    """Where the run's job stands."""
    shown.page("/jobs", "RUNNING")
    link = shown.browser.driver.find_element(By.CSS_SELECTOR, "a[href*='#/jobs/']")
    return str(link.get_attribute("href")).partition("#")[2]


def test_the_job_of_a_run_shows_run_and_stages_by_name(shown: Shown) -> None:
    """Under its *Ray Data Overview*: a row for the run, below it one a stage with what waits before it."""
    driver = shown.browser.driver
    shown.page(_job_page(shown), "Ray Data Overview")
    driver.find_element(By.XPATH, "//*[text()='Ray Data Overview']").click()
    shown.until("earmark-run-1", "Queued Blocks")
    driver.find_element(By.XPATH, UNFOLD).click()
    shown.until(*(f"FlatMap({stage})" for stage in STAGES))
    shown.browser.keep_picture("dashboard-job", 1000)


def test_actors_bear_the_names_of_their_stages(shown: Shown) -> None:
    """On *Actors*, where their logs, stacks and memory are to be found."""
    shown.page("/actors", "Page Size")
    size = shown.browser.driver.find_element(
        By.XPATH, "//label[text()='Page Size']/following-sibling::*//input"
    )
    size.send_keys(Keys.CONTROL, "a")
    size.send_keys("50")
    shown.until(*(f"FlatMap({stage})" for stage in STAGES))
    shown.browser.keep_picture("dashboard-actors", 1000)
