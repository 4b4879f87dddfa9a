"""Counts of a run with only the figures that a test is about."""

from dataclasses import fields

from actors.store.ledger import RunCounts


def run_counts(*, to_do: int = 0, **given) -> RunCounts:
    """A run that asked for ``to_do`` videos and passed none over."""
    values = {field.name: 0 for field in fields(RunCounts)} | {"asked": to_do} | given
    return RunCounts(**values)
