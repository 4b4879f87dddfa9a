"""Jobs on a cluster, through Ray's job API at the dashboard's address.

Owns the client: how it is reached, what its answers mean, and that a log is followed to its end. What a job runs and
what may travel with it is ``pipelines/submission.py``'s. Ray's token (``RAY_AUTH_TOKEN``, ``RAY_AUTH_TOKEN_PATH`` or
``~/.ray/auth_token``) is sent where there is one.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from cluster.switches import STOP_WAIT_S, set_switches

T = TypeVar("T")

OUR_NAME = "earmark"
"""Metadata by which our jobs are told from others: the version."""
OUR_COMMAND = "exec earmark "
"""What ``kuberay/rayjob.yaml`` runs: KubeRay 1.6 leaves out the metadata of a job for a cluster that is there already
(kuberay issue 4589)."""
ADDRESS_VARIABLES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Ray lets them overrule the address that it is given."""
DROPS = 20
"""Times in a row that a connection may break before it brings anything, while a log is followed."""
DROPPED_PAUSE_S = 1.0
"""Before the next connection; after the second break twice as long, after the third thrice: 3.5 minutes in all."""
READY_WITHIN_S = 60.0
"""How long a head that has just begun is waited for."""
NOT_READY = "No available agent"
"""So Ray's answer begins then; other answers of status 500 are of something else."""
FORBIDDEN, UNKNOWN, FAILING = (401, 403), 404, 500
STOPPED_CODE = 130


class ClusterError(RuntimeError):
    """The cluster can't be asked, or has no such job."""


class NotReached(ClusterError):
    """Nobody answers there, or not as Ray's dashboard."""


class NotAllowed(ClusterError):
    """The cluster wants a token, or another one."""


class Failing(ClusterError):
    """The dashboard answers that it can't (5xx): it starts anew, or something behind it broke."""


class NotReady(Failing):
    """The dashboard answers, and the nodes that run drivers don't yet: a head in its first moments."""


class NoSuchJob(ClusterError):
    """The cluster knows no job of that id."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the cluster tells it."""

    id: str
    name: str
    status: str
    """``PENDING``, ``RUNNING``, ``STOPPED``, ``SUCCEEDED`` or ``FAILED``."""
    sources: str
    began_at_s: float | None
    """Seconds since the epoch."""
    ended_at_s: float | None
    driver_exit_code: int | None
    message: str
    entrypoint: str
    is_ours: bool

    @property
    def has_ended(self) -> bool:
        return self.status in ("STOPPED", "SUCCEEDED", "FAILED")

    @property
    def exit_code(self) -> int | None:
        """The driver's own; where it was stopped, what ``ingest`` answers then; ``None``: it goes on."""
        if not self.has_ended:
            return None
        if self.driver_exit_code is not None:
            return self.driver_exit_code if self.driver_exit_code >= 0 else 128 - self.driver_exit_code
        return STOPPED_CODE if self.status == "STOPPED" else int(self.status != "SUCCEEDED")


