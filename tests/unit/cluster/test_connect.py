"""Starting Ray on a machine that is too busy for Ray's own patience, and joining a cluster that can't be joined."""

import signal
import socket
from typing import Any

import pytest
import ray

from cluster.connect import START_ATTEMPTS, _init, _metrics_options, join
from configs.catalogue import SettingsError

TOO_BUSY = "The current node timed out during startup. This could happen because the raylet failed to start"


def starts(monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> list[dict[str, Any]]:
    """Have Ray's start fail in this way, one failure after another, then succeed; the calls it got."""
    left, calls = list(failures), []

    def init(**options: Any) -> str:
        calls.append(options)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Ray puts a handler of its own
        if left:
            raise left.pop(0)
        return "started"

    monkeypatch.setattr(ray, "init", init)
    return calls


def test_a_start_that_timed_out_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray raises a bare Exception for it."""
    calls = starts(monkeypatch, *[Exception(TOO_BUSY)] * (START_ATTEMPTS - 1))
    assert _init(num_cpus=2) == "started"
    assert calls == [{"num_cpus": 2}] * START_ATTEMPTS


def test_a_dashboard_port_that_another_run_took_meanwhile_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two runs that start at once both find it free."""
    taken = ValueError("Failed to bind to 127.0.0.1:8265 because it's already occupied. You can use …")
    calls = starts(monkeypatch, taken)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert _init(dashboard_port=port) == "started"
    assert len(calls) == 2 and all(call["dashboard_port"] > port for call in calls)


def test_a_metrics_port_that_is_taken_gives_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's agent would die of it, and the node with the agent; where none is wanted Ray takes any."""
    calls = starts(monkeypatch)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert _init(**_metrics_options(port)) == "started"
    assert calls[0]["_metrics_export_port"] > port
    _init(**_metrics_options(None))
    assert calls[1]["_metrics_export_port"] is None


def test_it_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last failure comes out as it is."""
    calls = starts(monkeypatch, *[Exception(TOO_BUSY)] * START_ATTEMPTS)
    with pytest.raises(Exception, match="timed out during startup"):
        _init()
    assert len(calls) == START_ATTEMPTS


def test_any_other_failure_comes_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong address gets no better by waiting."""
    calls = starts(monkeypatch, ConnectionError("no such cluster"))
    with pytest.raises(ConnectionError):
        _init(address="elsewhere")
    assert len(calls) == 1


def test_the_handler_of_sigterm_stays_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's own would end the process with 15 instead of 130."""
    starts(monkeypatch)
    before = signal.getsignal(signal.SIGTERM)
    _init()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("failure", "said", "remedy"),
    [
        (ConnectionError("Could not find any running Ray instance."), "Could not find any", "on a node"),
        (RuntimeError("No node info found\nmatching attributes: '10.0.0.9'"), "found matching", "submit"),
        (ValueError("Malformed address port x."), "Malformed", "submit"),
        (ray.exceptions.AuthenticationError("InvalidAuthToken"), "InvalidAuthToken", "RAY_AUTH_TOKEN_PATH"),
    ],
)
def test_a_cluster_that_can_not_be_joined_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, said: str, remedy: str
) -> None:
    """From a machine that is no node, and with a wrong token, these were tracebacks."""
    starts(monkeypatch, failure)
    with pytest.raises(SettingsError, match=remedy) as raised:
        join("head:6379")
    assert "head:6379" in str(raised.value) and said in str(raised.value) and "\n" not in str(raised.value)
