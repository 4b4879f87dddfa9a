"""Configuration and alert rules by Prometheus's own tool: they load, and each fires on its fault alone."""

import subprocess
from pathlib import Path

from prometheus import program

from tests.dashboards import ALERTS_FILE, PROMETHEUS_FILE, alert_rules

RULE_TESTS = Path(__file__).parents[1] / "data" / "alert_rules_test.yml"


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_prometheus_takes_the_configuration_with_its_rules() -> None:
    """Syntax of rules and templates, and names of settings."""
    done = promtool("check", "config", str(PROMETHEUS_FILE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{ALERTS_FILE.name}" in done.stdout and "12 rules found" in done.stdout, done.stdout


def test_every_alert_fires_when_its_fault_is_planted() -> None:
    """With the times that ship, and not for what only resembles the fault; every alert has its case."""
    done = promtool("test", "rules", str(RULE_TESTS))
    assert done.returncode == 0, done.stdout + done.stderr
    cases = RULE_TESTS.read_text(encoding="utf-8")
    assert all(f'alertname="{name}"' in cases for name in alert_rules())
