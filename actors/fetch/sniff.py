"""What a fetched file really is, from its own first bytes: media with sound, or something else.

Owns the verdict that bytes are not media at all. Decodes no sound: whether all of it can be decoded
is for ``prepare`` to see. Knows nothing of where the bytes came from.
"""

import io
import re
from dataclasses import dataclass
from typing import Any

import av

from actors.errors import PermanentError, Rejected
from actors.speech.containers import ends_early
from actors.speech.wholeness import truncated

_HEAD_BYTES = 1024
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")
_SUFFIX_OF = {"matroska,webm": "webm", "mov,mp4,m4a,3gp,3g2,mj2": "m4a", "mpegts": "ts"}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a media file's header says."""

    extension: str
    """Suffix for its container, without the dot."""
    promised_s: float | None
    """Seconds of sound that the header promises, where it was written knowing them; else None."""


def sniff(content: bytes, what: str, *, is_local: bool = False) -> Sniffed:
    """Looks at a file's header.

    Args:
        content: the whole file.
        what: its name, for messages.
        is_local: it lies on this machine and won't be fetched again.

    Raises:
        PermanentError: ``not_media`` if it is empty or text, ``undecodable`` if no container is known.
        TransientError: ``truncated`` if it stops before it can be known.
        Rejected: ``no_audio`` if it holds pictures only.
    """
    if not content:
        raise PermanentError(f"{what}: the file is empty", code="not_media", remedy="Check the address")
    _refuse_text(content[:_HEAD_BYTES], what)
    try:
        with av.open(
            io.BytesIO(content), mode="r", metadata_errors="replace", io_open=_refuse_other_files
        ) as box:
            streams = box.streams.audio
            if not streams and ends_early(content):
                raise truncated("it ends inside its index", is_local)
            if not streams:
                raise Rejected(f"{what}: it has no audio track", code="no_audio")
            return Sniffed(_suffix(box.format.name), _promised_s(box, content))
    except av.FFmpegError as error:
        if ends_early(content):
            raise truncated("it ends before the index that is needed to read it", is_local) from error
        raise PermanentError(
            f"{what}: the file is damaged or of a format that FFmpeg doesn't know ({error.strerror})",
            code="undecodable",
            remedy="Play it elsewhere; if it plays, convert it",
        ) from error


def _refuse_text(head: bytes, what: str) -> None:
    """Pages, error messages and playlists are text; no sound is. (A playlist must not reach FFmpeg,
    which would open what it names.)"""
    if any(byte < 32 and byte not in _TEXT_CONTROLS for byte in head):
        return
    try:
        text = head.decode("utf-8", "strict" if len(head) < _HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return
    if len(text.encode()) < len(head) - 3:  # more was ignored than one cut character
        return
    is_page = re.match(r"\s*(<!doctype html|<html|<head|<body)", text, re.IGNORECASE)
    kind = "a web page" if is_page else "text"
    raise PermanentError(
        f"{what}: the server sent {kind} instead of media",
        code="not_media",
        remedy="Open the address in a browser; a login or consent page may stand in front of it",
    )


def _refuse_other_files(url: str, *_: Any) -> Any:
    raise PermissionError(f"a media file may not open {url}")


def _suffix(format_name: str) -> str:
    return _SUFFIX_OF.get(format_name, format_name.partition(",")[0])


def _promised_s(box: Any, content: bytes) -> float | None:
    """Seconds of sound by the header, only where its writer knew them: elsewhere FFmpeg estimates
    from the size at hand, which proves nothing about a file cut short."""
    stream, name = box.streams.audio[0], box.format.name
    own_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    if name.startswith(("mov,", "flac")) or (name == "mp3" and _has_frame_count(content)):
        return own_s
    if name.startswith("matroska,"):
        only_sound = len(box.streams) == 1
        return own_s or (box.duration / av.time_base if only_sound and box.duration else None)
    if name == "wav" and own_s:
        return own_s * _riff_share(content)
    return None


def _has_frame_count(mp3: bytes) -> bool:
    """Whether the first frame is a Xing, Info or VBRI header, which counts all frames."""
    start = 0
    if mp3[:3] == b"ID3":  # its length: four bytes of seven bits each (ID3v2, section 3.1)
        start = 10 + sum(byte << shift for byte, shift in zip(mp3[6:10], (21, 14, 7, 0), strict=True))
    head = mp3[start : start + 256]
    return any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))


def _riff_share(wav: bytes) -> float:
    """Bytes that the RIFF header promises over bytes at hand, at least 1; 1 where it was written
    before the length was known (all bits set, or nearly)."""
    promised = int.from_bytes(wav[4:8], "little") + 8
    return max(1.0, promised / len(wav)) if promised < 0x7FFF_F000 else 1.0
