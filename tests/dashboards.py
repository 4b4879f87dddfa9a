"""What ships in ``cluster/dashboards``, read as tests need it."""

import json
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "cluster" / "dashboards"
DASHBOARD_FILE = FOLDER / "grafana" / "dashboards" / "earmark.json"
ALERTS_FILE = FOLDER / "prometheus" / "alerts.yml"
PROMETHEUS_FILE = FOLDER / "prometheus" / "prometheus.yml"


def dashboard_queries(run: str = ".+", interval: str = "20s") -> dict[str, str]:
    """The queries of the dashboard by panel, as Grafana sends them.

    Args:
        run: what ``$run`` stands for.
        interval: what ``$__rate_interval`` stands for.
    """
    panels = json.loads(DASHBOARD_FILE.read_text(encoding="utf-8"))["panels"]
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", interval)
        .replace("$run", run)
        for panel in panels
        for target in panel.get("targets", ())
    }


def scrape_addresses(folder: Path) -> list[str]:
    """What Prometheus would scrape, by the files in ``EARMARK_HOME/metrics``."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [address for document in documents for group in document for address in group["targets"]]


def alert_rules() -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    return {rule["alert"]: rule for rule in _rules() if "alert" in rule}


def recorded_rules() -> dict[str, str]:
    """Expressions of the recording rules by the name of their result."""
    return {rule["record"]: rule["expr"] for rule in _rules() if "record" in rule}


def _rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(ALERTS_FILE.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]
