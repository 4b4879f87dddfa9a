"""A real Prometheus beside real runs: every query has an answer, alerts fire, figures are those of the report."""

import json
import math
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from command import Answer, earmark
from prometheus import Prometheus, fetch
from small_run import drive_small_line
from store_rows import with_database

from actors.store.course import kept_run
from actors.store.database import Database
from pipelines.metrics import METRICS
from pipelines.progress import STAGES
from tests.corpus import speech_item
from tests.dashboards import dashboard_queries
from tests.encoding import Encoding
from tests.media_server import Fault, MediaServer

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]

N_TALKS, TALK_S = 8, 40.0
LAST_SCRAPE_S = 15
"""Ray hands figures over every 5 s, Prometheus asks every second; the rest is for a machine with other work."""
SETTINGS = {
    "governor.other_videos_per_h": 900,  # one in 4 s after the first three: longer than asking takes, so permits are waited for
    "retry.patience_s": 0, "retry.first_s": 3600, "retry.cap_s": 7200, "report.metrics": True,
    "report.last_scrape_s": LAST_SCRAPE_S,
}  # fmt: skip
N_OVERFLOWING = 2
OF_VIDEOS = ("talk-", ".wav", "prefilter-raises", "quiet-", "embed-overflows", "://")
"""Parts of ids, titles and addresses of all videos."""
RUN = "earmark-run-1"
A_CARD = f'run="{RUN}", gpu="0", model="Some Card"'
PLANTED = f"""\
# TYPE ray_earmark_gpu_utilisation_ratio gauge
ray_earmark_gpu_utilisation_ratio{{{A_CARD}}} 0.5
# TYPE ray_earmark_gpu_memory_bytes gauge
ray_earmark_gpu_memory_bytes{{{A_CARD}}} 4e9
# TYPE ray_earmark_gpu_memory_total_bytes gauge
ray_earmark_gpu_memory_total_bytes{{{A_CARD}}} 16e9
# TYPE ray_earmark_gpu_power_watts gauge
ray_earmark_gpu_power_watts{{{A_CARD}}} 90
# TYPE ray_earmark_gpu_energy_joules counter
ray_earmark_gpu_energy_joules_total{{run="{RUN}"}} 900
"""
"""What a run beside a card would have exported: this machine needn't have one."""


