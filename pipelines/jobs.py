"""What `submit` and `jobs` do: ask the cluster, follow, print. Text for people, or one JSON document."""

import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from actors.errors import ConfigError, TransientError
from cluster.jobs import ClusterError, Failing, Job, Jobs, NotAllowed, NotReached, NotReady, without
from cluster.package import SETTINGS, stage
from cluster.switches import STOP_WAIT_S
from configs.catalogue import PROFILES_DIR
from configs.load import PREFIX, SEED_VARIABLES, load_settings, read_settings_file
from pipelines.printing import answer
from pipelines.submission import (
    Errand,
    address_of,
    default_name,
    demand_fit_to_travel,
    job_id,
    metadata,
    named,
    notices,
    to_stop,
    written,
)

POLL_S = 0.5
STOP_MARGIN_S = 15.0


def submit(errand: Errand, address: str, name: str | None, follow: bool, as_json: bool) -> int:
    """Run an errand on a cluster; gives the driver's exit code, or 0 where it isn't followed.

    Raises:
        ConfigError: something must not travel, the address is none, or the token is wrong.
        SettingsError: the settings are none that the cluster could run with.
        TransientError: the cluster doesn't answer.
    """
    url = address_of(address)
    profile = read_settings_file(PROFILES_DIR / f"{errand.profile}.yaml")
    demand_fit_to_travel(errand, profile)
    called = name or default_name(errand.sources)
    chosen = job_id(called, datetime.now(UTC), secrets.token_hex(2))
    with _told(), tempfile.TemporaryDirectory(prefix="earmark-") as temporary:
        package = Path(temporary)
        stage(package, written(errand, profile))
        _demand_right_settings(errand, package / SETTINGS)
        for notice in notices(errand, profile):
            click.echo(f"earmark: {notice}", err=True)
        jobs = Jobs(url)
        jobs.submit(chosen, errand.entrypoint(), package, metadata(errand, called, version("earmark")))
        click.echo(f"Job {chosen} on {url}", err=True)
    with _told():
        if follow:
            return _follow(jobs, chosen, url, as_json)
        _print(jobs.job(chosen), as_json)
    return 0


def _demand_right_settings(errand: Errand, settings_file: Path) -> None:
    """What the cluster would refuse is refused here. This machine's environment and .env have no say in it, since they
    don't travel; those of the head are unknown here, and may still change what comes out.

    Raises:
        SettingsError: naming every setting that is wrong.
    """
    values: dict[str, str | None] = {"transcribe.language": errand.language} if errand.language else {}
    values |= {name: value or None for name, value in errand.settings}
    ours = [name for name in os.environ if name.upper().startswith(PREFIX) or name in SEED_VARIABLES]
    with without(ours):
        load_settings(errand.profile, settings_file if errand.config is not None else None, values, None)


def list_jobs(address: str, every: bool, as_json: bool) -> None:
    """Print the jobs that were submitted, newest first."""
    with _told():
        jobs = [job for job in Jobs(address_of(address)).all() if every or job.is_ours]
    if as_json:
        click.echo(json.dumps([_document(job) for job in jobs], indent=2))
        return
    for job in jobs:
        click.echo(_line(_document(job)))
    if not jobs:
        click.echo("No jobs were submitted")


def show_job(address: str, wanted: str, as_json: bool) -> int:
    """Print one job; gives its exit code, 0 while it goes on."""
    with _told():
        job = named(Jobs(address_of(address)).all(), wanted)
    _print(job, as_json)
    return job.exit_code or 0


def show_log(address: str, wanted: str, follow: bool, as_json: bool) -> int:
    """Print what a job's driver printed; with ``follow`` until it ends, and its exit code is given."""
    with _told():
        url = address_of(address)
        jobs = Jobs(url)
        job = named(jobs.all(), wanted)
        if follow:
            return _follow(jobs, job.id, url, as_json)
        text = jobs.log(job.id)
    click.echo(json.dumps({"id": job.id, "log": text}) if as_json else text, nl=as_json)
    return 0


