"""Sound files of every kind that sources send, written and read with PyAV.

Owns containers and codecs. Files come out the same byte for byte on one machine. Reading here is
independent of the project's own decoder, so that a test doesn't check that decoder with itself.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

SPEECH_RATE_HZ = 16_000
Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to write a file: a codec inside the container that the file's extension names."""

    codec: str
    rate_hz: int = SPEECH_RATE_HZ
    bit_rate: int | None = None
    """Bits a second; ``None`` for codecs without loss."""
    layout: str = "mono"
    video: bool = False
    """Add a picture of changing grey, 64 by 48 at two frames a second."""
    options: tuple[tuple[str, str], ...] = ()


# Matroska and Ogg draw random serial numbers unless told not to.
_REPRODUCIBLE = {"fflags": "+bitexact"}
_FORMATS = {".m4a": "ipod", ".opus": "ogg"}


def write_media(path: Path, samples: Samples, encoding: Encoding) -> None:
    """Encode mono int16 samples at 16 kHz into ``path``, resampled to the encoding's rate."""
    with av.open(str(path), "w", format=_FORMATS.get(path.suffix), options=_REPRODUCIBLE) as container:
        # Streams are declared before the first packet, which writes the file's header.
        stream = container.add_stream(encoding.codec, rate=encoding.rate_hz, layout=encoding.layout)
        stream.options = dict(encoding.options)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        if encoding.video:
            picture = container.add_stream("mpeg4", rate=2, width=64, height=48, pix_fmt="yuv420p")
            picture.codec_context.flags |= av.codec.context.Flags.bitexact
            for frame in _pictures(len(samples) / SPEECH_RATE_HZ):
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout=encoding.layout, rate=encoding.rate_hz,
            frame_size=stream.codec_context.frame_size or 0,
        )  # fmt: skip
        for frame in _resampled(samples, resampler):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def encoded_media(extension: str, samples: Samples, encoding: Encoding) -> bytes:
    """The bytes of a file that ``write_media`` writes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"sound.{extension}"
        write_media(path, samples, encoding)
        return path.read_bytes()


def remuxed(
    content: bytes,
    source: str,
    extension: str,
    shift: Callable[[float], float],
    options: dict[str, str] | None = None,
) -> bytes:
    """The packets of a file with the extension ``source`` in another container, their times changed by
    ``shift`` (seconds)."""
    with tempfile.TemporaryDirectory() as directory:
        path, origin = Path(directory) / f"out.{extension}", Path(directory) / f"in.{source}"
        origin.write_bytes(content)
        with (
            av.open(str(origin)) as reader,
            av.open(str(path), "w", container_options=options or {}) as writer,
        ):
            stream = writer.add_stream_from_template(reader.streams.audio[0])
            for packet in reader.demux(audio=0):
                if packet.dts is None:
                    continue
                time_s = shift(float(packet.pts * packet.time_base))
                packet.pts = packet.dts = round(time_s / packet.time_base)
                packet.stream = stream
                writer.mux(packet)
        return path.read_bytes()


def flipped(content: bytes, n_bytes: int, seed: int = 1) -> bytes:
    """The file with random bytes of its middle inverted."""
    damaged = np.frombuffer(content, np.uint8).copy()
    damaged[np.random.default_rng(seed).integers(4000, len(damaged) - 20_000, n_bytes)] ^= 0xFF
    return damaged.tobytes()


def mute_film() -> bytes:
    """Two seconds of picture without an audio track, as MP4."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "mute.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=2, width=64, height=48, pix_fmt="yuv420p")
            for frame in _pictures(2.0):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


def empty_wav() -> bytes:
    """A WAV file of zero length."""
    header = bytearray(encoded_media("wav", np.zeros(SPEECH_RATE_HZ, np.int16), Encoding("pcm_s16le"))[:44])
    header[40:44] = bytes(4)
    return bytes(header)


def read_speech(path: Path) -> Samples:
    """All of a file's first audio track as mono int16 at 16 kHz."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SPEECH_RATE_HZ)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def _resampled(samples: Samples, resampler: av.AudioResampler) -> Iterator[av.AudioFrame]:
    for start in range(0, len(samples), SPEECH_RATE_HZ):
        block = samples[start : start + SPEECH_RATE_HZ]
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SPEECH_RATE_HZ
        frame.pts = start
        frame.time_base = Fraction(1, SPEECH_RATE_HZ)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _pictures(duration_s: float) -> Iterable[av.VideoFrame]:
    for index in range(max(1, int(duration_s * 2))):
        grey = np.full((48, 64, 3), 40 + index % 160, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        frame.time_base = Fraction(1, 2)
        yield frame
