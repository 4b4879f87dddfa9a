"""Decoding of what sources really send: every container, odd layouts, broken clocks, damaged bytes.

The sound is two tones at known times, so that a test sees what was decoded and *when* it sounds.
"""

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest

from actors.errors import EarmarkError, PermanentError, Rejected, TransientError
from actors.rows import Audio, VideoId, VideoMeta
from actors.speech.decode import BLOCK_SAMPLES, AudioDecoder
from actors.speech.resample import Samples
from tests.encoding import Encoding, empty_wav, encoded_media, flipped, mute_film, remuxed

RATE_HZ = 16_000
LENGTH_S = 30.0
TONES_S = ((2.0, 5.0), (20.0, 24.0))

FAST = (("compression_level", "0"),)
ENCODINGS = {
    "m4a": Encoding("aac", 44_100, 64_000),
    "webm": Encoding("libopus", 48_000, 32_000, options=FAST),
    "mp3": Encoding("libmp3lame", 44_100, 64_000, "stereo"),
    "mp4": Encoding("aac", 48_000, 64_000, "stereo", video=True),
    "flac": Encoding("flac", 44_100),
    "wav": Encoding("pcm_s16le", 16_000),
    "ogg": Encoding("libopus", 48_000, 32_000, options=FAST),
    "mkv": Encoding("aac", 44_100, 64_000),
}


def tones(length_s: float = LENGTH_S) -> Samples:
    sound = np.zeros(int(length_s * RATE_HZ), np.int16)
    for start_s, end_s in TONES_S:
        at = np.arange(int(start_s * RATE_HZ), min(int(end_s * RATE_HZ), len(sound)))
        sound[at] = (8000 * np.sin(2 * np.pi * 440 * at / RATE_HZ)).astype(np.int16)
    return sound


@functools.cache
def encoded(extension: str, encoding: Encoding | None = None, length_s: float = LENGTH_S) -> bytes:
    return encoded_media(extension, tones(length_s), encoding or ENCODINGS[extension])


def audio(content: bytes, duration_s: float | None = None, extractor: str = "generic") -> Audio:
    meta = VideoMeta("title", "https://example.org/v", duration_s=duration_s, extractor=extractor)
    return Audio(VideoId("v"), 1, meta, content, "bin")


def decode(content: bytes, duration_s: float | None = None, extractor: str = "generic") -> Samples:
    blocks = list(AudioDecoder(audio(content, duration_s, extractor)))
    assert all(block.dtype == np.int16 and 0 < len(block) <= BLOCK_SAMPLES for block in blocks)
    assert all(len(block) == BLOCK_SAMPLES for block in blocks[:-1])
    return np.concatenate(blocks)


def error_of(content: bytes, duration_s: float | None = None, extractor: str = "generic") -> EarmarkError:
    with pytest.raises(EarmarkError) as caught:
        decode(content, duration_s, extractor)
    assert caught.value.remedy or isinstance(caught.value, Rejected)
    return caught.value


