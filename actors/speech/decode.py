"""From the bytes of a media file to 16 kHz mono samples, a block at a time.

Owns PyAV: containers, streams, and what FFmpeg's errors mean. Knows nothing of speech.
Memory doesn't depend on the file's length: beside the compressed bytes there is one block.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av
import av.error
import numpy as np

from actors.errors import EarmarkError, PermanentError, Rejected
from actors.rows import SAMPLE_RATE_HZ, Audio
from actors.speech.containers import ends_early, ogg_links, states_its_length
from actors.speech.resample import Resampler, Samples
from actors.speech.timeline import Timeline
from actors.speech.wholeness import Decoded, fault_of, truncated, undecodable

logger = logging.getLogger(__name__)

BLOCK_SAMPLES = 320 * 512
"""Largest block: 10.24 s, a whole number of the speech detector's windows."""

_TEXT_REACH_BYTES = 512

MAX_DEMUX_ERRORS = 10
"""Times in a row that the container may fail to give a packet before it counts as ended."""

# What sources send and people record. FFmpeg knows 300 more, among them playlists and lists of files,
# by which a downloaded file could have this machine open others.
_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpc,mpc8,mpeg,mpegts,mxf,ogg,rm,tta,voc,w64,wav,wv"
)
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}


class AudioDecoder:
    """Decodes one file once: iterate over it for the samples, then look at ``decoded_s``.

    Not thread-safe, and not to be iterated twice.
    """

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self._is_local = audio.meta.extractor == "file"
        self._timeline = Timeline()
        self._n_packets = 0
        self._n_broken = 0
        self._stated_s: float | None = None

    @property
    def decoded_s(self) -> float:
        """Seconds decoded so far on the video's clock, filled holes included."""
        return self._timeline.position_s

    def __iter__(self) -> Iterator[Samples]:
        """Blocks of int16 mono samples at ``SAMPLE_RATE_HZ``, none empty or over ``BLOCK_SAMPLES``.

        Raises:
            Rejected: ``no_audio``, before the first block: no audio track, or nothing in it.
            PermanentError: ``not_media`` or ``undecodable``; the latter also after the last block.
            TransientError: ``truncated``, after the last block where decoding shows it.
        """
        links = ogg_links(self._audio.content)
        try:
            yield from _blocks(array for link in links for array in self._read_link(link, len(links) == 1))
        except av.error.FFmpegError as error:
            raise undecodable(error.strerror or type(error).__name__, self._is_local) from error
        self._check()

    def _read_link(self, content: bytes, is_whole_file: bool) -> Iterator[Samples]:
        with self._open(content) as container:
            stream = container.streams.best("audio")
            if stream is None:
                if ends_early(self._audio.content):
                    raise truncated("it ends inside its index", self._is_local)
                raise Rejected("The file has no audio track", code="no_audio")
            if is_whole_file and states_its_length(container.format.name, content):
                self._timeline.promised_s = self._stated_s = _stated_duration_s(container, stream)
            self._timeline.restart()
            yield from self._resampled(self._frames(container, stream), _start_s(container))

    def _open(self, content: bytes) -> Any:
        try:
            return av.open(io.BytesIO(content), metadata_errors="ignore", container_options=_OPTIONS)
        except (av.error.FFmpegError, ValueError) as error:
            raise self._why_unreadable() from error

    def _why_unreadable(self) -> EarmarkError:
        content = self._audio.content
        if content and not _is_text(content):
            if ends_early(content):
                return truncated("it ends before the index that is needed to read it", self._is_local)
            return undecodable("it is in no format that FFmpeg knows", self._is_local)
        what = "The file" if self._is_local else "What was downloaded"
        return PermanentError(
            f"{what} is {'text' if content else 'empty'}, not audio or video",
            code="not_media",
            remedy="Name a media file"
            if self._is_local
            else "Open its page in a browser to see what it serves",
        )

    def _frames(self, container: Any, stream: Any) -> Iterator[Any]:
        """Decoded frames in order, the decoder's last ones included; broken packets are counted."""
        failed = 0
        packets = container.demux(stream)
        while failed <= MAX_DEMUX_ERRORS:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                failed += 1
                self._n_broken += 1
                logger.debug("a packet can't be read: %s", error)
                packets = container.demux(stream)
                continue
            if packet is None:
                return
            failed = 0
            yield from self._decoded(packet)
        with suppress(av.error.FFmpegError):
            yield from stream.codec_context.decode(None)

    def _decoded(self, packet: Any) -> Iterator[Any]:
        self._n_packets += 1
        try:
            yield from packet.decode()
        except av.error.FFmpegError as error:
            self._n_broken += 1
            logger.debug("a packet can't be decoded: %s", error)

    def _resampled(self, frames: Iterator[Any], container_start_s: float | None) -> Iterator[Samples]:
        """Samples at our rate, holes filled. A stream may change its rate or layout on the way."""
        resampler = Resampler()
        began = False
        for frame in frames:
            if not frame.samples or not frame.sample_rate:
                continue
            if not began:
                self._timeline.begin(container_start_s, frame.time)
                began = True
            gap_s = self._timeline.silence_before(frame.time)
            if gap_s:
                yield from resampler.drain()
                yield from _silence(gap_s)
            self._timeline.advance(frame.samples / frame.sample_rate)
            yield from resampler.push(frame)
        yield from resampler.finish()

    def _check(self) -> None:
        if self._n_broken or self._timeline.silence_s:
            logger.warning(
                "%s: %d of %d packets broken, %.1f s of holes filled with silence",
                self._audio.video_id, self._n_broken, self._n_packets, self._timeline.silence_s,
            )  # fmt: skip
        decoded = Decoded(
            decoded_s=self.decoded_s,
            silence_s=self._timeline.silence_s,
            n_packets=self._n_packets,
            n_broken=self._n_broken,
            stated_s=self._stated_s,
            ends_early=ends_early(self._audio.content),
        )
        fault = fault_of(decoded, self._audio.meta.duration_s, self._is_local)
        if fault is not None:
            raise fault
        if self.decoded_s == 0.0:
            if self._n_broken:
                raise undecodable("not one of its packets is whole", self._is_local)
            raise Rejected("The audio track is empty", code="no_audio")


