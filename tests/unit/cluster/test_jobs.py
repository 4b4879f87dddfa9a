"""The client of Ray's job API, against one that answers as Ray's does."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import ray.job_submission
from cluster_files import ours
from ray.exceptions import AuthenticationError

from cluster import jobs as module
from cluster.jobs import DROPS, ClusterError, Failing, Jobs, NoSuchJob, NotAllowed, NotReached, NotReady


def details(status: str = "SUCCEEDED", code: int | None = 0, **others: Any) -> SimpleNamespace:
    return SimpleNamespace(**{
        "submission_id": "j", "job_id": "01", "status": status, "metadata": {"earmark": "1", "name": "n"},
        "start_time": 1000, "end_time": None, "driver_exit_code": code, "message": None, "entrypoint": "e",
    } | others)  # fmt: skip


class Client:
    """Gives these pieces of a log, one list a connection, then breaks off or ends."""

    connections: ClassVar[list[list[str]]] = []
    ends_after = 1
    error: Exception | None = None

    def __init__(self, address: str) -> None:
        assert not {"RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"} & set(os.environ)
        self.n_connections = 0

    def get_job_info(self, job_id: str) -> SimpleNamespace:
        if self.error:
            raise self.error
        return details("SUCCEEDED" if self.n_connections >= self.ends_after else "RUNNING")

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        pieces = self.connections[self.n_connections]
        self.n_connections += 1
        for piece in pieces:
            if piece == "BREAK":
                raise RuntimeError("WebSocket connection closed unexpectedly with close code 1006")
            yield piece


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    kind = type("OneClient", (Client,), {})
    monkeypatch.setattr(ray.job_submission, "JobSubmissionClient", kind)
    monkeypatch.setattr(module, "DROPPED_PAUSE_S", 0.0)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")  # would overrule --address
    return kind


def test_a_log_is_followed_to_its_end(client: type[Client]) -> None:
    client.connections = [["one\n", "two\n"]]
    assert list(Jobs("http://h:8265").follow("j")) == ["one\n", "two\n"]


def test_a_connection_that_breaks_is_opened_again_and_nothing_is_told_twice(client: type[Client]) -> None:
    """The server begins at the top each time, and cuts the text elsewhere."""
    client.connections = [
        ["one\n", "two\n", "BREAK"],
        ["one\ntw", "o\nthree\n"],
        ["one\ntwo\nthree\n", "four\n"],
    ]
    client.ends_after = 3
    assert "".join(Jobs("http://h:8265").follow("j")) == "one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize(
    "away",
    [
        ConnectionError("refused"),
        RuntimeError("Request failed with status code 500: Traceback"),
        RuntimeError("Request failed with status code 503: ."),
    ],
)
def test_a_cluster_that_is_away_for_a_moment_is_asked_again(client: type[Client], away: Exception) -> None:
    """Its dashboard starts anew, say: neither the log nor the job's state can be had just then."""
    client.connections, client.ends_after = [["one\n"], ["one\n", "two\n"]], 2
    asked = client.get_job_info

    def away_once(self: Client, job_id: str) -> SimpleNamespace:
        if self.n_connections == 1:
            raise away
        return asked(self, job_id)

    client.get_job_info = away_once  # type: ignore[method-assign]
    assert "".join(Jobs("http://h:8265").follow("j")) == "one\ntwo\n"


def test_a_log_is_told_to_its_end_though_the_connection_broke_at_the_jobs_end(client: type[Client]) -> None:
    client.connections, client.ends_after = [["one\n", "BREAK"], ["one\n", "two\n"]], 1
    assert "".join(Jobs("http://h:8265").follow("j")) == "one\ntwo\n"


def test_a_job_whose_driver_never_ran_has_no_log_and_is_not_waited_for(client: type[Client]) -> None:
    """Ray then answers the request for the log with no connection at all."""
    client.connections, client.ends_after = [["BREAK"]] * 50, 0
    assert list(Jobs("http://h:8265").follow("j")) == []