class Jobs:
    """The jobs of the cluster whose dashboard answers at ``address``.

    Args:
        address: ``http://HOST:8265`` or https.

    Raises:
        NotReached, NotAllowed: as every method.
    """

    def __init__(self, address: str) -> None:
        set_switches()
        from ray._private.authentication import authentication_token_setup as tokens
        from ray.job_submission import JobSubmissionClient

        # As Ray's own commands do: a token that is there is used unless RAY_AUTH_MODE says otherwise.
        tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
        self._address = address
        with without(ADDRESS_VARIABLES):
            self._client = self._asked(lambda: JobSubmissionClient(address))

    def submit(self, job_id: str, entrypoint: str, package: Path, metadata: Mapping[str, str]) -> None:
        """Have the cluster run ``entrypoint`` in a copy of ``package``.

        Raises:
            NotReady: a minute later still not.
        """
        # The wait is read by the process that runs the driver; the driver's own shutdown takes longer than Ray's 3 s.
        environment = {
            "working_dir": str(package),
            "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_S)},
        }
        for attempt in Retrying(
            retry=retry_if_exception_type(NotReady), stop=stop_after_delay(READY_WITHIN_S),
            wait=wait_fixed(DROPPED_PAUSE_S), reraise=True,
        ):  # fmt: skip
            with attempt:
                self._asked(
                    lambda: self._client.submit_job(
                        entrypoint=entrypoint,
                        submission_id=job_id,
                        runtime_env=environment,
                        metadata=dict(metadata),
                    )
                )

    def job(self, job_id: str) -> Job:
        """
        Raises:
            NoSuchJob: there is none of that id.
        """
        return _job(self._asked(lambda: self._client.get_job_info(job_id)))

    def all(self) -> list[Job]:
        """What was submitted, newest first; drivers that nobody submitted are left out."""
        found = [_job(each) for each in self._asked(self._client.list_jobs) if each.submission_id]
        return sorted(found, key=lambda job: job.began_at_s or 0.0, reverse=True)

    def log(self, job_id: str) -> str:
        """All that the driver printed so far."""
        return str(self._asked(lambda: self._client.get_job_logs(job_id)))

    def stop(self, job_id: str) -> bool:
        """Ask the driver to end (SIGTERM); whether it was running. Returns at once."""
        return bool(self._asked(lambda: self._client.stop_job(job_id)))

    def follow(self, job_id: str) -> Iterator[str]:
        """What the driver prints, from the beginning until the job ends. A connection that breaks is opened again, also
        after the job's end for what is left of its log, and what came already isn't given twice.

        Raises:
            NotReached: it broke again and again; the job itself may go on.
        """
        import aiohttp

        given = drops = 0
        had_ended = False
        with asyncio.Runner() as runner:
            while True:
                broke: Exception | None = None
                position = 0
                lines = self._client.tail_job_logs(job_id)
                try:
                    while (text := runner.run(_next(lines))) is not None:
                        position += len(text)
                        drops = 0
                        n_fresh = min(len(text), position - given)
                        if n_fresh > 0:
                            given = position
                            yield text[-n_fresh:]
                except (
                    aiohttp.ClientError,
                    OSError,
                    RuntimeError,
                ) as error:  # how the client tells that it broke
                    broke = error
                    drops += 1
                has_ended = self._has_ended(job_id)
                if has_ended and (broke is None or had_ended):  # a driver that never ran has no log to give
                    return
                had_ended = has_ended
                if drops > DROPS:
                    raise NotReached(
                        f"{self._address}: the connection broke {drops} times in a row"
                    ) from broke
                runner.run(asyncio.sleep(DROPPED_PAUSE_S * max(1, drops)))

    def _has_ended(self, job_id: str) -> bool:
        """``False`` also while there is no right answer: a dashboard that starts anew knows the job afterwards."""
        try:
            return self.job(job_id).has_ended
        except (NotReached, Failing):
            return False

    def _asked(self, ask: Callable[[], T]) -> T:
        from ray.exceptions import AuthenticationError

        try:
            return ask()
        except AuthenticationError as error:
            raise NotAllowed(f"{self._address} wants another token than was sent, or one at all") from error
        except OSError as error:  # the HTTP library's errors among them
            raise NotReached(f"nobody answers at {self._address}") from error
        except RuntimeError as error:  # the client's word for any other answer, its number in the text
            status, said = _answer(str(error))
            if status == UNKNOWN:
                raise NoSuchJob(f"{self._address} knows no such job") from error
            if status in FORBIDDEN:
                raise NotAllowed(f"{self._address} wants a token") from error
            kind = ClusterError
            if status >= FAILING:
                kind = NotReady if said.startswith(NOT_READY) else Failing
            first_line = next(iter(str(error).splitlines()), "an error without words")
            raise kind(f"{self._address}: {first_line[:500]}") from error


def _answer(text: str) -> tuple[int, str]:
    """Status and words of the dashboard's answer, out of the client's words for it; 0 where they hold none."""
    found = re.search(r"status code (\d{3}): ?", text)
    return (int(found[1]), text[found.end() :]) if found else (0, text)


async def _next(lines: AsyncIterator[str]) -> str | None:
    return await anext(lines, None)


def _job(details: Any) -> Job:
    """Of Ray's ``JobDetails``, whose times are milliseconds."""
    metadata = details.metadata or {}
    return Job(
        id=details.submission_id or details.job_id or "",
        name=metadata.get("name", ""),
        status=str(details.status),
        sources=metadata.get("sources", ""),
        began_at_s=details.start_time / 1000 if details.start_time else None,
        ended_at_s=details.end_time / 1000 if details.end_time else None,
        driver_exit_code=details.driver_exit_code,
        message=details.message or "",
        entrypoint=details.entrypoint,
        is_ours=OUR_NAME in metadata or (details.entrypoint or "").startswith(OUR_COMMAND),
    )


@contextmanager
def without(names: Iterable[str]) -> Iterator[None]:
    """The environment lacks these variables meanwhile."""
    held = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(held)