class _Planted(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(PLANTED.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Seen:
    """A whole run of ``ingest``, then one of the small line in which nothing is heard, vectors overflow and much
    fails."""

    prometheus: Prometheus
    run: Answer
    figures: dict[str, Any]
    """As they are kept with the run."""
    target: list[dict[str, Any]]
    """What Prometheus was told while the first run went on."""
    listening: set[str]
    """Addresses that its endpoint listened at."""
    targets_left: list[str]


@pytest.fixture(scope="module")
def seen(server_url: str, migrated_template: str) -> Iterator[Seen]:
    """Real server, yt-dlp, models, Postgres, Ray and Prometheus, each in processes of their own."""
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    metrics = home / "metrics"
    for folder in (metrics, home / "prometheus"):
        folder.mkdir()
    planted = ThreadingHTTPServer(("127.0.0.1", 0), _Planted)
    threading.Thread(target=planted.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{planted.server_address[1]}"
    (metrics / "planted.json").write_text(json.dumps([{"targets": [address]}]))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database metrics_seen template {migrated_template}")
    url = with_database(server_url, "metrics_seen")
    try:
        with Prometheus(home / "prometheus", metrics) as prometheus, ThreadPoolExecutor(1) as threads:
            going = threads.submit(_ingest, home, url)
            target = _await_target(metrics, going)
            (first,) = target[0]["targets"]
            _await_figures(first, going)
            listening = _listening(int(first.rpartition(":")[2]))
            run = going.result()
            with Database(url) as database:
                figures = kept_run(database, 1).figures
            names = [f"prefilter-raises-{n}" for n in range(6)] + [f"quiet-{n}" for n in range(6)]
            names += [f"embed-overflows-{n}" for n in range(N_OVERFLOWING)]
            settings = {"report.metrics": True, "report.last_scrape_s": LAST_SCRAPE_S}
            drive_small_line(home, url, names, variant="hears nothing", settings=settings)
            left = [path.name for path in metrics.iterdir()]
            yield Seen(prometheus, run, figures, target, listening, left)
    finally:
        planted.shutdown()
        planted.server_close()
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute("drop database metrics_seen with (force)")
        shutil.rmtree(home)


def _ingest(home: Path, database_url: str) -> Answer:
    """Talks from a server, one that isn't there and one that is no recording."""
    paths = [home / f"talk-{n}.wav" for n in range(N_TALKS)]
    for seed, path in enumerate(paths, start=700):
        speech_item(path, Encoding("pcm_s16le"), seed=seed, duration_s=TALK_S)
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    with MediaServer() as server:
        urls = [server.add(f"/{path.name}", path) for path in paths]
        urls.append(server.add("/missing.wav", b"", Fault(status=404)))
        return earmark(
            home, "ingest", *urls, "--profile", "demo", *settings, "--json", DATABASE_URL=database_url
        )


def _await_target(metrics: Path, going: "Future[Answer]") -> list[dict[str, Any]]:
    while not going.done():
        for path in metrics.glob("earmark-run-*.json"):
            return list(json.loads(path.read_text()))
        time.sleep(0.1)
    raise AssertionError(f"the run told Prometheus of no endpoint: {going.result().err}")


def _await_figures(address: str, going: "Future[Answer]") -> None:
    """Return once the run's first rows are told at its endpoint, which is named before it answers."""
    while not going.done():
        with suppress(OSError, HTTPException):  # not yet, or too late: the next look says more
            if "ray_earmark_stage_items_total" in fetch(f"http://{address}/metrics"):
                return
        time.sleep(0.5)
    raise AssertionError(f"nothing of ours stood there: {going.result().err}")


def _listening(port: int) -> set[str]:
    return {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }


def test_the_run_ends_as_it_should(seen: Seen) -> None:
    """All talks stored, the missing one failed; what else is tested here counts on it."""
    counts = seen.run.json["counts"]
    assert (counts["stored"], counts["failed"], seen.run.code) == (N_TALKS, 1, 1)


def test_the_endpoint_is_on_loopback_and_told_while_the_run_goes_on(seen: Seen) -> None:
    """Nobody else on the network can read it; afterwards only the test's own target is left."""
    assert seen.listening == {"127.0.0.1"}
    assert seen.target[0]["targets"][0].startswith("127.0.0.1:")
    assert seen.targets_left == ["planted.json"]


def test_no_label_ever_names_a_video(seen: Seen) -> None:
    """They are names of this source and hosts, in both runs and at all times: no id, no address, no title."""
    ours = seen.prometheus.history('{__name__=~"ray_earmark_.+"}')
    assert {"earmark-run-1", "earmark-run-2"} <= {each["metric"].get("run") for each in ours}
    values = {value for each in ours for value in each["metric"].values()}
    assert not [value for value in values if any(part in value for part in OF_VIDEOS)]


@pytest.mark.parametrize("panel", sorted(dashboard_queries()))
def test_every_query_of_the_dashboard_has_an_answer(seen: Seen, panel: str) -> None:
    """At some moment of the runs, with a number."""
    values = [
        float(value)
        for series in seen.prometheus.history(dashboard_queries()[panel])
        for _, value in series["values"]
    ]
    assert any(map(math.isfinite, values)), values[:10]


def test_waiting_for_permits_is_told_as_a_pause_of_the_stage_that_asks(seen: Seen) -> None:
    """For seconds, not the moments in which a slice waits at the recogniser's door."""
    paused = seen.prometheus.last(
        f'sum by (stage) (ray_earmark_stage_time_seconds_total{{run="{RUN}", state="paused"}})'
    )
    assert paused[("Prefilter",)] > 1.0


def test_every_metric_is_there_with_its_labels(seen: Seen) -> None:
    """Under the name and with the labels that the catalogue gives it."""
    for metric in METRICS.values():
        series = seen.prometheus.history(f'{metric.exported_name}{{run="{RUN}"}}')
        assert series, metric.exported_name
        assert all(set(metric.labels) <= set(each["metric"]) for each in series)


def test_every_stage_of_the_run_is_told_by_the_name_that_the_dashboard_of_ray_has(seen: Seen) -> None:
    """Nine stages, each busy at some time."""
    busy = seen.prometheus.last(
        f'sum by (stage) (ray_earmark_stage_time_seconds_total{{run="{RUN}", state="busy"}})'
    )
    assert set(busy) == {(stage,) for stage in STAGES}


SUMS = {
    "items": "items", "audio_seconds": "audio_s", "output_bytes": "bytes_out", "batches": "batches", "batched": "batched",
    "database_seconds": "database_s", "load_seconds": "load_s",
}  # fmt: skip
TIMES = {"busy": "busy_s", "blocked": "blocked_s", "paused": "paused_s", "held_back": "held_back_s"}


@pytest.mark.parametrize("stage", STAGES)
def test_counters_agree_with_the_figures_of_the_report(seen: Seen, stage: str) -> None:
    """Within 5 %: what Prometheus saw last is what the report reckons with."""
    kept = seen.figures["stages"][stage]
    of_stage = f'{{run="{RUN}", stage="{stage}"}}'
    found = {
        name: seen.prometheus.last(f"sum(ray_earmark_stage_{name}_total{of_stage})").get((), 0.0)
        for name in SUMS
    }
    assert found == pytest.approx({name: kept[field] for name, field in SUMS.items()}, rel=0.05, abs=0.02)
    times = seen.prometheus.last(f"sum by (state) (ray_earmark_stage_time_seconds_total{of_stage})")
    assert {state: times.get((state,), 0.0) for state in TIMES} == pytest.approx(
        {state: kept[field] for state, field in TIMES.items()}, rel=0.05, abs=0.02
    )
    assert sum(times.values()) == pytest.approx(kept["age_s"], rel=0.05)
    for name, field in (("code", "codes"), ("what", "made")):
        metric = "failures" if name == "code" else "made"
        counted = seen.prometheus.last(f"sum by ({name}) (ray_earmark_stage_{metric}_total{of_stage})")
        assert {label: n for (label,), n in counted.items()} == {
            label: n for label, n in kept[field].items() if n
        }


def test_the_run_agrees_with_the_report(seen: Seen) -> None:
    """Videos, audio and speed."""
    figures, prometheus = seen.figures, seen.prometheus
    videos = prometheus.last(f'sum by (state) (ray_earmark_run_videos{{run="{RUN}"}})')
    assert {state: n for (state,), n in videos.items() if n} == {"stored": N_TALKS, "failed": 1}
    for metric, field in (
        ("run_stored_audio_seconds_total", "audio_s"), ("run_speed_ratio", "speed_h_per_h"), ("run_line_seconds", "line_s"),
    ):  # fmt: skip
        found = prometheus.last(f'sum(ray_earmark_{metric}{{run="{RUN}"}})')[()]
        assert found == pytest.approx(figures[field], rel=0.05), metric
    assert figures["audio_s"] >= N_TALKS * TALK_S


def test_a_model_without_usable_vectors_moves_the_series_that_its_alert_asks_for(seen: Seen) -> None:
    """A bug: the embedder refused them before anybody counted them."""
    failures = seen.prometheus.last(
        'sum by (code) (ray_earmark_stage_failures_total{run="earmark-run-2", stage="Embed"})'
    )
    assert failures == {("bad_vector",): N_OVERFLOWING}


@pytest.mark.parametrize("alert", ["EarmarkEmptyTranscripts", "EarmarkErrorRate", "EarmarkMissingVectors"])
def test_an_alert_fires_in_a_run_with_its_fault(seen: Seen, alert: str) -> None:
    """In the run in which it was planted, and not in the other."""
    firing = seen.prometheus.last(f'max by (run) (ALERTS{{alertname="{alert}", alertstate="firing"}})')
    assert firing == {("earmark-run-2",): 1.0}
