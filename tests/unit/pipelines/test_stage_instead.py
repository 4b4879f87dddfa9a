"""What becomes of a row at which its stage fails, where another row can go on in its place. Without Ray."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from actors import rows
from actors.errors import EarmarkError, LeaseLost, PermanentError, TransientError
from actors.rows import VideoId
from actors.voices.identify import without_voices
from pipelines import wire
from pipelines.stage import StageHost, StageSpec

SPOKEN = rows.SpokenSlice(
    VideoId("a"), 2, 5, None, None, 7.0, "en", (), rows.Provenance("tiny", "int8", "cpu", {}),
    (rows.Clip(10.0, 17.0, 0.0),), b"\0\0",
)  # fmt: skip


class Quiet:
    """In place of meter, ledger and death count: notes what it is told."""

    def __init__(self, set_aside: EarmarkError | None = None) -> None:
        self.n_failed, self.ended, self._set_aside = 0, [], set_aside

    def failed(self, code: str) -> None:
        self.n_failed += 1

    @contextmanager
    def handing_over(self, n_bytes: int, made: Mapping[str, int]) -> Iterator[None]:
        assert n_bytes > 0 and made is not None
        yield

    def fail(self, video_id: VideoId, fence: int, error: EarmarkError) -> None:
        self.ended.append(error.code)

    @contextmanager
    def counted(self, video_id: VideoId, ordinal: int, limit_s: float) -> Iterator[None]:
        if self._set_aside is not None:
            raise self._set_aside
        yield


def done(
    error: Exception | None, *, first: bool = False, instead: bool = True, aside: bool = False, fails: bool = False
) -> tuple[list[Any], Quiet]:  # fmt: skip
    """What a stage gives for a slice, and what its ledger heard.

    Args:
        error: what its worker raises; ``first``: after a result.
        instead: there is something to go on with; ``fails``: which can't be made either.
        aside: the error comes from the count of deaths, before the worker is asked.
    """

    def work(piece: rows.SpokenSlice) -> Iterator[rows.SpokenSlice]:
        if first or error is None:
            yield piece
        if error is not None:
            raise error

    def in_its_place(context: object, piece: rows.SpokenSlice, why: EarmarkError) -> rows.VoicedSlice:
        if fails:
            raise LookupError("this neither")
        return without_voices(piece, "tiny", why.code)

    quiet = Quiet(error if aside and isinstance(error, EarmarkError) else None)
    host = StageHost.__new__(StageHost)
    host._spec = StageSpec(
        "Identify", (rows.SpokenSlice,), lambda context, ledger: work, 1, 1, 1,
        instead=in_its_place if instead else None,
    )  # fmt: skip
    host._context, host._worker = None, work
    host._meter = host._ledger = host._deaths = quiet
    return [wire.unpack(row) for row in host._work(wire.pack(SPOKEN), 60.0)], quiet


@pytest.mark.parametrize(
    ("error", "aside", "code"),
    [
        (LookupError("an error that nobody foresaw"), False, "unexpected"),
        (PermanentError("no vector has a direction", code="bad_vector"), False, "bad_vector"),
        (PermanentError("identify died 3 times", code="kills_its_worker"), True, "kills_its_worker"),
    ],
    ids=["unforeseen", "foreseen", "killed its actor three times"],
)
def test_a_slice_that_can_not_be_done_goes_on_in_another_form(
    error: Exception, aside: bool, code: str
) -> None:
    """With all of its text and the reason; the ledger hears of no end, and the failure is counted."""
    ((voiced,), quiet) = done(error, aside=aside)
    assert (voiced.voices.reason, voiced.spoken.ordinal, voiced.spoken.pcm) == (code, 5, b"")
    assert np.shape(voiced.voices.vectors) == (0, 0)
    assert (quiet.ended, quiet.n_failed) == ([], 1)


def test_what_may_pass_is_tried_again_instead() -> None:
    """A database that is away for a moment must cost nobody's name."""
    results, quiet = done(TransientError("the database is away", code="database"))
    assert (results, quiet.ended) == ([], ["database"])


def test_a_video_that_changed_hands_is_left() -> None:
    """Somebody else has it."""
    results, quiet = done(LeaseLost("it has passed on"))
    assert (results, quiet.ended, quiet.n_failed) == ([], [], 0)


def test_a_row_that_has_a_result_already_gets_no_second_one() -> None:
    """Its video ends with the error."""
    results, quiet = done(LookupError("later"), first=True)
    assert len(results) == 1 and quiet.ended == ["unexpected"]


def test_without_anything_in_its_place_the_video_ends() -> None:
    """As in every other stage."""
    results, quiet = done(LookupError("an error"), instead=False)
    assert (results, quiet.ended, quiet.n_failed) == ([], ["unexpected"], 1)


def test_where_nothing_can_be_put_in_its_place_the_video_ends() -> None:
    """With the error that it was about, and counted once; nothing is raised into Ray."""
    results, quiet = done(PermanentError("no direction", code="bad_vector"), fails=True)
    assert (results, quiet.ended, quiet.n_failed) == ([], ["bad_vector"], 1)


def test_what_goes_well_goes_on_unchanged() -> None:
    """Nothing is counted as failed."""
    results, quiet = done(None)
    assert results == [SPOKEN] and quiet.n_failed == 0
