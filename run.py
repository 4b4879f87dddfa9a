"""Earmark's command line: parse, call, print. Everything heavy is imported inside the commands."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from configs.catalogue import SettingsError
from pipelines.cli.ahead import doctor, plan, tune
from pipelines.cli.jobs import jobs, submit
from pipelines.cli.options import json_option, load, settings_options
from pipelines.cli.seeing import report, watch
from pipelines.cli.voices import voices

EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


class Group(click.Group):
    """Turns what we foresaw into one line and an exit code; a traceback is for what we did not."""

    def invoke(self, ctx: click.Context) -> Any:
        from actors.errors import ConfigError, EarmarkError

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends a command as Ctrl-C does
        try:
            return super().invoke(ctx)
        except (SettingsError, ConfigError) as error:
            click.echo(f"earmark: {error}", err=True)
            ctx.exit(EXIT_USAGE)
        except EarmarkError as error:
            click.echo(f"earmark: {error}", err=True)
            ctx.exit(EXIT_SOME_FAILED)
        except KeyboardInterrupt:
            click.echo("earmark: stopped", err=True)
            ctx.exit(EXIT_INTERRUPTED)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="earmark")
def main() -> None:
    """Turn channels of talk into a searchable corpus: who said what, when, with a link to that second.

    All state lies under EARMARK_HOME. Settings: command line beats environment beats .env beats file.
    Exit codes: 0 all well, 1 some videos failed, 2 usage or settings, 130 interrupted.
    """


@main.command()
@click.argument("sources", nargs=-1)
@click.option(
    "--from",
    "from_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
    help="File with a source a line, or JSON Lines with url or id; - is standard input.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Most videos to take.")
@click.option(
    "--force",
    is_flag=True,
    help="Do again, from the source on, what is stored, skipped or failed. Old rows are served meanwhile.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be ingested and do nothing.")
@click.option("--language", metavar="CODE", help="Spoken language (ISO 639), for transcribe.language.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="For transcribe.device, identify.device and embed.device; cpu also sets transcribe.compute_type to auto.",
)
@settings_options
@json_option
def ingest(
    sources: tuple[str, ...], from_file: str | None, limit: int | None, force: bool, dry_run: bool,
    language: str | None, device: str | None, profile: str | None, config_file: Path | None,
    assignments: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Take videos into the corpus.

    SOURCE is a YouTube id or URL, a channel or playlist, any URL that yt-dlp knows, a media file or a
    folder of them. The same command again does only what is left.
    """
    if not sources and from_file is None:
        raise click.UsageError("name at least one SOURCE, or a file of them with --from")
    devices = dict.fromkeys(("transcribe.device", "identify.device", "embed.device"), device)
    flags = {"transcribe.language": language, **devices}
    flags["transcribe.compute_type"] = "auto" if device == "cpu" else None  # a GPU's would be refused there
    settings = load(profile, config_file, assignments, {k: v for k, v in flags.items() if v is not None})
    from pipelines.commands import ingest_sources

    sys.exit(ingest_sources(sources, from_file, settings, limit, force, dry_run, as_json))


@main.command()
@click.option("--all", "every", is_flag=True, help="Also what is not due yet.")
@click.option(
    "--code",
    "codes",
    metavar="CODE",
    multiple=True,
    help="Only failures with this code, also those for good (private to us until there were cookies); may be repeated.",
)
@settings_options
@json_option
def retry(every: bool, codes: tuple[str, ...], profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:  # fmt: skip
    """Try again what failed for now and is due: a network, a server, a GPU that was away.

    `status --failed` lists it. A run by itself tries again what becomes due while it lasts.
    """
    settings = load(profile, config_file, assignments)
    from pipelines.commands import retry_failed

    sys.exit(retry_failed(settings, codes, every, as_json))


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8799,
    show_default=True,
    help="Port of the demo's own media server on loopback; 0: any.",
)
@json_option
def demo(port: int, as_json: bool) -> None:
    """Ingest the speech that ships from a server on this machine, then search it. Needs no network."""
    from configs.load import load_settings
    from pipelines.demo import run_demo

    settings = load_settings("demo")

    sys.exit(run_demo(settings, port, as_json))


