"""A sweep as a person reads it, and as ``--json`` prints it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.sample import Sample
from pipelines.sweep import MORE, Combination, Result, Site, best, ranked, settings_for

GIB = 2**30
LOADING_S = 10.0
"""What starting the workers and loading a small model takes, for the guess at the beginning."""


def beginning(model: str, site: Site, sample: Sample, n: int, seconds: float) -> Iterator[str]:
    where = f"{site.n_cpus} cores" if site.device == "cpu" else f"{site.n_cards} × GPU"
    yield (
        f"{model} on {where}: {sample.speech_s / 60:.1f} min of speech in {len(sample.windows)} windows; at most {n}"
        f" combinations, about {n * (seconds + LOADING_S) / 60:.0f} min. Ctrl-C keeps what was measured."
    )


def progress(result: Result) -> str:
    how = f"{result.speed_h_per_h:.1f} h/h" if result.speed_h_per_h is not None else f"no: {result.reason}"
    return f"  {_said(result.combination)}: {how}"


def named(combination: Combination) -> dict[str, Any]:
    return {
        "actors": combination.actors, "batch": combination.batch, "beam_size": combination.beam,
        "compute_type": combination.compute_type, "mps": combination.mps,
    }  # fmt: skip


def document(
    rows: Sequence[Mapping[str, Any]], results: Sequence[Result], own: Combination, *, interrupted: bool
) -> dict[str, Any]:
    """
    Args:
        rows: what is kept of each of ``results``.
        own: as the settings have it.
    """
    place = dict(zip(results, rows, strict=True))
    fastest = best(results)
    alike = best(each for each in results if each.combination.text == own.text)
    faster = (
        fastest
        if fastest is not None
        and (alike is None or (fastest.speed_h_per_h or 0.0) >= (alike.speed_h_per_h or 0.0) * MORE)
        else None
    )
    return {
        "results": [place[each] for each in ranked(results)],
        "best": _found(alike or fastest, own),
        "faster_with_other_text": _found(faster, own) if alike is not None else None,
        "left_out": [],
        "interrupted": interrupted,
    }


def _found(result: Result | None, own: Combination) -> dict[str, Any] | None:
    if result is None:
        return None
    return named(result.combination) | {
        "speed_h_per_h": result.speed_h_per_h, "set": settings_for(result.combination, own)
    }  # fmt: skip


def told(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _table(document["results"])
    for each in document["left_out"]:
        yield f"  left out {_said_of(each)}: {each['why']}"
    found, faster = document["best"], document["faster_with_other_text"]
    if document["interrupted"]:
        yield "Stopped; what was measured is kept."
    if found is None:
        yield "Nothing could be measured."
        return
    yield f"Best: {found['speed_h_per_h']:.1f} h/h with {_said_of(found)}. To set: {' '.join(found['set'])}"
    yield "transcribe.actors=auto takes its number, and `run.py plan` its speed."
    if faster is not None:
        times = faster["speed_h_per_h"] / found["speed_h_per_h"]
        yield (
            f"{times:.2f} times as fast, with words that may be others: {faster['speed_h_per_h']:.1f} h/h with"
            f" {_said_of(faster)}. To set: {' '.join(faster['set'])}"
        )
    if found["mps"] or (faster is not None and faster["mps"]):
        yield "MPS must run before a run starts: nvidia-cuda-mps-control -d"


def told_of_kept(document: Mapping[str, Any]) -> Iterator[str]:
    if not document["tunings"]:
        yield "Nothing was tuned yet: `run.py tune` does it."
    before = None
    for row in document["tunings"]:
        cards = ", ".join(row["hardware"]["gpus"]) or "no GPU"
        head = f"{row['model']} on {row['device']}; {row['hardware']['cpus']} cores, {cards}"
        if head != before:
            yield head
            yield _HEAD
        yield f"{_row(row)}  {row['measured_at'].astimezone():%Y-%m-%d %H:%M}"
        before = head


_HEAD = f"{'actors':>8}{'clips':>7}{'beam':>6}  {'arithmetic':<14}{'MPS':<5}{'h/h':>8}{'card':>10}"


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if rows:
        yield _HEAD
    yield from map(_row, rows)


def _row(row: Mapping[str, Any]) -> str:
    how = f"{row['speed_h_per_h']:.1f}" if row["speed_h_per_h"] is not None else "-"
    held = row.get("card_bytes")
    card = f"{held / GIB:.1f} GiB" if held is not None else ""
    said = (
        f"{row['actors']:>8}{row['batch']:>7}{row['beam_size']:>6}  {row['compute_type']:<14}"
        f"{'yes' if row['mps'] else '':<5}{how:>8}{card:>10}"
    )
    return said if row["reason"] is None else f"{said}  {row['reason']}"


def _said(combination: Combination) -> str:
    return _said_of(named(combination))


def _said_of(row: Mapping[str, Any]) -> str:
    n = row["actors"]
    return (
        f"{n} {'actor' if n == 1 else 'actors'}, {row['batch']} clips a slice, beam {row['beam_size']},"
        f" {row['compute_type']}{', MPS' if row['mps'] else ''}"
    )
