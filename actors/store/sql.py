"""Loads the named statements of ``queries/*.sql``.

A file holds statements, each headed by ``-- name:`` and a comment saying what it is for. SQL lives
there and not between Python's quotes, so that it reads, and is coloured, as SQL. Values travel as
parameters only; where a *table's* name varies, the statement holds ``{table}`` and goes through
``psycopg.sql``.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_HEAD = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries(name: str) -> dict[str, LiteralString]:
    """The statements of ``queries/<name>.sql`` by their names.

    They count as literals: they come with the program, never from a user.
    """
    text = (files("actors.store") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> dict[str, LiteralString]:
    """Split a file of named statements.

    Raises:
        ValueError: a name is used twice, or a statement is empty.
    """
    pieces = _HEAD.split(text)
    found: dict[str, LiteralString] = {}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        statement = body.strip().rstrip(";")
        if name in found or not statement:
            raise ValueError(f"the statement {name} is empty or appears twice")
        found[name] = cast(LiteralString, statement)
    return found