def test_however_often_a_connection_breaks_a_job_is_followed_while_each_new_one_works(
    client: type[Client],
) -> None:
    """A job of days: only breaks in a row count. (They were summed up, and a job that ran was given up.)"""
    n = 2 * DROPS + 1
    client.connections = [[*(f"{line}\n" for line in range(i + 1)), "BREAK"] for i in range(n)] + [
        [f"{line}\n" for line in range(n)]
    ]
    client.ends_after = n + 1
    assert "".join(Jobs("http://h:8265").follow("j")) == "".join(f"{line}\n" for line in range(n))


def test_a_connection_that_breaks_again_and_again_is_given_up(client: type[Client]) -> None:
    client.connections, client.ends_after = [["BREAK"]] * 50, 50
    with pytest.raises(NotReached, match="broke"):
        list(Jobs("http://h:8265").follow("j"))


def test_a_head_that_has_just_begun_is_waited_for(client: type[Client], tmp_path: Path) -> None:
    """Its dashboard answers before a node can take a driver. What else goes wrong is told at once."""
    said = [
        "Request failed with status code 500: No available agent to submit job, please try again later.",
        "Request failed with status code 500: a broken package",
    ]
    answers = iter([RuntimeError(said[0]), RuntimeError(said[0]), None, RuntimeError(said[1])])
    submitted: list[str] = []

    def submit(self: Client, submission_id: str, **job: Any) -> None:
        if (error := next(answers)) is not None:
            raise error
        submitted.append(submission_id)

    client.submit_job = submit  # type: ignore[attr-defined]
    jobs = Jobs("http://h:8265")
    jobs.submit("a", "python run.py", tmp_path, {})
    with pytest.raises(ClusterError, match="a broken package"):
        jobs.submit("b", "python run.py", tmp_path, {})
    assert submitted == ["a"]


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (AuthenticationError("Authentication failed"), NotAllowed),
        (ConnectionError("refused"), NotReached),
        (RuntimeError("Request failed with status code 404: Job j does not exist."), NoSuchJob),
        (RuntimeError("Request failed with status code 403: no."), NotAllowed),
        (RuntimeError("Request failed with status code 500: Traceback\nmore"), Failing),
        (RuntimeError("Request failed with status code 503: "), Failing),
        (RuntimeError("Request failed with status code 500: No available agent to submit job."), NotReady),
        (RuntimeError("Request failed with status code 500: Traceback: No available agent"), Failing),
        (RuntimeError("Request failed with status code 400: a job named 'status code 404: x'"), ClusterError),
        (RuntimeError(""), ClusterError),
    ],
)
def test_an_answer_that_is_none_is_told_by_what_it_means(
    client: type[Client], error: Exception, becomes: type[Exception]
) -> None:
    client.error = error
    with pytest.raises(becomes) as told:
        Jobs("http://h:8265").job("j")
    assert type(told.value) is becomes and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "driver", "code"),
    [
        ("SUCCEEDED", 0, 0), ("FAILED", 1, 1), ("FAILED", 2, 2), ("FAILED", -9, 137), ("FAILED", None, 1),
        ("STOPPED", None, 130), ("RUNNING", None, None), ("PENDING", None, None),
    ],
)  # fmt: skip
def test_the_drivers_own_exit_code_comes_back(status: str, driver: int | None, code: int | None) -> None:
    """Ray tells none of a job that was stopped: it is what ``ingest`` answers to Ctrl-C."""
    job = module._job(details(status, driver))
    assert job.exit_code == code
    assert job.has_ended is (code is not None)


def test_a_run_that_kuberay_started_without_its_metadata_is_one_of_ours() -> None:
    """By its command, which is that of the file."""
    (job,) = (each for each in ours() if each["kind"] == "RayJob")
    entrypoint = job["spec"]["entrypoint"]
    assert module._job(details(metadata=None, entrypoint=entrypoint)).is_ours
    assert not module._job(details(metadata=None, entrypoint="python train.py")).is_ours
