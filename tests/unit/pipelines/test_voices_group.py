"""``run.py voices`` before it does anything."""

import pytest
from click.testing import CliRunner

from pipelines.cli.voices import Clock
from run import main


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("1:30", 90.0),
        ("90:00", 5_400.0),
        ("1:02:03", 3_723.0),
        (" 12.5 ", 12.5),
        ("0:07.5", 7.5),
    ],
)
def test_a_moment_is_seconds_or_a_clock(written: str, seconds: float) -> None:
    """As a player shows it."""
    assert Clock().convert(written, None, None) == seconds


@pytest.mark.parametrize("written", ["", "soon", "-5", "1:60", "1:75:00", "1:2:3:4", "1h", "nan", "1e3"])
def test_what_is_no_moment_is_refused_with_what_is(written: str) -> None:
    """Exit code 2 and the ways to write it."""
    result = CliRunner().invoke(main, ["voices", "enroll", "Ada", "x.wav", f"--from={written}"])
    assert result.exit_code == 2
    assert "mm:ss" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["enroll", "Ada"], "SOURCE"),
        (["enroll", "Ada", "x", "--from", "20", "--to", "10"], "later than --from"),
        (["enroll", "Speaker 1", "x"], "whom nobody enrolled"),
        (["test", "Ada"], "SOURCE"),
        (["show"], "NAME"),
        (["import", "no-such-file.json"], "does not exist"),
        (["rename", "Ada"], "No such command"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(arguments: list[str], said: str) -> None:
    """Before a database is started or anything is fetched."""
    result = CliRunner().invoke(main, ["voices", *arguments])
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stdout == ""
