"""``report --html`` as a user calls it, on a run that is kept in a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import earmark

from actors.store.runs import RunRegistry
from tests.made_run import BOUND, course, figures


@pytest.fixture
def kept(database_url: str) -> Iterator[str]:
    """URL of a database with a run that is over."""
    with RunRegistry(database_url) as registry:
        registry.open_run({})
        registry.close_run("finished", figures(), course())
    yield database_url


def test_the_page_is_one_file_and_nothing_else_is_left(kept: str, tmp_path: Path) -> None:
    """Plots and all; what the drawing library keeps lies in our home, not in the user's."""
    page, user = tmp_path / "report.html", tmp_path / "user"
    user.mkdir()
    answer = earmark(
        tmp_path / "home", "report", "--html", str(page), DATABASE_URL=kept, HOME=str(user),
        XDG_CACHE_HOME=str(user / ".cache"), XDG_CONFIG_HOME=str(user / ".config"),
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{page} shows run 1\n"
    text = page.read_text(encoding="utf-8")
    assert f'id="bottleneck">{BOUND}<' in text and text.count("<svg") == 7
    assert list(user.iterdir()) == []


def test_page_and_document_come_together(kept: str, tmp_path: Path) -> None:
    """The document alone stands on standard output."""
    page = tmp_path / "report.html"
    answer = earmark(tmp_path, "report", "1", "--json", "--html", str(page), DATABASE_URL=kept)
    assert answer.json["bottleneck"] == BOUND and page.stat().st_size > 10_000


def test_a_page_that_cannot_be_written_is_a_usage_error(kept: str, tmp_path: Path) -> None:
    """With what to do, and no traceback."""
    answer = earmark(tmp_path, "report", "--html", str(tmp_path / "no" / "report.html"), DATABASE_URL=kept)
    assert answer.code == 2 and "the page can't be written" in answer.err
    assert "Name another file" in answer.err and "Traceback" not in answer.err
