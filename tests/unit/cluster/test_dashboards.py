"""What the dashboard and the alert rules ask for exists: every metric, every label, every value that is named."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from pipelines.metrics import METRICS
from pipelines.progress import STAGES
from tests.all_readings import all_readings
from tests.dashboards import ALERTS_FILE, DASHBOARD_FILE, alert_rules, dashboard_queries, recorded_rules

OWN_SERIES = {"ALERTS": {"alertname", "alertstate", "run", "stage", "severity"}}
"""Prometheus makes these itself."""


def known_series() -> dict[str, set[str]]:
    """Names as Prometheus has them, with their labels."""
    exported = {metric.exported_name: set(metric.labels) for metric in METRICS.values()}
    recorded = {name: labels_kept(expr) for name, expr in recorded_rules().items()}
    return exported | recorded | OWN_SERIES


def labels_kept(expr: str) -> set[str]:
    """Labels of a rule's result: what it sums by."""
    return set().union(*(re.split(r",\s*", by) for by in re.findall(r"sum by \(([^)]*)\)", expr)))


def known_values() -> dict[tuple[str, str], set[str]]:
    """Values of the labels that a query may name, by series and label."""
    found: dict[tuple[str, str], set[str]] = {}
    for reading in all_readings(STAGES):
        for label, value in reading.labels.items():
            found.setdefault((METRICS[reading.name].exported_name, label), set()).add(value)
    return found


def selectors(expr: str) -> Iterator[Any]:
    """Every series that an expression asks for."""
    found: list[Any] = []

    def look(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expr), look)
    return iter(found)


QUERIES = (
    dashboard_queries() | {name: rule["expr"] for name, rule in alert_rules().items()} | recorded_rules()
)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_asks_for_what_is_exported(name: str) -> None:
    """A metric that was renamed would leave an empty panel, and an alert that never fires."""
    expr, series, values = QUERIES[name], known_series(), known_values()
    asked = list(selectors(expr))
    assert asked
    for selector in asked:
        assert selector.name in series, selector.name
        for matcher in selector.matchers.matchers:
            assert matcher.name in series[selector.name], f"{selector.name} has no label {matcher.name}"
            possible = values.get((selector.name, matcher.name))
            if possible is not None and matcher.name in ("state", "what", "stage"):
                wanted = matcher.value.split("|")
                assert set(wanted) <= possible, f"{matcher.name} is never one of {wanted}"
    for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", expr):
        for label in re.split(r",\s*", grouped):
            assert any(label in series[selector.name] for selector in asked), f"nothing has the label {label}"


def test_every_metric_is_on_the_dashboard() -> None:
    """What nobody can see needn't be exported."""
    shown = {selector.name for expr in dashboard_queries().values() for selector in selectors(expr)}
    shown |= set(re.findall(r"label_values\((\w+), run\)", DASHBOARD_FILE.read_text(encoding="utf-8")))
    assert {metric.exported_name for metric in METRICS.values()} - shown == set()


def test_panels_have_titles_of_their_own_and_do_not_overlap() -> None:
    """Each place of the grid is taken once."""
    panels = json.loads(DASHBOARD_FILE.read_text(encoding="utf-8"))["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    """Whoever is woken by it reads both."""
    rules = alert_rules()
    assert set(rules) == {
        "EarmarkStageStalled", "EarmarkEmptyTranscripts", "EarmarkMissingVectors", "EarmarkGpuStarved",
        "EarmarkDatabaseAway", "EarmarkErrorRate",
    }  # fmt: skip
    for rule in rules.values():
        assert "{{ $labels.run }}" in rule["annotations"]["summary"]
        assert rule["annotations"]["description"] and rule["labels"]["severity"] in ("critical", "warning")


def test_rules_are_found_where_the_configuration_looks() -> None:
    """And targets where compose.yml mounts them; both services keep to loopback."""
    folder = ALERTS_FILE.parent
    config = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    assert [folder / name for name in config["rule_files"]] == [ALERTS_FILE]
    (scrape,) = config["scrape_configs"]
    assert scrape["file_sd_configs"][0]["files"][0] == "targets/*.json"
    compose = yaml.safe_load((folder.parent / "compose.yml").read_text(encoding="utf-8"))["services"]
    places = {
        each["target"]: each["source"] for each in compose["prometheus"]["volumes"] if isinstance(each, dict)
    }
    assert places["/etc/prometheus/targets"].endswith("/metrics")
    assert "--web.listen-address=127.0.0.1:9090" in compose["prometheus"]["command"]
    assert compose["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    mounted = [
        each.split(":")[0]
        for each in compose["prometheus"]["volumes"] + compose["grafana"]["volumes"]
        if isinstance(each, str)
    ]
    assert all((folder.parent / Path(path)).exists() for path in mounted)
