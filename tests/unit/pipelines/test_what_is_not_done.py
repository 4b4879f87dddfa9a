"""Nothing is passed over in silence: what failed before, and sources that nobody could take."""

from collections.abc import Iterable
from typing import Any

import pytest
from counts import run_counts

from actors.errors import ConfigError
from actors.rows import RunId
from actors.store.standing import Asked
from configs.load import load_settings
from configs.report import ReportSettings
from pipelines import commands, present
from pipelines.outcome import Outcome


@pytest.mark.parametrize("asked", [Asked(failed_before=2), Asked(not_due=1)])
def test_what_failed_before_is_said_with_the_way_to_its_reasons(asked: Asked) -> None:
    """The same command on Monday does nothing, and must not read as if all were well."""
    ended = Outcome(RunId(2), asked, run_counts(), 1.0, 0.0)
    text = "\n".join(present.outcome(present.outcome_document(ended, [], ReportSettings())))
    assert "Not done again: " in text and "status --failed" in text and "retry --all" in text


def test_without_such_videos_nothing_is_said_of_them() -> None:
    """Videos that are stored need no remedy."""
    ended = Outcome(RunId(2), Asked(stored=3), run_counts(), 1.0, 0.0)
    assert "status --failed" not in "\n".join(
        present.outcome(present.outcome_document(ended, [], ReportSettings()))
    )


def test_sources_that_can_not_be_taken_are_named_where_the_run_ends_by_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are in no ledger."""

    def breaks(items: Iterable[Any], *_: object, **__: object) -> None:
        list(items)
        raise ConfigError("the database has another dimension")

    monkeypatch.setattr(commands, "_ingest", breaks)
    with pytest.raises(ConfigError):
        commands.ingest_sources(["/no/such/talk.mp3"], None, load_settings("demo"), None, False, False, False)
    assert "left out /no/such/talk.mp3" in capsys.readouterr().err