@main.command()
@click.option(
    "--from",
    "start",
    type=click.Choice(["prepare", "identify", "segment", "embed"]),
    required=True,
    help="prepare: decode, cut and transcribe by these settings. identify: say anew who spoke, from what was heard then. segment: cut again what was transcribed. embed: only new vectors.",
)
@click.option(
    "--where",
    metavar="KEY=VALUE",
    multiple=True,
    help="Only such videos; may be repeated, all must hold. Keys: video, channel, language, since, until, model, recipe (a hash or other), flag, speaker, status.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Most videos to do again.")
@click.option("--dry-run", is_flag=True, help="Say which videos would be done again and do nothing.")
@settings_options
@json_option
def reprocess(start: Any, where: tuple[str, ...], limit: int | None, dry_run: bool, profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:  # fmt: skip
    """Do stored videos again from a stage on; what is stored is served until the new rows replace it."""
    settings = load(profile, config_file, assignments)
    from pipelines.commands import reprocess_videos

    sys.exit(reprocess_videos(start, where, settings, limit, dry_run, as_json))


@main.command()
@click.option("--videos", is_flag=True, help="Every video, not only the counts.")
@click.option("--failed", is_flag=True, help="Failed videos with reason and remedy.")
@settings_options
@json_option
def status(videos: bool, failed: bool, profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:  # fmt: skip
    """What is in the ledger and the corpus, and how fast the last day went."""
    settings = load(profile, config_file, assignments)
    from pipelines.commands import show_status

    show_status(settings, videos, failed, as_json)


@main.command()
@click.argument("video_id", metavar="ID")
@settings_options
@json_option
def show(video_id: str, profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:  # fmt: skip
    """One stored video: its segments with times."""
    settings = load(profile, config_file, assignments)
    from pipelines.commands import show_video

    show_video(settings, video_id, as_json)


@main.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Most hits.")
@click.option("--channel", help="Only this channel, by name or id.")
@click.option("--speaker", help="Only what this speaker said.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Published on this day or later.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Published on this day or earlier.")
@click.option("--video", "video_id", metavar="ID", help="Only this video.")
@settings_options
@json_option
def search(query: str, limit: int, profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool, **filters: Any) -> None:  # fmt: skip
    """Find what was said: by meaning and by words, with a link that opens at that second."""
    settings = load(profile, config_file, assignments)
    from pipelines.commands import search_corpus

    search_corpus(settings, query, limit, filters, as_json)


@main.command("settings")
@settings_options
@json_option
def settings_command(profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:  # fmt: skip
    """Every setting: its value here, its bounds and what it does."""
    settings = load(profile, config_file, assignments)
    from configs.listing import list_settings

    if as_json:
        click.echo(json.dumps(settings.model_dump(mode="json"), indent=2))
        return
    for line in list_settings(settings):
        click.echo(line)


@main.group()
def db() -> None:
    """The database: migrate it, look at it, stop the embedded one."""


@db.command()
@settings_options
@json_option
def migrate(
    profile: str | None, config_file: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Bring the schema to this version; does nothing where it is."""
    settings = load(profile, config_file, assignments)
    from pipelines.commands import migrate_database

    migrate_database(settings, as_json)


@db.command()
@json_option
def stop(as_json: bool) -> None:
    """Stop the embedded database of this EARMARK_HOME. Any command that needs it starts it again."""
    from pipelines.commands import stop_database

    stop_database(as_json)


main.add_command(doctor)
main.add_command(plan)
main.add_command(tune)
main.add_command(voices)
main.add_command(report)
main.add_command(watch)
main.add_command(submit)
main.add_command(jobs)


if __name__ == "__main__":
    main()
