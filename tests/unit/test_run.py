"""The command line before it does anything: help at once, and what can't be meant refused."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from run import main

ROOT = Path(__file__).parents[2]
HEAVY = {"av", "ctranslate2", "numpy", "psycopg", "pydantic", "ray", "rich", "torch", "yaml", "yt_dlp"}
PROBE = """
import json, sys
from click.testing import CliRunner
from run import main
codes = [CliRunner().invoke(main, [*command, "--help"]).exit_code for command in json.loads(sys.argv[1])]
print(json.dumps([codes, sorted(sys.modules)]))
"""


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [path]
    for name, command in group.commands.items():
        below = (*path, name)
        found += commands(command, below) if isinstance(command, click.Group) else [below]
    return found


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_help_imports_nothing_heavy() -> None:
    """Of the whole program and of every command: that is what keeps it under half a second."""
    named = commands(main)
    assert ("db", "migrate") in named and len(named) >= 9
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(named)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    codes, modules = json.loads(done.stdout)
    assert codes == [0] * len(named)
    assert HEAVY & set(modules) == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest"], "name at least one SOURCE"),
        (["ingest", "x", "--limit", "0"], "--limit"),
        (["ingest", "x", "--no-such-flag"], "No such option"),
        (["ingest", "--from", "no-such-file.txt"], "does not exist"),
        (["ingest", "x", "--device", "tpu"], "tpu"),
        (["ingest", "x", "--set", "transcribe.bem_size=3"], "did you mean transcribe.beam_size"),
        (["ingest", "x", "--set", "transcribe.beam_size=99"], "allowed: ≥ 1 and ≤ 20"),
        (["ingest", "x", "--set", "beam_size"], "expected SECTION.NAME=VALUE"),
        (["ingest", "x", "--profile", "fastest"], "balanced"),
        (["search", "x", "--since", "yesterday"], "--since"),
        (["search", "x", "--limit", "0"], "--limit"),
        (["status", "--config", "no-such.yaml"], "does not exist"),
        (["demo", "--port", "70000"], "--port"),
        (["transcribe"], "No such command"),
        (["submit", "@c"], "--address"),
        (["submit", "--address", "http://h:8265"], "name at least one SOURCE"),
        (["submit", "@c", "--address", "h"], "no address of a Ray dashboard"),
        (
            ["submit", "@c", "--address", "http://h:8265", "--set", "store.database_url=postgresql://db/e"],
            "DATABASE_URL",
        ),
        (["submit", "@c", "--address", "http://h:8265", "--set", "embed.batch_size=0"], "embed.batch_size"),
        (["submit", "@c", "--address", "http://h:8265", "--profile", "fastest"], "balanced"),
        (["submit", "/etc/hostname", "--address", "http://h:8265"], "lies on this machine"),
        (["jobs", "stop", "x"], "--address"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(arguments: list[str], said: str) -> None:
    """Exit code 2 and a sentence on standard error, before a database or an engine is looked for."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stdout == ""


def test_the_cpu_brings_an_arithmetic_that_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--device cpu`` alone is enough beside a profile for GPUs; the other choices leave the type alone."""
    seen = {}
    monkeypatch.setattr(
        "pipelines.commands.ingest_sources", lambda *a: seen.setdefault(len(seen), a[2].transcribe)
    )
    for device in ("cpu", "cuda"):
        invoke("ingest", "x", "--device", device)
    assert [(s.device, s.compute_type) for s in seen.values()] == [("cpu", "auto"), ("cuda", "float16")]


def test_settings_are_listed_with_bounds_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As text for people and as one JSON document; a secret in neither."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/d")
    text = invoke("settings")
    assert "transcribe.beam_size = 5   (≥ 1 and ≤ 20)" in text.stdout
    assert "[EARMARK_TRANSCRIBE__ACTORS, ASR_WORKERS]" in text.stdout
    document = invoke("settings", "--profile", "demo", "--json")
    assert json.loads(document.stdout)["embed"]["dimensions"] == 384
    assert "hunter2" not in text.output + document.output
