"""What `submit` and `jobs` print and answer, with a cluster that is made up."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from actors.errors import ConfigError, EarmarkError, TransientError
from cluster.jobs import Failing, Job, NotAllowed, NotReached, NotReady
from configs.catalogue import SettingsError
from pipelines import jobs as module
from pipelines.submission import Errand

URL = "http://h:8265"


def errand(*sources: str, **others: Any) -> Errand:
    return Errand("cluster", sources, **others)


RUNNING = Job("earmark-a-1", "a", "RUNNING", "@a", 0.0, None, None, "", "exec python", True)
ENDED = replace(RUNNING, status="FAILED", driver_exit_code=1, ended_at_s=61.0)


class Cluster:
    """Takes what is submitted, prints two lines, and ends as it is told."""

    end: ClassVar[Job] = ENDED
    broken: ClassVar[BaseException | None] = None
    listed: ClassVar[list[Job]] = []
    takes_stops: ClassVar[list[bool]] = []
    submitted: ClassVar[list[tuple[str, str, set[str], Mapping[str, str]]]] = []
    stopped: ClassVar[list[str]] = []

    def __init__(self, address: str) -> None:
        assert address == URL

    def submit(self, job_id: str, entrypoint: str, package: Path, metadata: Mapping[str, str]) -> None:
        self.submitted.append((job_id, entrypoint, {path.name for path in package.iterdir()}, metadata))

    def follow(self, job_id: str) -> Iterator[str]:
        yield "one\n"
        if self.broken:
            raise self.broken
        yield "two\n"

    def job(self, job_id: str) -> Job:
        return self.end

    def all(self) -> list[Job]:
        return self.listed or [self.end, replace(RUNNING, id="other", name="o", is_ours=False)]

    def stop(self, job_id: str) -> bool:
        self.stopped.append(job_id)
        return self.takes_stops.pop(0) if self.takes_stops else True


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[Cluster]:
    kind = type("One", (Cluster,), {"submitted": [], "stopped": [], "takes_stops": []})
    monkeypatch.setattr(module, "Jobs", kind)
    monkeypatch.setattr(module, "POLL_S", 0.0)
    return kind


def test_what_is_submitted_is_followed_and_its_exit_code_is_given(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    assert module.submit(errand("@a", listed="@b\n"), URL + "/", "mine", True, False) == 1
    ((job_id, entrypoint, package, metadata),) = cluster.submitted
    assert job_id.startswith("earmark-mine-") and entrypoint.startswith(
        "exec python run.py ingest --profile cluster"
    )
    assert package == {"actors", "cluster", "configs", "pipelines", "run.py", "sources.txt"}
    assert metadata["name"] == "mine" and metadata["sources"] == "@a, @b"
    out, err = capsys.readouterr()
    assert out == "one\ntwo\n" and job_id in err


def test_with_json_standard_output_is_one_document(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    module.submit(errand("@a"), URL, None, True, True)
    out, err = capsys.readouterr()
    assert json.loads(out)["exit_code"] == 1 and "one\ntwo\n" in err


def test_ctrl_c_ends_the_following_and_says_how_to_go_on(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    """The job goes on: it isn't stopped."""
    cluster.broken, cluster.end = KeyboardInterrupt(), RUNNING
    with pytest.raises(KeyboardInterrupt):
        module.submit(errand("@a"), URL, None, True, False)
    job_id = cluster.submitted[0][0]
    said = capsys.readouterr().err
    assert f"jobs logs {job_id} --follow --address {URL}" in said and f"jobs stop {job_id}" in said
    assert cluster.stopped == []


@pytest.mark.parametrize("error", [NotReached("the connection broke"), Failing("status code 503")])
def test_where_following_is_given_up_it_is_said_that_the_job_goes_on(
    cluster: type[Cluster], error: Exception
) -> None:
    """And how to follow it again; not whether the cluster is up."""
    cluster.broken, cluster.end = error, RUNNING
    with pytest.raises(TransientError, match="goes on") as told:
        module.submit(errand("@a"), URL, None, True, False)
    assert f"jobs logs {cluster.submitted[0][0]} --follow --address {URL}" in told.value.remedy
    assert "Is the cluster up" not in str(told.value)