def stop_job(address: str, wanted: str, as_json: bool) -> int:
    """Have a job end as Ctrl-C ends a run, and wait until it has. Of one that had ended already that is said.

    Raises:
        TransientError: ``not_ended``: it goes on still.
    """
    url = address_of(address)
    with _told():
        jobs = Jobs(url)
        job = to_stop(jobs.all(), wanted)
        had_ended, was_told = job.has_ended, False
        until = time.monotonic() + STOP_WAIT_S + STOP_MARGIN_S
        while not job.has_ended and time.monotonic() < until:
            was_told = was_told or jobs.stop(job.id)  # not at once where its process is only just begun
            time.sleep(POLL_S)
            job = jobs.job(job.id)
    _print(job, as_json)
    if had_ended:
        click.echo(f"earmark: job {job.id} had ended before; nothing was stopped", err=True)
    if not job.has_ended:
        raise TransientError(
            f"job {job.id} has not ended within {STOP_WAIT_S + STOP_MARGIN_S:.0f} s",
            code="not_ended",
            remedy=f"Look at it in a minute (run.py jobs status {job.id} --address {url}) and stop it again if it still "
            "goes on; where its node is gone the cluster ends it by itself",
        )
    return 0


def _follow(jobs: Jobs, chosen: str, url: str, as_json: bool) -> int:
    """Print the log until the job ends. Ctrl-C, or a cluster that is away for long, ends the following and leaves the job.

    Raises:
        TransientError: the cluster was away for too long.
    """
    out = sys.stderr if as_json else sys.stdout
    goes_on = (
        f"Job {chosen} goes on. To follow it again: run.py jobs logs {chosen} --follow --address {url}; "
        f"to end it: run.py jobs stop {chosen} --address {url}"
    )
    try:
        for text in jobs.follow(chosen):
            out.write(text)
            out.flush()
        job = jobs.job(chosen)
    except KeyboardInterrupt:
        click.echo(f"\nearmark: no longer followed. {goes_on}", err=True)
        raise
    except (NotReached, Failing) as error:
        raise TransientError(f"{error}; no longer followed", code="cluster", remedy=goes_on) from error
    # Where its driver never ran the log doesn't say why.
    if job.driver_exit_code is None and job.status == "FAILED":
        click.echo(f"earmark: job {chosen} failed: {job.message}", err=True)
    if as_json:
        click.echo(json.dumps(_document(job), indent=2))
    return job.exit_code or 0


@contextmanager
def _told() -> Iterator[None]:
    """The cluster's answers in the words of the command line."""
    try:
        yield
    except NotAllowed as error:
        raise ConfigError(
            str(error),
            code="token",
            remedy="Put the cluster's token into a file of mode 0600 and its path into RAY_AUTH_TOKEN_PATH",
        ) from error
    except ClusterError as error:
        raise TransientError(str(error), code="cluster", remedy=_remedy(error)) from error


def _remedy(error: ClusterError) -> str:
    if isinstance(error, NotReady):
        return "Its head has begun and no node takes jobs yet: try again in a minute; `ray status` on the head names its nodes"
    if isinstance(error, Failing):
        return (
            "Try again in a minute; if it stays so, dashboard.log on the head (Ray dashboard, Logs) says why"
        )
    return "Is the cluster up, and is this its dashboard's address?"


def _document(job: Job) -> dict[str, Any]:
    return asdict(job) | {"exit_code": job.exit_code}


def _line(job: dict[str, Any]) -> str:
    lasted = ""
    if job["began_at_s"] is not None:
        began = datetime.fromtimestamp(job["began_at_s"], UTC)
        ended_at_s = job["ended_at_s"]
        ended = datetime.now(UTC) if ended_at_s is None else datetime.fromtimestamp(ended_at_s, UTC)
        lasted = f"  {began:%Y-%m-%d %H:%M} UTC, {timedelta(seconds=round((ended - began).total_seconds()))}"
    code = f" (exit code {job['exit_code']})" if job["exit_code"] is not None else ""
    return f"{job['id']}  {job['status'].lower()}{code}{lasted}  {job['name']}: {job['sources']}"


def _print(job: Job, as_json: bool) -> None:
    answer(_document(job), lambda document: (_line(document),), as_json)
