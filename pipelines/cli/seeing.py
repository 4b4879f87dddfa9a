"""During and after a run: ``run.py watch`` and ``run.py report``. Everything heavy is imported inside the commands."""

import sys
from pathlib import Path

import click

from pipelines.cli.options import json_option, load, settings_options

RUN = click.argument("run", type=click.IntRange(min=1), required=False)


@click.command()
@RUN
@click.option(
    "--html", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="FILE",
    help="Write it as a page with plots: one file, which needs no network.",
)  # fmt: skip
@settings_options
@json_option
def report(
    run: int | None, html: Path | None, profile: str | None, config_file: Path | None, assignments: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """What a run did with its time: which stage held it back, by what evidence, and what to change.

    RUN is its number; without one it is the newest. A run that goes on is told as it stands.
    """
    settings = load(profile, config_file, assignments)
    from pipelines.seeing import show_report

    sys.exit(show_report(settings, run, html, as_json))


@click.command()
@RUN
@click.option("--plain", is_flag=True, help="Lines of text, as where there is no terminal.")
@settings_options
@json_option
def watch(
    run: int | None, plain: bool, profile: str | None, config_file: Path | None, assignments: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Look at a run that goes on, here or on a cluster, until it ends: all it takes is the run's database.

    RUN is its number; without one it is the newest. Ctrl-C ends the watching, not the run. With --json it says
    once how the run stands.
    """
    settings = load(profile, config_file, assignments)
    from pipelines.seeing import watch_run

    sys.exit(watch_run(settings, run, plain, as_json))
