"""Does it add up? Rows in against rows out, segments against vectors, words against words. Pure.

Owns what must be equal at the end of a run and how a difference is said. The sums come from
``actors/store/accounting.py``; nothing here asks a database.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.store.accounting import LeftOpen, VideoSums
from actors.store.run_counts import RunCounts

NAMED = 20
"""Rows that a difference names; the number of all of them stands beside."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up, or a gate that is not reached."""

    what: str
    """For programs: ``rows``, ``corpus``, ``slices``, ``vectors``, ``words`` or the name of a gate."""
    n: int
    """Rows concerned."""
    rows: tuple[str, ...]
    """The first of them, each with what is wrong."""
    meaning: str

    def document(self) -> dict[str, Any]:
        return {"what": self.what, "n": self.n, "meaning": self.meaning, "rows": list(self.rows)}

    def told(self) -> Iterator[str]:
        """As lines for people."""
        yield f"DIFFERENCE in {self.what}: {self.meaning}"
        yield from (f"  {row}" for row in self.rows)
        if self.n > len(self.rows):
            yield f"  and {self.n - len(self.rows)} more"


@dataclass(frozen=True, slots=True)
class Totals:
    """Over the videos that a run stored."""

    videos: int = 0
    slices: int = 0
    segments: int = 0
    vectors: int = 0
    words_in: int = 0
    words_out: int = 0
    words_collapsed: int = 0

    def with_video(self, sums: VideoSums) -> "Totals":
        return Totals(
            self.videos + 1, self.slices + sums.n_slices, self.segments + sums.n_segments,
            self.vectors + sums.n_vectors, self.words_in + sums.n_words_in,
            self.words_out + sums.n_words_out, self.words_collapsed + sums.n_words_collapsed,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accounts:
    """A run's books."""

    rows: dict[str, int]
    """``in``, and what became of them."""
    totals: Totals = Totals()
    differences: tuple[Difference, ...] = ()

    def document(self) -> dict[str, Any]:
        totals = self.totals
        return {
            "rows": self.rows,
            "videos": totals.videos,
            "slices": totals.slices,
            "segments": totals.segments,
            "vectors": totals.vectors,
            "words": {
                "in": totals.words_in,
                "out": totals.words_out,
                "collapsed": totals.words_collapsed,
            },
            "differences": [each.document() for each in self.differences],
        }


def account(
    counts: RunCounts, open_rows: Sequence[LeftOpen], videos: Iterable[VideoSums], *, interrupted: bool,
    n_put_off: int = 0,
) -> Accounts:  # fmt: skip
    """The books of a run.

    Args:
        counts: how its videos ended.
        open_rows: the first of those that have not ended.
        videos: each video that it stored; read once, nothing of it is kept but sums and names.
        interrupted: it was stopped by its user, so that rows may be left over.
        n_put_off: videos left on the queue because their source turned us away, which is said by itself.
    """
    rows = {
        "in": counts.to_do, "stored": counts.stored, "skipped": counts.skipped, "failed": counts.failed,
        "held_elsewhere": counts.held_elsewhere, "put_off": n_put_off,
        "left": counts.pending + counts.running - n_put_off,
    }  # fmt: skip
    totals, found = Totals(), {what: _Found() for what in _CHECKS}
    for sums in videos:
        totals = totals.with_video(sums)
        for what, (check, _) in _CHECKS.items():
            fault = check(sums)
            if fault is not None:
                found[what].add(f"{sums.video_id}: {fault}")
    differences = [
        Difference(what, each.n, tuple(each.rows), _CHECKS[what][1]) for what, each in found.items() if each.n
    ]
    if not interrupted:
        differences[:0] = _row_difference(rows, open_rows)
    return Accounts(rows, totals, tuple(differences))


def told(document: dict[str, Any]) -> Iterator[str]:
    """``Accounts.document`` in a line for people, where something was stored; differences say themselves."""
    if not document["videos"] or document["differences"]:
        return
    words = document["words"]
    loops = f" and {words['collapsed']} left out as loops" if words["collapsed"] else ""
    yield (
        f"Accounts: {document['slices']} slices, {words['in']} words in, {words['out']} out{loops}; "
        f"{document['segments']} segments, {document['vectors']} vectors"
    )


def _row_difference(rows: dict[str, int], open_rows: Sequence[LeftOpen]) -> list[Difference]:
    n_ended = rows["stored"] + rows["skipped"] + rows["failed"] + rows["held_elsewhere"] + rows["put_off"]
    n_lost = rows["in"] - n_ended
    if n_lost == 0 and rows["left"] == 0:
        return []
    named = tuple(
        f"{each.video_id}: {each.status}" + (f" in {each.stage}" if each.stage else "") for each in open_rows
    )
    meaning = (
        f"{rows['in']} rows went in, and {rows['stored']} stored + {rows['skipped']} skipped + {rows['failed']} failed"
        + (f" + {rows['held_elsewhere']} in another run's hands" if rows["held_elsewhere"] else "")
        + (f" + {rows['put_off']} put off by their source" if rows["put_off"] else "")
        + f" make {n_ended}; the same command tries the others again"
    )
    return [Difference("rows", max(abs(n_lost), rows["left"]), named[:NAMED], meaning)]


@dataclass(slots=True)
class _Found:
    n: int = 0
    rows: list[str] = field(default_factory=list)

    def add(self, row: str) -> None:
        self.n += 1
        if len(self.rows) < NAMED:
            self.rows.append(row)


def _outside_corpus(sums: VideoSums) -> str | None:
    return None if sums.in_corpus else "the ledger says stored, and the corpus has no such video"


def _slices(sums: VideoSums) -> str | None:
    if sums.n_slices_said is None:
        return f"{sums.n_slices} slices, and the last one is missing"
    whole = sums.n_slices == sums.n_slices_said and sums.last_slice == sums.n_slices - 1
    return None if whole else f"{sums.n_slices} of {sums.n_slices_said} slices are there"


def _vectors(sums: VideoSums) -> str | None:
    if sums.n_segments == 0:
        return "it has no segments"
    return (
        None if sums.n_segments == sums.n_vectors else f"{sums.n_segments} segments, {sums.n_vectors} vectors"
    )


def _words(sums: VideoSums) -> str | None:
    if sums.n_words_in == sums.n_words_out + sums.n_words_collapsed:
        return None
    return (
        f"{sums.n_words_in} words in its slices, {sums.n_words_out} in its segments"
        f" and {sums.n_words_collapsed} left out as loops"
    )


_REDO = "do the videos again with --force, and report it: this is a fault of Earmark or of the database"
_CHECKS: dict[str, tuple[Callable[[VideoSums], str | None], str]] = {
    "corpus": (_outside_corpus, f"videos are stored in the ledger and not in the corpus; {_REDO}"),
    "slices": (_slices, f"stored videos lack slices; {_REDO}"),
    "vectors": (_vectors, f"segments and vectors are not as many; {_REDO}"),
    "words": (_words, f"words out are not words in; {_REDO}"),
}
