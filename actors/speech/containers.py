"""What the bytes of a media file say about themselves, read without decoding.

Owns the few container facts that FFmpeg doesn't report: was the file cut off in the middle of a box,
chunk or page; does its header state its length; where the links of a chained Ogg file begin. Pure
functions of bytes. Knows nothing of audio.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_OGG_MAGIC = b"OggS"
_OGG_HEADER_BYTES = 27
_OGG_FIRST_PAGE = 0x02
_MP4_FIRST_BOXES = (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"sidx")
_WAV_UNKNOWN_SIZE = 0x7FFFFF00
"""Writers that couldn't go back to fill in the length leave 0 or the largest number they have."""
_WAV_TOLERANCE = 1.03
_MP3_HEADER_REACH_BYTES = 8192


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int
    """May lie beyond the end of the file."""


def ends_early(content: bytes) -> bool:
    """Whether the file certainly goes on: its last box, chunk or page is longer than what is there.

    Decided for MP4, WAV and Ogg; ``False`` for everything else, which isn't the same as whole.
    """
    if content[:4] == _OGG_MAGIC:
        return _ogg_ends_early(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _wav_ends_early(content)
    if content[4:8] in _MP4_FIRST_BOXES:
        boxes = list(_boxes(content))
        return bool(boxes) and boxes[-1].end > len(content)
    return False


def states_its_length(format_name: str, content: bytes) -> bool:
    """Whether the duration that FFmpeg reports was written by whoever made the file, for all of it.

    Else FFmpeg has estimated it from bit rate or from the last timestamp, and it says nothing about
    what is missing.

    Args:
        format_name: FFmpeg's name of the demuxer, for example ``matroska,webm``.
        content: the whole file.
    """
    names = set(format_name.split(","))
    if names & {"matroska", "flac"}:
        return True
    if "wav" in names:
        return not _wav_ends_early(content)
    if "mp4" in names:
        return not _is_open_ended_mp4(content)
    return "mp3" in names and _has_mp3_length(content)


def ogg_links(content: bytes) -> list[bytes]:
    """The links of a chained Ogg file (several recordings written one after another), in order.

    FFmpeg reads on over such a joint only if both sides have the same codec parameters. A file that
    isn't chained, or isn't Ogg, is returned as it is.
    """
    starts = [0]
    in_headers = True
    for page_start, flags in _ogg_pages(content):
        opens_stream = bool(flags & _OGG_FIRST_PAGE)
        if opens_stream and not in_headers:
            starts.append(page_start)
        in_headers = opens_stream
    if len(starts) == 1:
        return [content]
    return [content[start:end] for start, end in zip(starts, [*starts[1:], len(content)], strict=True)]


def _ogg_pages(content: bytes) -> Iterator[tuple[int, int]]:
    """(offset, header flags) of each page; damage between pages is skipped."""
    position = 0
    while (position := content.find(_OGG_MAGIC, position)) >= 0:
        end = _ogg_page_end(content, position)
        if end is None:
            return
        yield position, content[position + 5]
        # A false magic in damaged data must not hide the true pages behind it.
        position = end if end >= len(content) or content[end : end + 4] == _OGG_MAGIC else position + 4


def _ogg_page_end(content: bytes, start: int) -> int | None:
    """Offset behind a page; ``None`` if its header itself is cut off."""
    header_end = start + _OGG_HEADER_BYTES
    if header_end > len(content):
        return None
    n_lacing = content[start + 26]
    lacing = content[header_end : header_end + n_lacing]
    return header_end + n_lacing + sum(lacing) if len(lacing) == n_lacing else None


def _ogg_ends_early(content: bytes) -> bool:
    last = content.rfind(_OGG_MAGIC)
    end = _ogg_page_end(content, last)
    return end is None or end > len(content)


def _wav_ends_early(content: bytes) -> bool:
    position = 12
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        if content[position : position + 4] == b"data":
            present = len(content) - position - 8
            return size < _WAV_UNKNOWN_SIZE and size > _WAV_TOLERANCE * present
        position += 8 + size + size % 2
    return True


def _boxes(content: bytes) -> Iterator[_Box]:
    """The boxes at the top level of an MP4 file (ISO/IEC 14496-12, 4.2); stops at what is none."""
    position = 0
    while position + 8 <= len(content):
        size = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        if size == 1:
            size = int.from_bytes(content[position + 8 : position + 16], "big")
        elif size == 0:
            size = len(content) - position
        if size < 8:
            return
        yield _Box(kind, position, position + size)
        position += size


def _is_open_ended_mp4(content: bytes) -> bool:
    """A fragmented MP4 with neither an index nor a stated duration, as a live recording has it."""
    boxes = list(_boxes(content))
    kinds = {box.kind for box in boxes}
    if b"moof" not in kinds or b"sidx" in kinds:
        return False
    return not any(box.kind == b"moov" and b"mehd" in content[box.start : box.end] for box in boxes)


def _has_mp3_length(content: bytes) -> bool:
    """Whether the first frame is a Xing, Info or VBRI header, which holds the number of frames."""
    start = 0
    if content[:3] == b"ID3" and len(content) >= 10:
        size = 0
        for byte in content[6:10]:
            size = size << 7 | byte & 0x7F
        start = 10 + size
    head = content[start : start + _MP3_HEADER_REACH_BYTES]
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))
