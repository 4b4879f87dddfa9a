"""How a video that is asked for stands in the ledger, and whether to work on it. Pure.

Owns the rules of "again": what a second run of the same command does, and what ``--force`` adds.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Self


class Standing(StrEnum):
    """The ledger's answer to one asked-for video."""

    NEW = "new"
    AGAIN = "again"
    """Known, and to be worked on (again)."""
    HELD = "held"
    """Another run is at it."""
    STORED = "stored"
    STORED_OTHER_RECIPE = "stored_other_recipe"
    """In the corpus, made by other settings than this run's."""
    FAILED_BEFORE = "failed_before"
    """Failed for good."""
    NOT_DUE = "not_due"
    """Failed for now, and its next attempt isn't due."""
    SKIPPED_BEFORE = "skipped_before"
    DUPLICATE = "duplicate"
    """Named twice in the same asking."""


TO_WORK_ON = frozenset({Standing.NEW, Standing.AGAIN, Standing.HELD})
PASSING_SKIPS = frozenset({"list", "nested_list", "live", "upcoming"})
"""Reasons to skip that time undoes: a list grows, a stream ends, a premiere begins; or somebody names the list
itself."""


@dataclass(frozen=True, slots=True)
class State:
    """What the rules need of a ledger row."""

    status: str
    code: str | None
    permanent: bool
    not_before: datetime | None
    recipe: str | None
    asked_by_this_run: bool
    original_is_stored: bool
    """For a skipped duplicate: whether the video that holds its content is in the corpus."""


def standing(state: State | None, *, recipe: str, force: bool, now: datetime) -> Standing:
    """Where a video stands; ``None``: the ledger has never heard of it."""
    if state is None:
        return Standing.NEW
    if state.asked_by_this_run:
        return Standing.DUPLICATE
    if state.status in ("pending", "running"):
        return Standing.AGAIN if state.status == "pending" else Standing.HELD
    if force:
        return Standing.AGAIN
    return _after_an_end(state, recipe, now)


def _after_an_end(state: State, recipe: str, now: datetime) -> Standing:
    """Where a video stands that was stored, skipped or has failed."""
    if state.status == "stored":
        return Standing.STORED if state.recipe == recipe else Standing.STORED_OTHER_RECIPE
    if state.status == "skipped":
        return Standing.AGAIN if _skip_has_passed(state, recipe) else Standing.SKIPPED_BEFORE
    if state.permanent and not _heard_otherwise(state, recipe):
        return Standing.FAILED_BEFORE
    due = state.not_before is None or state.not_before <= now
    return Standing.AGAIN if due else Standing.NOT_DUE


def _skip_has_passed(state: State, recipe: str) -> bool:
    return (
        state.code in PASSING_SKIPS
        or _heard_otherwise(state, recipe)
        or (state.code == "duplicate" and not state.original_is_stored)
    )


def _heard_otherwise(state: State, recipe: str) -> bool:
    """Whether nothing was heard, and other settings may hear something."""
    return state.code in ("no_speech", "no_text") and state.recipe != recipe


@dataclass(frozen=True, slots=True)
class Asked:
    """What an asking came to: how many videos of each standing."""

    new: int = 0
    again: int = 0
    held: int = 0
    stored: int = 0
    stored_other_recipe: int = 0
    failed_before: int = 0
    not_due: int = 0
    skipped_before: int = 0
    duplicate: int = 0

    @property
    def n_items(self) -> int:
        return sum(getattr(self, each.name) for each in fields(self))

    def __add__(self, other: Self) -> "Asked":
        return Asked(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))
