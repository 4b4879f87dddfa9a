"""On a cluster: ``run.py submit`` and ``run.py jobs``. Everything heavy is imported inside the commands."""

import sys
from pathlib import Path
from typing import TextIO

import click

from configs.catalogue import SettingsError, profiles
from pipelines.cli.options import json_option

address_option = click.option(
    "--address", metavar="URL", required=True, envvar="RAY_API_SERVER_ADDRESS", show_envvar=True,
    help="Address of the cluster's dashboard, for example http://127.0.0.1:8265.",
)  # fmt: skip
JOB = click.argument("job", metavar="JOB")
PROFILE = "cluster"


@click.command()
@click.argument("sources", nargs=-1)
@address_option
@click.option(
    "--from",
    "from_file",
    type=click.File("r", encoding="utf-8-sig", errors="replace"),
    help="File with a source a line, or JSON Lines; it travels with the job. - is standard input.",
)
@click.option(
    "--name", metavar="NAME", help="What the job is called; else the end of its first source's address."
)
@click.option("--limit", type=click.IntRange(min=1), help="As of `ingest`.")
@click.option("--force", is_flag=True, help="As of `ingest`.")
@click.option("--language", metavar="CODE", help="As of `ingest`.")
@click.option(
    "--profile",
    metavar="NAME",
    default=PROFILE,
    show_default=True,
    help=f"Settings that ship: {', '.join(profiles())}.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file of settings, over the profile. Its values travel, as a file.",
)
@click.option(
    "--set",
    "assignments",
    metavar="SECTION.NAME=VALUE",
    multiple=True,
    help="One setting, over everything else; may be repeated.",
)
@click.option("--no-follow", is_flag=True, help="Return as soon as the cluster has the job.")
@json_option
def submit(
    sources: tuple[str, ...], address: str, from_file: TextIO | None, name: str | None, limit: int | None,
    force: bool, language: str | None, profile: str, config_file: Path | None, assignments: tuple[str, ...],
    no_follow: bool, as_json: bool,
) -> None:  # fmt: skip
    """Ingest on a cluster, and follow the job until it ends. Its exit code is this command's.

    SOURCE is as of `ingest`, except files of this machine. What travels is this version's code, the sources and the
    settings named here. This machine's environment and .env don't: the cluster has its own, with the secrets (database,
    proxy) and paths of cookie files. Ctrl-C ends the following, not the job. The same command again does only what is left.
    """
    if not sources and from_file is None:
        raise click.UsageError("name at least one SOURCE, or a file of them with --from")
    if profile not in profiles():
        raise SettingsError(f"no profile named {profile!r}; there are: {', '.join(profiles())}")
    chosen = []
    for assignment in assignments:
        setting, found, value = assignment.partition("=")
        if not found or "." not in setting:
            raise SettingsError("--set: expected SECTION.NAME=VALUE")
        chosen.append((setting, value))
    from configs.load import read_settings_file
    from pipelines.jobs import submit as submit_errand
    from pipelines.submission import Errand

    listed = from_file.read() if from_file else None
    config = read_settings_file(config_file) if config_file else None
    errand = Errand(profile, sources, listed, config, tuple(chosen), limit, force, language)
    sys.exit(submit_errand(errand, address, name, not no_follow, as_json))


@click.group()
def jobs() -> None:
    """Jobs on a cluster: list them, look at one, read its log, stop it. JOB is an id, or a name."""


@jobs.command("list")
@address_option
@click.option("--all", "every", is_flag=True, help="Also jobs that aren't Earmark's.")
@json_option
def list_command(address: str, every: bool, as_json: bool) -> None:
    """The jobs that were submitted, newest first."""
    from pipelines.jobs import list_jobs

    list_jobs(address, every, as_json)


@jobs.command()
@JOB
@address_option
@json_option
def status(job: str, address: str, as_json: bool) -> None:
    """One job: how it stands. Exit code: the job's own, 0 while it goes on."""
    from pipelines.jobs import show_job

    sys.exit(show_job(address, job, as_json))


@jobs.command()
@JOB
@address_option
@click.option("--follow", "-f", is_flag=True, help="Go on until it ends; its exit code is this command's.")
@json_option
def logs(job: str, address: str, follow: bool, as_json: bool) -> None:
    """What a job printed. Ctrl-C ends the following, not the job."""
    from pipelines.jobs import show_log

    sys.exit(show_log(address, job, follow, as_json))


@jobs.command()
@JOB
@address_option
@json_option
def stop(job: str, address: str, as_json: bool) -> None:
    """End a job as Ctrl-C ends a run, and wait until it has; submitted again it goes on from there."""
    from pipelines.jobs import stop_job

    sys.exit(stop_job(address, job, as_json))
