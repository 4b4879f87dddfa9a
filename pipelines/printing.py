"""How a command answers: one JSON document for programs, lines for people."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import click


def answer(document: dict[str, Any], told: Callable[[dict[str, Any]], Iterable[str]], as_json: bool) -> None:
    """Print a document, or what ``told`` makes of it."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return
    for line in told(document):
        click.echo(line)
