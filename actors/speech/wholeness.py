"""Is what was decoded all that there was?

Owns the tolerances and the errors that say so. Pure: figures in, verdict out.
"""

from dataclasses import dataclass

from actors.errors import EarmarkError, PermanentError, TransientError

SHORT_SHARE = 0.97
SHORT_S = 2.0
"""Clearly short: less than this share of the promise *and* more than these seconds missing. Encoders'
padding and sources that round to whole seconds stay well inside."""

VOUCHED_SHARE = 0.5
"""A file that holds all that its own header states may be shorter than the page says: the track ends
before the picture does. Below this share of the page's duration it is taken for a part of the file."""

BROKEN_SHARE = 0.10
BROKEN_PACKETS = 10
"""Broken packets are passed over up to this share; a few are nothing in a short file either."""

SILENCE_SHARE = 0.5
SILENCE_S = 10.0
"""More than this share *and* these seconds of holes, and what is left is no recording any more."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding a file came to."""

    decoded_s: float
    """Length on the video's clock, holes included."""
    silence_s: float
    """Of it, holes that were filled with silence."""
    n_packets: int
    n_broken: int
    stated_s: float | None
    """Duration in the file's own header; ``None`` if it states none (an estimate doesn't count)."""
    ends_early: bool
    """The bytes end in the middle of a box, chunk or page."""


def is_clearly_short(decoded_s: float, promised_s: float) -> bool:
    return decoded_s < SHORT_SHARE * promised_s and promised_s - decoded_s > SHORT_S


def broken_promise_s(decoded: Decoded, page_s: float | None) -> float | None:
    """The duration in seconds that the file falls clearly short of; ``None`` if it doesn't.

    The file's own header is the better witness: it speaks of this track, where the page's duration is
    that of the longest one. Sources without either can't be judged by duration.

    Args:
        decoded: what was decoded.
        page_s: duration that the source gave, in seconds, if it did.
    """
    stated_s = decoded.stated_s
    if stated_s is not None and is_clearly_short(decoded.decoded_s, stated_s):
        return stated_s
    if page_s is None:
        return None
    vouched = stated_s is not None and not decoded.ends_early
    short = decoded.decoded_s < VOUCHED_SHARE * page_s if vouched else True
    return page_s if short and is_clearly_short(decoded.decoded_s, page_s) else None


def fault_of(decoded: Decoded, page_s: float | None, is_local: bool) -> EarmarkError | None:
    """The error that a finished decoding deserves, or ``None`` if the sound is whole enough.

    ``truncated`` comes before ``undecodable``: a file that was cut off also ends in a broken packet.
    """
    promised_s = broken_promise_s(decoded, page_s)
    if promised_s is not None:
        return truncated(f"of {promised_s:.0f} s only {decoded.decoded_s:.0f} s could be read", is_local)
    if decoded.ends_early:
        return truncated("it breaks off in the middle of a block", is_local)
    if decoded.n_broken > max(BROKEN_PACKETS, BROKEN_SHARE * decoded.n_packets):
        share = decoded.n_broken / max(decoded.n_packets, 1)
        return undecodable(f"{share:.0%} of its {decoded.n_packets:,} packets are damaged", is_local)
    if decoded.silence_s > max(SILENCE_S, SILENCE_SHARE * decoded.decoded_s):
        return undecodable(
            f"{decoded.silence_s:.0f} s of its {decoded.decoded_s:.0f} s are missing in between", is_local
        )
    return None


def truncated(cause: str, is_local: bool) -> TransientError:
    """The file stops short: another download may bring all of it, a local one must be replaced."""
    remedy = (
        "Copy or export the file again; if it is still being written, ingest it again once it is complete"
        if is_local
        else "It is downloaded again at the next try"
    )
    return TransientError(f"The audio is not complete: {cause}", code="truncated", remedy=remedy)


def undecodable(cause: str, is_local: bool) -> PermanentError:
    """The file is there, and can't be read."""
    remedy = (
        "Play it to see whether it is damaged, and replace it"
        if is_local
        else "Play it at its source; if it is fine there, ingest it again with --force"
    )
    return PermanentError(f"The audio can't be decoded: {cause}", code="undecodable", remedy=remedy)
