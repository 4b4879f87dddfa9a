"""Before a run: ``run.py doctor`` and ``run.py plan``. Everything heavy is imported inside the commands."""

import sys
from pathlib import Path
from typing import Any

import click

from cluster.figures import CARDS, NO_CARD
from pipelines.cli.options import json_option, load, settings_options

ABOVE_0 = click.FloatRange(min=0, min_open=True)


@click.command()
@click.option("--only", metavar="CHECK", multiple=True, help="Only this check; may be repeated.")
@settings_options
@json_option
def doctor(only: tuple[str, ...], profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:  # fmt: skip
    """Look for what is wrong here and say what to do about it: a line a check. Exit code 1: something is.

    Loads every model of the settings and tries it out, each in a process of its own.
    """
    settings = load(profile, config_file, assignments)
    from pipelines.doctor.checks import run_doctor

    sys.exit(run_doctor(settings, only, as_json))


@click.command()
@click.argument("sources", nargs=-1)
@click.option("--hours", type=ABOVE_0, help="So much audio of YouTube, instead of sources.")
@click.option("--video-minutes", type=ABOVE_0, help="Mean length of a video, where it isn't known.")
@click.option(
    "--gpu", type=click.Choice([*CARDS, NO_CARD]), help="Plan for one such card, not for what is here."
)
@click.option("--cpus", type=click.IntRange(min=1), help="Plan for so many cores, not for those here.")
@click.option("--mbit", type=ABOVE_0, help="Speed of the line to the internet, in Mbit/s.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="As for `ingest`.")
@settings_options
@json_option
def plan(
    sources: tuple[str, ...], hours: float | None, video_minutes: float | None, gpu: str | None, cpus: int | None,
    mbit: float | None, device: str | None, profile: str | None, config_file: Path | None,
    assignments: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """What a run would use, how fast it would be, which limit binds, and when it would be done.

    SOURCE as for `ingest`: lists are read, nothing is fetched and nothing written.
    """
    if sources and hours is not None:
        raise click.UsageError("give SOURCE or --hours, not both")
    settings = load(profile, config_file, assignments, device_flags(device))
    from pipelines.plan_command import Asked, show_plan

    sys.exit(show_plan(settings, Asked(sources, hours, video_minutes, gpu, cpus, mbit), as_json))


def device_flags(device: str | None) -> dict[str, Any]:
    """``--device`` as settings: of every stage that has one. A GPU's arithmetic would be refused on a CPU."""
    if device is None:
        return {}
    from configs.settings import Settings

    sections = {name: info.annotation for name, info in Settings.model_fields.items()}
    flags: dict[str, Any] = {
        f"{name}.device": device
        for name, section in sections.items()
        if "device" in getattr(section, "model_fields", {})
    }
    return flags | ({"transcribe.compute_type": "auto"} if device == "cpu" else {})
