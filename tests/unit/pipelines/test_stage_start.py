"""An actor that can't join the line says why, and on a cluster where. Without Ray."""

from types import SimpleNamespace
from typing import Any

import pytest

from actors.errors import ConfigError, EarmarkError, TransientError
from configs.catalogue import SettingsError
from configs.load import load_settings
from pipelines import stage as module
from pipelines.stage import StageHost, StageSpec, told_by

UNWRITABLE = SettingsError(
    "/data can't be made (Read-only file system). Set EARMARK_HOME to a directory of this user's own"
)


def refusal(
    monkeypatch: pytest.MonkeyPatch, *, here: Exception | None = None, build: Exception | None = None, address: str | None
) -> EarmarkError:  # fmt: skip
    """What the scoreboard hears of an actor that can't start, which Ray hears too."""
    refused: list[EarmarkError] = []

    def raising(error: Exception | None, value: Any) -> Any:
        if error is not None:
            raise error
        return value

    settings = load_settings("cluster" if address else "local", overrides={"ray.address": address})
    context: Any = SimpleNamespace(
        settings=settings, database_url="postgresql://nowhere", here=lambda: raising(here, context),
        scoreboard=SimpleNamespace(refuse=SimpleNamespace(remote=refused.append)),
    )  # fmt: skip
    monkeypatch.setattr(module.ray, "get", lambda answer: answer)
    monkeypatch.setattr(module, "get_node_ip_address", lambda: "10.0.0.7")
    monkeypatch.setattr(module, "Database", lambda *_, **__: None)
    monkeypatch.setattr(module, "Ledger", lambda *_: None)
    monkeypatch.setattr(module, "Deaths", lambda *_, **__: None)
    spec = StageSpec("Store", (), lambda *_: raising(build, None), 1, 1, 1)
    with pytest.raises(EarmarkError) as raised:
        StageHost(spec, context)
    assert refused == [raised.value]
    return refused[0]


def test_a_node_without_a_place_for_a_home_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was "the line broke: …", after as many passes as there are."""
    told = refusal(monkeypatch, here=UNWRITABLE, address="auto")
    assert isinstance(told, ConfigError) and told.code == "home"
    assert str(told).startswith("on the node 10.0.0.7: /data can't be made") and "Set EARMARK_HOME" in str(
        told
    )
    odd = refusal(monkeypatch, here=PermissionError(13, "Permission denied"), address="auto")
    assert isinstance(odd, ConfigError) and "EARMARK_HOME" in odd.remedy


def test_what_a_worker_can_not_be_built_of_is_told_with_its_node(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ConfigError("there is no directory /models/whisper", remedy="Name one")
    told = refusal(monkeypatch, build=missing, address="auto")
    assert str(told) == "on the node 10.0.0.7: there is no directory /models/whisper. Name one"


def test_on_one_machine_there_is_no_node_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ConfigError("there is no directory /models/whisper", remedy="Name one")
    assert refusal(monkeypatch, build=missing, address=None) is missing


def test_an_error_told_by_its_node_stays_what_it_is() -> None:
    error = TransientError("no memory", code="out_of_memory", remedy="Wait", retry_after_s=3.0)
    told = told_by(error, "a")
    assert (told.reason, told.code, told.remedy, told.retry_after_s) == (
        "on the node a: no memory",
        "out_of_memory",
        "Wait",
        3.0,
    )
    assert error.reason == "no memory"