def tone_edges_s(samples: Samples) -> list[float]:
    """When it becomes loud and when silent again, to 10 ms."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(np.float64)
    level = np.sqrt(np.mean(frames**2, axis=1))
    loud = level > level.max() / 3  # mixing six channels into one makes it quieter
    return [float(edge) / 100 for edge in np.flatnonzero(np.diff(loud.astype(int)))]


every_format = pytest.mark.parametrize("extension", ENCODINGS)


@every_format
def test_every_format_is_decoded_in_time(extension: str) -> None:
    """Length and the four edges of the tones come out within 60 ms in every container."""
    samples = decode(encoded(extension), duration_s=LENGTH_S)
    assert len(samples) / RATE_HZ == pytest.approx(LENGTH_S, abs=0.06)
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0, 20.0, 24.0], abs=0.06)


@pytest.mark.parametrize(
    ("extension", "encoding"),
    [
        ("wav", Encoding("pcm_s16le", 8_000)),
        ("wav", Encoding("pcm_s24le", 192_000, layout="7.1")),
        ("ogg", Encoding("vorbis", 44_100, layout="stereo", options=(("strict", "-2"),))),
        ("aac", Encoding("aac", 22_050, 48_000)),
        ("ts", Encoding("aac", 44_100, 64_000)),
        ("m4a", Encoding("aac", 48_000, 200_000, "5.1")),
    ],
    ids=["8 kHz mono", "192 kHz 7.1", "vorbis", "adts", "transport stream", "surround"],
)
def test_odd_rates_and_layouts(extension: str, encoding: Encoding) -> None:
    """Telephone sound and studio surround both become 16 kHz mono of the same length."""
    samples = decode(encoded(extension, encoding, 6.0))
    assert len(samples) / RATE_HZ == pytest.approx(6.0, abs=0.1)
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0], abs=0.1)


def test_the_decoder_says_how_far_it_came() -> None:
    """``decoded_s`` is the length of what was given, to a hundredth of a second."""
    decoder = AudioDecoder(audio(encoded("webm")))
    n_samples = sum(len(block) for block in decoder)
    assert decoder.decoded_s == pytest.approx(n_samples / RATE_HZ, abs=0.01)


@pytest.mark.parametrize("layouts", [("mono", "mono"), ("stereo", "mono")])
def test_a_chained_ogg_is_read_to_its_end(layouts: tuple[str, str]) -> None:
    """Recordings written one after another, even with other channels, which FFmpeg alone refuses."""
    links = [
        encoded("ogg", Encoding("libopus", 48_000, 64_000, layout, options=FAST), 6.0) for layout in layouts
    ]
    samples = decode(b"".join(links))
    assert len(samples) / RATE_HZ == pytest.approx(12.0, abs=0.1)
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0, 8.0, 11.0], abs=0.1)


def test_a_stream_that_changes_rate_and_channels_is_read_on() -> None:
    """ADTS frames of 44.1 kHz stereo followed by 22.05 kHz mono."""
    first = encoded("aac", Encoding("aac", 44_100, 96_000, "stereo"), 6.0)
    samples = decode(first + encoded("aac", Encoding("aac", 22_050, 48_000), 6.0))
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0, 8.0, 11.0], abs=0.2)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@every_format
def test_a_truncated_file_is_noticed(extension: str, share: float) -> None:
    """Cut at 10, 50 or 90 % it is a truncation and no success, and the remedy suits where it came from."""
    content = encoded(extension)
    cut = content[: int(len(content) * share)]
    remote, local = error_of(cut), error_of(cut, extractor="file")
    assert isinstance(remote, TransientError)
    assert (remote.code, local.code) == ("truncated", "truncated")
    assert "downloaded again" in remote.remedy
    assert "Copy or export" in local.remedy


@pytest.mark.parametrize("extension", ["aac", "ts"])
def test_a_file_without_a_stated_length_is_held_against_the_page(extension: str) -> None:
    """Streams without a header tell nothing themselves: the page's duration does."""
    content = encoded(extension, Encoding("aac", 44_100, 64_000))
    cut = content[: len(content) // 2]
    assert len(decode(cut)) / RATE_HZ < LENGTH_S - 5
    assert error_of(cut, duration_s=LENGTH_S).code == "truncated"


@pytest.mark.parametrize("flags", ["faststart", "frag_keyframe+empty_moov"])
def test_a_truncated_mp4_whose_index_survives_is_noticed(flags: str) -> None:
    """With the index in front, or in fragments, half a file still decodes: to half its length."""
    content = remuxed(
        encoded("m4a"), "m4a", "mp4", lambda time_s: time_s, {"movflags": flags, "frag_duration": "2000000"}
    )
    assert len(decode(content)) / RATE_HZ == pytest.approx(LENGTH_S, abs=0.1)
    assert error_of(content[: len(content) // 2]).code == "truncated"


def test_a_track_shorter_than_the_page_says_is_no_truncation() -> None:
    """A file that holds all that its own header states may end before the picture does."""
    assert len(decode(encoded("webm"), duration_s=40.0)) / RATE_HZ == pytest.approx(LENGTH_S, abs=0.1)
    assert error_of(encoded("webm"), duration_s=100.0).code == "truncated"


def test_a_hole_in_the_middle_keeps_its_length() -> None:
    """Three seconds missing from the stream are three seconds of silence, so later times stay true."""
    samples = decode(
        remuxed(encoded("m4a"), "m4a", "mkv", lambda time_s: time_s + (3.0 if time_s > 10 else 0.0))
    )
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0, 23.0, 27.0], abs=0.1)


def test_a_broken_timestamp_makes_no_hole() -> None:
    """A jump of ten hours in a file of half a minute is not believed."""
    samples = decode(
        remuxed(encoded("m4a"), "m4a", "ts", lambda time_s: time_s + (36_000.0 if time_s > 10 else 0.0))
    )
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0, 20.0, 24.0], abs=0.2)


