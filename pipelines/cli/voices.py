"""``run.py voices …``: parse, call, print. Everything heavy is imported inside the commands."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from pipelines.cli.options import json_option, load, settings_options

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


class Clock(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of click only
    """A moment of a recording: seconds, ``mm:ss`` or ``h:mm:ss``."""

    name = "T"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = _CLOCK.fullmatch(value.strip())
        too_many = match is not None and (
            (match[2] is not None and float(match[3]) >= 60) or (match[1] is not None and int(match[2]) >= 60)
        )
        if match is None or too_many:
            self.fail(f"{value!r} is no time: write seconds, mm:ss or h:mm:ss", param, ctx)
        return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3])


def span_options(command: Any) -> Any:
    """Which part of each source is listened to."""
    for option in (
        click.option("--to", "to_s", type=Clock(), metavar="T", help="Listen up to this moment of each SOURCE."),
        click.option("--from", "from_s", type=Clock(), metavar="T", help="Listen from this moment of each SOURCE on: seconds, mm:ss or h:mm:ss."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def voices() -> None:
    """Enrolled voices: who is recognised by name.

    A voice is kept as numbers that tell a person by: biometric data. Enrol people who agreed to it; `remove`
    takes a voice out of the database with everything that was derived from it.
    """


@voices.command()
@click.argument("name")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@span_options
@click.option(
    "--replace",
    is_flag=True,
    help="Put it in the place of the voice of this name. Labels that came of that one stay until `reprocess --from identify`.",
)
@settings_options
@json_option
def enroll(
    name: str, sources: tuple[str, ...], from_s: float | None, to_s: float | None, replace: bool,
    profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Enrol a voice from at least 30 seconds of its speech, and of nobody else's.

    SOURCE is a media file, a YouTube id or URL, or any URL that yt-dlp knows. Then
    `run.py reprocess --from identify` looks for the voice in what is stored.
    """
    _demand_span(from_s, to_s)
    settings = load(profile, config_file, assignments)
    from pipelines.voices import enroll_voice

    enroll_voice(settings, name, sources, (from_s, to_s), replace, as_json)


@voices.command("list")
@settings_options
@json_option
def list_command(
    profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """The enrolled voices."""
    settings = load(profile, config_file, assignments)
    from pipelines.voices import list_voices

    list_voices(settings, as_json)


@voices.command()
@click.argument("name")
@settings_options
@json_option
def show(
    name: str, profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """One voice: where it was heard, its threshold and what that rests on."""
    settings = load(profile, config_file, assignments)
    from pipelines.voices import show_voice

    show_voice(settings, name, as_json)


@voices.command()
@click.argument("name")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@span_options
@settings_options
@json_option
def test(
    name: str, sources: tuple[str, ...], from_s: float | None, to_s: float | None, profile: str | None,
    config_file: Path | None, assignments: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """How much of a recording's speech would be taken for a voice. Keeps nothing."""
    _demand_span(from_s, to_s)
    settings = load(profile, config_file, assignments)
    from pipelines.voices import test_voice

    test_voice(settings, name, sources, (from_s, to_s), as_json)


@voices.command()
@click.argument("name")
@settings_options
@json_option
def remove(
    name: str, profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Remove a voice and everything derived from it: what it said is unknown afterwards."""
    settings = load(profile, config_file, assignments)
    from pipelines.voices import remove_voice

    remove_voice(settings, name, as_json)


@voices.command()
@click.argument("names", metavar="[NAME...]", nargs=-1)
@settings_options
@json_option
def export(
    names: tuple[str, ...], profile: str | None, config_file: Path | None, assignments: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Voices as JSON on standard output: those named, or all. It holds biometric data."""
    settings = load(profile, config_file, assignments)
    from pipelines.voices import export_voices

    export_voices(settings, names)  # JSON with and without --json


@voices.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True))
@click.option(
    "--replace", is_flag=True, help="Put them in the place of voices of the same names; see `enroll`."
)
@settings_options
@json_option
def import_command(
    file: str, replace: bool, profile: str | None, config_file: Path | None, assignments: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Take in voices that `export` wrote; - is standard input. All of them or none."""
    settings = load(profile, config_file, assignments)
    from pipelines.voices import import_voices

    import_voices(
        settings, sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes(), replace, as_json
    )


def _demand_span(from_s: float | None, to_s: float | None) -> None:
    if from_s is not None and to_s is not None and from_s >= to_s:
        raise click.UsageError("--to must be later than --from")
