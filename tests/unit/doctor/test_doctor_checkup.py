"""Going through checks: whatever one of them does, it is told, and the others go on."""

import threading
import time

import pytest
from around import around

from actors.errors import ConfigError
from cluster.hardware import DriverTrouble
from configs.catalogue import SettingsError
from pipelines.doctor.checks import CHECKS, told
from pipelines.doctor.checkup import examine
from pipelines.doctor.finding import Check, Finding, ok, wrong


def raising(error: Exception):
    def look(_):
        yield ok("first", "came before")
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "says", "remedy"),
    [
        (ConfigError("no such thing", remedy="Get one"), "no such thing", "Get one"),
        (SettingsError("setting x: bad"), "setting x: bad", ""),
        (DriverTrouble("Driver/library version mismatch"), "version mismatch", "nvidia-smi"),
        (KeyError("pardon"), "the check itself broke: KeyError: 'pardon'", "report it"),
        (OSError("postgresql://me:hunter2@h/d"), "the check itself broke", "report it"),
    ],
)
def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(tmp_path, error, says, remedy):
    """With what it had found before; foreseen errors in their own words, others by name, none with a secret."""
    checks = [Check("frail", raising(error)), Check("sound", lambda _: [ok("sound", "well")])]
    first, broken, last = examine(checks, around(tmp_path))
    assert (first.check, last.check) == ("first", "sound")
    assert (broken.check, broken.level) == ("frail", "wrong")
    assert says in broken.said and remedy in broken.remedy
    assert "hunter2" not in broken.said


def test_a_check_that_hangs_is_given_up(tmp_path):
    """After its own time, named, and the next one is looked at."""
    release = threading.Event()

    def hang(_):
        yield ok("slow", "one thing")
        release.wait(60)

    began = time.monotonic()
    found = list(
        examine([Check("slow", hang, 2.0), Check("next", lambda _: [ok("next", "")])], around(tmp_path))
    )
    release.set()
    assert time.monotonic() - began < 30
    assert [(each.check, each.level) for each in found] == [("slow", "ok"), ("slow", "wrong"), ("next", "ok")]
    assert "no answer" in found[1].said and found[1].remedy


def test_every_check_has_a_name_of_its_own_and_time_for_what_it_asks():
    """``--only`` finds them by name."""
    names = [check.name.casefold() for check in CHECKS]
    assert len(set(names)) == len(names) >= 20
    assert all(check.limit_s > 0 for check in CHECKS)


def test_a_finding_is_one_line_and_its_remedy_another():
    """What is fine takes one line."""
    assert len(told(ok("disk", "room"))) == 1
    first, second = told(wrong("disk", "full", "Free some space"))
    assert first.startswith("WRONG") and "disk" in first and "full" in first
    assert second.strip() == "Free some space"
    assert Finding("a", "ok", "b").document() == {"check": "a", "level": "ok", "said": "b", "remedy": ""}