def test_negative_timestamps_lose_nothing() -> None:
    """A stream whose clock begins at minus ten seconds is decoded from its first sample."""
    options = {"avoid_negative_ts": "disabled"}
    samples = decode(remuxed(encoded("m4a"), "m4a", "mp4", lambda time_s: time_s - 10.0, options))
    assert tone_edges_s(samples)[-2:] == pytest.approx(
        [edge + tone_edges_s(samples)[-1] - 24.0 for edge in (20.0, 24.0)], abs=0.1
    )
    assert len(samples) / RATE_HZ > LENGTH_S - 10.2


def test_a_recording_cut_out_of_a_running_stream_begins_at_zero() -> None:
    """Timestamps that start days into a broadcast are counted from the first one."""
    samples = decode(remuxed(encoded("m4a"), "m4a", "ts", lambda time_s: time_s + 50_000.0))
    assert tone_edges_s(samples) == pytest.approx([2.0, 5.0, 20.0, 24.0], abs=0.1)


def test_a_few_broken_packets_are_passed_over() -> None:
    """Some damaged frames of a thousand cost milliseconds, and the times after them stay right."""
    samples = decode(flipped(encoded("m4a"), 40))
    assert len(samples) / RATE_HZ == pytest.approx(LENGTH_S, abs=0.5)
    assert tone_edges_s(samples)[-1] == pytest.approx(24.0, abs=0.4)


def test_a_thoroughly_damaged_file_is_undecodable() -> None:
    """Beyond a tenth of its packets a recording isn't worth transcribing, and it says so."""
    error = error_of(flipped(encoded("m4a"), 4000))
    assert isinstance(error, PermanentError)
    assert error.code == "undecodable"
    assert "packets are damaged" in str(error)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_media"),
        (b"<!DOCTYPE html><html><title>Log in</title></html>" * 50, "not_media"),
        (b'{"error": "gone"}', "not_media"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nhello\n\n", "not_media"),
        (b"\x00" * 50_000, "undecodable"),
        (np.random.default_rng(0).bytes(50_000), "undecodable"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 500, "undecodable"),
    ],
    ids=["empty", "html", "json", "subtitles", "zeros", "noise", "picture"],
)
def test_what_is_no_media_is_refused_for_good(content: bytes, code: str) -> None:
    """Pages, pictures and noise are permanent failures with a code of their own."""
    error = error_of(content)
    assert isinstance(error, PermanentError)
    assert error.code == code


@pytest.mark.parametrize(
    "playlist", ["ffconcat version 1.0\nfile {}\n", "#EXTM3U\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"]
)
def test_a_playlist_opens_no_other_file(playlist: str, tmp_path: Path) -> None:
    """A downloaded list of files can't have this machine read its own."""
    other = tmp_path / "private.wav"
    other.write_bytes(encoded("wav"))
    assert error_of(playlist.format(other).encode()).code == "not_media"


def test_a_video_without_sound_is_left_out() -> None:
    """No audio track is a reason to skip, not a failure."""
    error = error_of(mute_film())
    assert isinstance(error, Rejected)
    assert error.code == "no_audio"


def test_a_track_without_samples_is_left_out() -> None:
    """A WAV file of zero length has nothing to transcribe."""
    assert error_of(empty_wav()).code == "no_audio"


def test_blocks_come_while_the_file_is_being_decoded() -> None:
    """The first block is there before the last packet has been read: nothing is collected first."""
    decoder = AudioDecoder(audio(encoded("flac")))
    first = next(itertools.islice(decoder, 1))
    assert len(first) == BLOCK_SAMPLES
    assert decoder.decoded_s < LENGTH_S - 5
