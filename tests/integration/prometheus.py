"""A real Prometheus (Debian's package) with the configuration that ships, quicker: it scrapes once a second."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from tests.dashboards import ALERTS_FILE, PROMETHEUS_FILE

READY_WITHIN_S = 60.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback has no proxy


def program(name: str) -> str:
    """Path of ``prometheus`` or ``promtool``; the test fails without it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install --no-install-recommends prometheus")
    return found


def fetch(url: str) -> str:
    with _direct.open(url, timeout=10) as answer:
        return str(answer.read().decode())


class Prometheus:
    """Runs while its ``with`` block does.

    Args:
        folder: empty; for configuration and data.
        targets: where files name what to scrape, as ``EARMARK_HOME/metrics``.
    """

    def __init__(self, folder: Path, targets: Path) -> None:
        self._folder, self._targets = folder, targets
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._configure()
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus"), f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._is_ready():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "Prometheus doesn't come up"
            time.sleep(0.1)
        self.began_at = time.time()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def history(self, query: str, step_s: int = 1) -> list[dict[str, Any]]:
        """The series that a query gives over all the time since it was started: ``metric`` and ``values``."""
        asked = {"query": query, "start": self.began_at, "end": time.time(), "step": step_s}
        answer = json.loads(fetch(f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(asked)}"))
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    def last(self, query: str) -> dict[tuple[str, ...], float]:
        """The last value of each series of a query, by the values of its labels in the order of their names."""
        return {
            tuple(value for _, value in sorted(series["metric"].items())): float(series["values"][-1][1])
            for series in self.history(query)
        }

    def _configure(self) -> None:
        config = yaml.safe_load(PROMETHEUS_FILE.read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        for discovery in config["scrape_configs"][0]["file_sd_configs"]:
            discovery["files"], discovery["refresh_interval"] = ["targets/*.json"], "1s"
        rules = yaml.safe_load(ALERTS_FILE.read_text(encoding="utf-8"))
        for group in rules["groups"]:
            for rule in group["rules"]:
                if "for" in rule:  # a test has no five minutes; promtool tests the rules as they are
                    rule["for"] = "1s"
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (self._folder / ALERTS_FILE.name).write_text(yaml.safe_dump(rules))
        (self._folder / "targets").symlink_to(self._targets)

    def _is_ready(self) -> bool:
        try:
            fetch(f"{self.url}/-/ready")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True
