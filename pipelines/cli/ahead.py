"""Before a run: ``run.py doctor``, ``run.py plan`` and ``run.py tune``. Everything heavy is imported inside the commands."""

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


class Several(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click alone
    """Values with commas between them, each of one type; gives a tuple."""

    def __init__(self, one: Any, name: str) -> None:
        self._one, self.name = one, name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        return tuple(self._one.convert(part, param, ctx) for part in parts if part)


COMPUTE_TYPES = ("float16", "bfloat16", "int8", "int8_float16", "int8_bfloat16", "float32")
"""Those of ``configs.section.ComputeType``, which is too heavy for ``--help``."""


@click.command()
@click.option(
    "--audio", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True, metavar="FILE",
    help="Talk to listen to; may be repeated. Default: the demo's.",
)  # fmt: skip
@click.option(
    "--seconds", type=ABOVE_0, default=10.0, show_default=True, help="For each combination, after a warm-up."
)
@click.option(
    "--actors", type=Several(click.IntRange(1, 512), "1,2,…"), default=(), help="Recognisers side by side. Default: 1, 2, 4, 8 as far as cores go; on a card to 4."
)  # fmt: skip
@click.option(
    "--batch", type=Several(click.IntRange(1, 10), "5,10,…"), default=(), help="Windows of speech in a slice (prepare.slice_max_clips). Default: as set."
)  # fmt: skip
@click.option(
    "--beam", type=Several(click.IntRange(1, 20), "1,5,…"), default=(), help="Beams. Default: as set, and 1."
)
@click.option(
    "--compute-type", type=Several(click.Choice(COMPUTE_TYPES), "int8,…"), default=(), metavar="int8,…", help=f"Arithmetic: {', '.join(COMPUTE_TYPES)}. Default: as set, and what else suits the device."
)  # fmt: skip
@click.option(
    "--mps/--no-mps",
    default=None,
    help="Share a card through NVIDIA's MPS, or not. Default: both, where it can be had.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="As for `ingest`.")
@click.option("--list", "only_list", is_flag=True, help="Show what was measured before, and measure nothing.")
@settings_options
@json_option
def tune(
    audio: tuple[Path, ...], seconds: float, actors: tuple[int, ...], batch: tuple[int, ...], beam: tuple[int, ...],
    compute_type: tuple[str, ...], mps: bool | None, device: str | None, only_list: bool, profile: str | None,
    config_file: Path | None, assignments: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Measure which recogniser's settings are fastest on this machine, with real talk; `plan` uses what comes out.

    Every combination of actors, batch, beam and arithmetic that makes sense here, until more actors bring no more.
    Ctrl-C keeps what was measured. Nothing else should work on the machine meanwhile.
    """
    settings = load(profile, config_file, assignments, device_flags(device))
    from pipelines.sweep import Asked
    from pipelines.tune_command import list_tunings, run_tune

    if only_list:
        sys.exit(list_tunings(settings, as_json))
    asked = Asked(actors, batch, beam, compute_type, mps)
    sys.exit(run_tune(settings, asked, audio, seconds, as_json))


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