def _is_text(content: bytes) -> bool:
    """Whether a file begins like a web page, a playlist or subtitles: UTF-8 without control characters."""
    # A character may be cut in two at the end of what is looked at.
    head = content[:_TEXT_REACH_BYTES].decode("utf-8", errors="replace").rstrip("\ufffd")
    return bool(head) and "\ufffd" not in head and not any(ord(c) < 32 and c not in "\t\n\r\f" for c in head)


def _silence(duration_s: float) -> Iterator[Samples]:
    n_left = round(duration_s * SAMPLE_RATE_HZ)
    while n_left > 0:
        n_samples = min(n_left, BLOCK_SAMPLES)
        yield np.zeros(n_samples, np.int16)
        n_left -= n_samples


def _blocks(arrays: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples in blocks of ``BLOCK_SAMPLES``, the last one shorter."""
    held: list[Samples] = []
    n_held = 0
    for array in arrays:
        held.append(array)
        n_held += len(array)
        if n_held < BLOCK_SAMPLES:
            continue
        joined = np.concatenate(held)
        n_whole = n_held - n_held % BLOCK_SAMPLES
        for start in range(0, n_whole, BLOCK_SAMPLES):
            yield joined[start : start + BLOCK_SAMPLES]
        held, n_held = [joined[n_whole:].copy()], n_held - n_whole
    if n_held:
        yield np.concatenate(held)


def _start_s(container: Any) -> float | None:
    return None if container.start_time is None else container.start_time / av.time_base


def _stated_duration_s(container: Any, stream: Any) -> float | None:
    """The audio track's own duration in seconds; the container's only where there is no other track."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION", "")
    with suppress(ValueError):
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.streams.video or container.duration is None:
        return None
    return float(container.duration / av.time_base)
