"""What ``report`` and ``watch`` do: read what is kept of a run, show it."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from actors.errors import ConfigError
from actors.store.course import KeptRun, kept_run, no_run
from actors.store.database import Database
from configs.home import home
from configs.settings import Settings
from pipelines import report, watching
from pipelines.corpus import existing_database
from pipelines.printing import answer

EVERY_S = 1.0
GONE_AFTER_S = 10.0
"""A driver may lose its connection and come back."""


def show_report(settings: Settings, run_id: int | None, html: Path | None, as_json: bool) -> int:
    """Print a run's report, or write it as a page; gives the exit code."""
    with _database(settings) as database:
        run = kept_run(database, run_id)
    document = _document(run, settings)
    if html is not None:
        os.environ.setdefault(
            "MPLCONFIGDIR", str(home().cache_dir / "matplotlib")
        )  # it keeps a list of fonts
        from pipelines.report_page import page

        try:
            html.write_text(page(document, run.course or {}), encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"the page can't be written: {error}",
                code="unwritable",
                remedy="Name another file after --html",
            ) from error
    if html is not None and not as_json:
        click.echo(f"{html} shows run {run.run_id}")
    else:
        answer(document, report.told, as_json)
    return 0


def watch_run(settings: Settings, run_id: int | None, plain: bool, as_json: bool) -> int:
    """Show a run until it ends, or with ``as_json`` once as it is now; gives the exit code: 1 where its driver is
    gone."""
    with _database(settings) as database:
        run = kept_run(database, run_id)
        if as_json:
            document = _document(run, settings) | {
                "left": run.figures.get("left"),
                "started_at": run.started_at,
            }
            answer(document, report.told, as_json)
            return 0
        console = Console()
        if plain or not console.is_terminal:
            run = _plainly(database, run, settings)
        else:
            run = _live(database, run, settings, console)
    for line in report.told(_document(run, settings)):
        click.echo(line)
    return 0 if run.outcome is not None else 1


def _database(settings: Settings) -> Database:
    """For who only reads: nothing is made or migrated, under a running run least of all.

    Raises:
        ConfigError: there is no ledger, or its schema is another version's.
    """
    url = existing_database(settings, home())
    if url is None:
        raise no_run(None)
    return Database(url, pool_size=1)


def _looks(database: Database, run: KeptRun) -> Iterator[KeptRun]:
    """The run once a second, as it was at its end too. Ends earlier where nobody drives it any more: what is killed
    is declared lost by the next run alone."""
    gone_s = 0.0
    while run.outcome is None and gone_s < GONE_AFTER_S:
        yield run
        time.sleep(EVERY_S)
        run = kept_run(database, run.run_id)
        gone_s = 0.0 if run.has_driver else gone_s + EVERY_S
    yield run


def _plainly(database: Database, run: KeptRun, settings: Settings) -> KeptRun:
    """A block of lines whenever the run has moved on; gives it as it was at last."""
    before: dict[str, Any] | None = None
    seen = run
    for seen in _looks(database, run):
        if seen.outcome is None and seen.figures != before:
            for line in watching.lines(_document(seen, settings), seen.figures, before or {}):
                click.echo(line)
            sys.stdout.flush()
            before = seen.figures
    return seen


def _live(database: Database, run: KeptRun, settings: Settings, console: Console) -> KeptRun:
    """A table that is drawn anew; gives the run as it was at last."""
    before: dict[str, Any] | None = None
    seen = run
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for seen in _looks(database, run):
            if seen.outcome is None and seen.figures != before:
                live.update(watching.table(_document(seen, settings), seen.figures, before or {}))
                before = seen.figures
    return seen


def _document(run: KeptRun, settings: Settings) -> dict[str, Any]:
    standing = {"run": run.run_id, "outcome": run.outcome, "goes_on": run.goes_on}
    return standing | report.report_document(run.figures, settings.report)