def test_a_driver_that_never_ran_is_told_with_why(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.end = replace(ENDED, driver_exit_code=None, message="runtime env could not be set up")
    assert module.submit(errand("@a"), URL, None, True, False) == 1
    assert "runtime env could not be set up" in capsys.readouterr().err


def test_what_holds_a_secret_reaches_no_cluster(cluster: type[Cluster]) -> None:
    with pytest.raises(ConfigError):
        module.submit(errand("https://e.org/?token=hunter2"), URL, None, True, False)
    assert cluster.submitted == []


def test_what_the_cluster_would_refuse_reaches_none(cluster: type[Cluster]) -> None:
    """Options, the settings file and the profile together."""
    too_long = errand("@a", config={"segment": {"min_chars": 1000}}, settings=(("segment.max_chars", "900"),))
    with pytest.raises(SettingsError, match="min_chars"):
        module.submit(too_long, URL, None, True, False)
    assert cluster.submitted == []


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_this_machines_environment_has_no_say_in_a_job(
    cluster: type[Cluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    """It refused good jobs and let bad ones through: the cluster has an environment of its own."""
    here = {"EARMARK_EMBED__BATCH_SIZE": "0", "EARMARK_NO__SUCH": "1", "SEGMENT_MAX_CHARS": "9000"}
    monkeypatch.chdir(tmp_path)
    if place == ".env":
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in here.items()))
    else:
        for name, value in here.items():
            monkeypatch.setenv(name, value)
    assert module.submit(errand("@a", config={"embed": {"linger_s": 1}}), URL, None, True, False) == 1
    with pytest.raises(SettingsError, match="min_chars"):
        module.submit(errand("@a", config={"segment": {"min_chars": 5000}}), URL, None, True, False)
    assert len(cluster.submitted) == 1 and ("EARMARK_NO__SUCH" in os.environ) is (place == "environment")


def test_a_place_of_this_machine_is_told_on_standard_error(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    module.submit(errand("@a", settings=(("transcribe.model", str(tmp_path)),)), URL, None, True, True)
    out, err = capsys.readouterr()
    assert f"transcribe.model is {tmp_path}" in err and json.loads(out)


def test_only_our_jobs_are_listed_unless_all_are_wanted(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    module.list_jobs(URL, False, False)
    assert (
        capsys.readouterr().out == "earmark-a-1  failed (exit code 1)  1970-01-01 00:00 UTC, 0:01:01  a: @a\n"
    )
    module.list_jobs(URL, True, True)
    assert [job["id"] for job in json.loads(capsys.readouterr().out)] == ["earmark-a-1", "other"]


STOPPED = replace(ENDED, status="STOPPED", driver_exit_code=None)


def test_a_job_is_stopped_by_its_name_and_waited_for(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.listed, cluster.end = [RUNNING], STOPPED
    assert module.stop_job(URL, "a", False) == 0
    assert cluster.stopped == ["earmark-a-1"] and "stopped (exit code 130)" in capsys.readouterr().out


def test_of_several_of_a_name_the_one_that_runs_is_stopped(cluster: type[Cluster]) -> None:
    """Not the newest, which has ended. (Nothing was stopped then, and all was said to be well.)"""
    cluster.listed, cluster.end = [replace(ENDED, id="earmark-a-2"), RUNNING], STOPPED
    assert module.stop_job(URL, "a", False) == 0
    assert cluster.stopped == ["earmark-a-1"]


def test_a_job_that_had_ended_is_said_to_have(
    cluster: type[Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    assert module.stop_job(URL, "a", True) == 0
    out, err = capsys.readouterr()
    assert cluster.stopped == [] and "nothing was stopped" in err and json.loads(out)["status"] == "FAILED"


def test_a_stop_that_the_cluster_did_not_take_is_asked_for_again(
    cluster: type[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers whether somebody was there to be told."""
    answers = iter([RUNNING, RUNNING, STOPPED])
    monkeypatch.setattr(cluster, "job", lambda *_: next(answers))
    cluster.listed, cluster.takes_stops = [RUNNING], [False, True]
    assert module.stop_job(URL, "a", False) == 0
    assert cluster.stopped == ["earmark-a-1"] * 2


def test_a_job_that_does_not_end_is_told_with_what_to_do(
    cluster: type[Cluster], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "STOP_WAIT_S", -module.STOP_MARGIN_S + 0.01)
    cluster.listed, cluster.end = [RUNNING], RUNNING
    with pytest.raises(TransientError, match="has not ended") as told:
        module.stop_job(URL, "a", True)
    assert f"jobs status earmark-a-1 --address {URL}" in told.value.remedy
    assert json.loads(capsys.readouterr().out)["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("error", "becomes", "remedy"),
    [
        (NotAllowed("no"), ConfigError, "RAY_AUTH_TOKEN_PATH"),
        (NotReached("no"), TransientError, "Is the cluster up"),
        (Failing("no"), TransientError, "dashboard.log"),
        (NotReady("no"), TransientError, "in a minute"),
    ],
)
def test_a_cluster_that_does_not_answer_is_told_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, error: Exception, becomes: type[EarmarkError], remedy: str
) -> None:
    def refuse(address: str) -> None:
        raise error

    monkeypatch.setattr(module, "Jobs", refuse)
    with pytest.raises(becomes) as told:
        module.list_jobs(URL, False, False)
    assert remedy in told.value.remedy
