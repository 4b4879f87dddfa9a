"""yt-dlp, its runtime and cookies, each spoiled and named. No cookie is ever shown."""

from datetime import date

import pytest
from around import around, install

from actors.errors import ConfigError
from pipelines.doctor import sources

HEADER = "# Netscape HTTP Cookie File\n"
FUTURE, PAST = 4_000_000_000, 1_000_000_000


def only(check, home, **settings):
    (found,) = check(around(home, **settings))
    return found


@pytest.mark.parametrize(
    ("version", "level", "says"),
    [("2026.8.19", "ok", "44 days"), ("2026.08.04", "ok", "59 days"), ("2026.8.2", "warning", "61 days"),
     ("2025.1.1.123456", "warning", "days old"), ("2026.10.2", "ok", "0 days"), ("master", "warning", "can't be told")],
)  # fmt: skip
def test_yt_dlp_ages(version, level, says):
    """Two months are the limit; a version that isn't a date is said to be none."""
    found = sources.judge_release(version, date(2026, 10, 2))
    assert found.level == level and says in found.said
    assert ("pip install --upgrade" in found.remedy) == (level == "warning")


def test_an_old_yt_dlp_on_the_path_is_found(tmp_path, monkeypatch):
    """By its metadata, as it is installed."""
    install(tmp_path, "yt-dlp", "2024.1.1")
    monkeypatch.syspath_prepend(tmp_path)
    found = only(sources.release, tmp_path)
    assert found.level == "warning" and "2024.1.1" in found.said


def test_the_runtime_that_ships_is_found(tmp_path):
    """The one out of yt-dlp's extra, beside this Python."""
    found = only(sources.runtime, tmp_path)
    assert found.level == "ok" and "deno 2." in found.said


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (None, "isn't found"),
        ("exit 3", "doesn't run (exit code 3)"),
        ("echo deno 1.40.0", "1.40.0 is too old"),
    ],
)
def test_a_runtime_that_is_missing_broken_or_old_is_named(tmp_path, monkeypatch, script, says):
    """A deno of our own making is the only one in reach."""
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        (tmp_path / "deno").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "deno").chmod(0o755)
    found = only(sources.runtime, tmp_path)
    assert found.level == "wrong" and says in found.said and "pip install" in found.remedy


def cookie(domain, expires, value="hunter2"):
    return f"{domain}\tTRUE\t/\tTRUE\t{expires}\tSID\t{value}\n"


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("text", "level", "says"),
    [(HEADER + cookie(".youtube.com", FUTURE), "ok", "1 that are valid"),
     (HEADER + cookie(".youtube.com", PAST), "wrong", "have expired"),
     (HEADER + cookie(".example.org", FUTURE), "warning", "none is YouTube's"),
     (HEADER + "hunter2 hunter2\n", "wrong", "not one cookie"),
     (HEADER + cookie(".youtube.com", FUTURE) + "half hunter2\n", "warning", "1 lines could not be read")],
)  # fmt: skip
def test_cookies_are_loaded_as_a_download_loads_them(tmp_path, capfd, text, level, says):
    """What yt-dlp makes of the file, and never what is in it."""
    path = write(tmp_path / "cookies.txt", text)
    found = only(sources.cookies, tmp_path, download__cookies_file=path)
    assert found.level == level and says in found.said
    out, err = capfd.readouterr()
    assert "hunter2" not in found.said + found.remedy + out + err


@pytest.mark.parametrize(
    "text", ["this is hunter2, not a cookie\n", '[{"name": "SID", "value": "hunter2"}]\n']
)
def test_a_cookies_file_of_nonsense_is_refused(tmp_path, capfd, text):
    """Prose, or the JSON of a browser's extension."""
    path = write(tmp_path / "cookies.txt", text)
    with pytest.raises(ConfigError) as raised:
        only(sources.cookies, tmp_path, download__cookies_file=path)
    out, err = capfd.readouterr()
    assert "cookies" in raised.value.reason and "download.cookies_file" in raised.value.remedy
    assert "hunter2" not in str(raised.value) + out + err


def test_a_cookies_file_that_is_not_there_is_refused(tmp_path):
    """By its path."""
    with pytest.raises(ConfigError, match=r"nowhere\.txt"):
        only(sources.cookies, tmp_path, download__cookies_file="/nowhere.txt")


def test_cookies_that_others_may_read_are_named(tmp_path):
    """They are as good as a password."""
    path = write(tmp_path / "cookies.txt", HEADER + cookie(".youtube.com", FUTURE))
    path.chmod(0o644)
    found = only(sources.cookies, tmp_path, download__cookies_file=path)
    assert found.level == "warning" and "chmod 600" in found.remedy


def test_no_cookies_are_fine(tmp_path):
    """Sources are asked as a guest."""
    assert only(sources.cookies, tmp_path).level == "ok"
