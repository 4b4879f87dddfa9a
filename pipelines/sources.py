"""What to ingest: arguments, folders and files of sources, as items for the ledger.

Reads lazily: a file of a million lines is never held. What can't be understood comes out as
``Refused`` in its place, so that the rest of the run goes on.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from actors.credentials import has_user, masked
from actors.errors import ConfigError, EarmarkError, PermanentError
from actors.fetch.identity import SourceItem, identify, media_files

MAX_LINE = 20_000
"""Characters of one line of a source file; longer is no URL."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A source that names nothing we could fetch."""

    source: str
    code: str
    reason: str


def read_sources(arguments: Iterable[str], from_file: str | None) -> Iterator[SourceItem | Refused]:
    """Every item that the command line names, in order.

    Args:
        arguments: ids, URLs, files and folders.
        from_file: file with a source a line, or JSON Lines; ``-`` is standard input.

    Raises:
        ConfigError: the file can't be read; at once, not when its turn comes.
    """
    return _read(arguments, from_file, _open(from_file) if from_file is not None else None)


def _read(
    arguments: Iterable[str], from_file: str | None, file: TextIO | None
) -> Iterator[SourceItem | Refused]:
    for argument in arguments:
        yield from _expand(argument)
    if file is not None:
        with file:
            for found in listed_sources(file, str(from_file)):
                if isinstance(found, Refused):
                    yield found
                else:
                    yield from _expand(found)


def listed_sources(file: TextIO, name: str) -> Iterator[str | Refused]:
    """The sources that a file names, as they stand in it: a source a line, or JSON Lines.

    Args:
        name: of the file, for what is said of its lines.
    """
    for number, line in enumerate(_lines(file), start=1):
        found = _source_in(line, f"{name}:{number}")
        if found is not None:
            yield found


def _open(path: str) -> TextIO:
    if path == "-":
        sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
        return sys.stdin
    try:
        return Path(path).open(encoding="utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(
            f"the file of sources {_shown(path)} can't be read ({why})",
            remedy="Name a text file with a source a line after --from",
        ) from error


def _lines(file: TextIO) -> Iterator[str]:
    """Lines, none held further than it takes to know that it is too long: not even one without an end."""
    while line := file.readline(MAX_LINE + 2):
        yield line
        while line and not line.endswith("\n"):
            line = file.readline(MAX_LINE)


def _expand(source: str) -> Iterator[SourceItem | Refused]:
    try:
        path = Path(source)
        if _is_folder(path):
            found = 0
            for file in media_files(path):
                found += 1
                yield identify(str(file))
            if not found:
                yield Refused(_shown(source), "no_file", "the folder holds no media file")
            return
        item = identify(source)
        if has_user(item.url):
            yield Refused(
                _shown(source), "credentials", "the URL holds a user or a password, which the ledger would keep;"
                " leave it out and give yt-dlp cookies with download.cookies_file",
            )  # fmt: skip
        else:
            yield item
    except PermanentError as error:
        yield refusal(source, error)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long for a path, a NUL in it: not a folder
        return False


def _source_in(line: str, where: str) -> str | Refused | None:
    """What a line names; ``None``: it is empty, or a comment."""
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if len(text) > MAX_LINE:
        return Refused(_shown(text), "bad_line", f"{where}: the line is longer than {MAX_LINE} characters")
    return _address_in_json(text, where) if text[0] in '{"' else text


def _address_in_json(text: str, where: str) -> str | Refused:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return Refused(_shown(text), "bad_line", f"{where}: not JSON: {error.msg} at column {error.colno}")
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand brackets
        return Refused(_shown(text), "bad_line", f"{where}: no JSON that can be read: {error}")
    if isinstance(value, str):
        return value
    named = (value[key] for key in ("url", "id", "video_id", "path") if isinstance(value.get(key), str))
    source = next(named, None)
    if source is None:
        return Refused(_shown(text), "bad_line", f"{where}: no text under url, id, video_id or path")
    return str(source)


def refusal(source: str, error: EarmarkError) -> Refused:
    """Why a source is left out."""
    return Refused(_shown(source), error.code, str(error))


def _shown(source: str) -> str:
    """A source as it may be printed: one line, no control characters, not endless."""
    printable = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in masked(source))
    return printable if len(printable) <= 120 else printable[:117] + "..."
