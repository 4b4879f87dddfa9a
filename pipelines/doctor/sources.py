"""What fetching needs: a yt-dlp that is young enough, its JavaScript runtime, cookies that can be read."""

import io
import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.doctor.finding import Finding, Surroundings, ok, warning, wrong

OLD_AFTER_DAYS = 60
"""YouTube changes its player every few weeks; an old yt-dlp fails with errors that look like blocks."""
UPDATE = "pip install --upgrade 'yt-dlp[default,deno]'"
LEAST_DENO = (2, 3, 0)
"""yt-dlp's own minimum."""
ANSWER_S = 20.0
COOKIES_LIMIT_S = 60.0
"""A browser's keyring may ask its user."""


def release(around: Surroundings) -> Iterator[Finding]:
    yield judge_release(version("yt-dlp"), datetime.now(UTC).date())


def judge_release(installed: str, today: date) -> Finding:
    """yt-dlp's versions are the dates of their release."""
    found = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})", installed)
    if found is None:
        return warning("yt-dlp", f"{installed}, whose age can't be told", UPDATE)
    days = (today - date(*map(int, found.groups()))).days
    if days > OLD_AFTER_DAYS:
        return warning("yt-dlp", f"{installed} is {days} days old", UPDATE)
    return ok("yt-dlp", f"{installed}, {max(days, 0)} days old")


def runtime(around: Surroundings) -> Iterator[Finding]:
    """YouTube's player code runs in deno, which yt-dlp looks for beside Python and on the path."""
    name, without = "JavaScript runtime", "without it formats of YouTube go missing"
    place = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    deno = shutil.which("deno", path=place)
    if deno is None:
        yield wrong(name, f"deno isn't found; {without}", UPDATE)
        return
    done = subprocess.run(  # noqa: S603 - found above, fixed argument
        [deno, "--version"], capture_output=True, text=True, timeout=ANSWER_S, check=False
    )
    found = re.match(r"deno (\d+)\.(\d+)\.(\d+)", done.stdout)
    if done.returncode != 0 or found is None:
        yield wrong(name, f"{deno} doesn't run (exit code {done.returncode}); {without}", UPDATE)
        return
    release = ".".join(found.groups())
    if tuple(map(int, found.groups())) < LEAST_DENO:
        yield wrong(name, f"deno {release} is too old for yt-dlp; {without}", UPDATE)
        return
    try:
        scripts = version("yt-dlp-ejs")
    except PackageNotFoundError:
        yield wrong(name, f"deno {release}, but the package yt-dlp-ejs is missing; {without}", UPDATE)
        return
    yield ok(name, f"deno {release}, yt-dlp-ejs {scripts}")


def cookies(around: Surroundings) -> Iterator[Finding]:
    """Load them as a download does. Raises ConfigError where that fails; tells no cookie."""
    download = around.settings.download
    if download.cookies_file is None and download.cookies_from_browser is None:
        yield ok("cookies", "none: sources are asked as a guest")
        return
    from actors.fetch.ytdlp import cookies_of, options

    chosen = options(download, around.home.cache_dir, timeout_s=ANSWER_S)
    told = io.StringIO()  # yt-dlp prints the lines that it can't read, which may be half a cookie
    with redirect_stderr(told):
        jar = list(cookies_of(chosen))
    what = f"{download.cookies_file}" if download.cookies_file else f"{download.cookies_from_browser}'s"
    alive = [cookie for cookie in jar if not cookie.is_expired(time.time())]
    export = "Export them again in Netscape format, from a browser that is logged in"
    if not jar:
        yield wrong("cookies", f"{what}: not one cookie could be read", export)
    elif not alive:
        yield wrong("cookies", f"{what}: all {len(jar)} have expired", export)
    elif not any("youtube" in cookie.domain for cookie in alive):
        yield warning("cookies", f"{what}: {len(alive)}, and none is YouTube's", export)
    elif download.cookies_file and (told_lines := told.getvalue().count("skipping cookie")):
        yield warning("cookies", f"{what}: {told_lines} lines could not be read", export)
    elif download.cookies_file and _others_read(download.cookies_file):
        yield warning(
            "cookies",
            f"{what}: other users of this machine may read it",
            f"chmod 600 {download.cookies_file}",
        )
    else:
        yield ok("cookies", f"{what}: {len(alive)} that are valid")


def _others_read(path: Path) -> bool:
    return bool(path.expanduser().stat().st_mode & 0o004)
