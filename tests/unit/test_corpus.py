"""The items of the big ingest test are what they say: decodable, of the right length, with a true truth."""

import io
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from tests.corpus import LONG_ENCODING, Item, build_corpus, compose, sentences, speech_item
from tests.encoding import SPEECH_RATE_HZ, Encoding, read_speech


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Item]:
    return {item.name: item for item in build_corpus(tmp_path_factory.mktemp("corpus"))}


def test_what_the_ingest_test_asks_for_is_there(items: dict[str, Item]) -> None:
    """At least 12 files to store in eight containers, one over 20 minutes, and each kind of bad one."""
    stored = [item for item in items.values() if item.expected_status == "stored"]
    assert len(stored) >= 12
    assert {item.path.suffix for item in stored} == {
        ".m4a", ".webm", ".mp3", ".mp4", ".flac", ".wav", ".opus", ".ogg",
    }  # fmt: skip
    assert max(item.duration_s for item in stored) > 20 * 60
    assert min(item.duration_s for item in stored) < 5
    refused = Counter((item.expected_status, item.expected_code) for item in items.values() if not item.words)
    assert refused == {
        ("skipped", "no_speech"): 1,
        ("failed", "undecodable"): 1,
        ("failed", "truncated"): 1,
        ("failed", "not_media"): 1,
        ("skipped", "duplicate"): 1,
    }


def test_files_decode_to_their_whole_length(items: dict[str, Item]) -> None:
    """Every file that promises a duration holds that much sound."""
    for item in items.values():
        if item.duration_s:
            decoded_s = len(read_speech(item.path)) / SPEECH_RATE_HZ
            assert decoded_s == pytest.approx(item.duration_s, abs=0.05), item.name


def test_truth_lies_inside_the_file_and_in_order(items: dict[str, Item]) -> None:
    """Words follow one another, none empty, none beyond the end."""
    for item in items.values():
        for before, after in zip(item.words, item.words[1:], strict=False):
            assert before.start_s < before.end_s <= after.start_s + 1e-6, item.name
        if item.words:
            assert item.words[0].start_s >= 0, item.name
            assert item.words[-1].end_s <= item.duration_s, item.name


def test_sound_is_where_the_truth_says(items: dict[str, Item]) -> None:
    """After every codec the words are loud and the gaps of half a second and more are still."""
    for item in items.values():
        if not item.words:
            continue
        level = np.abs(read_speech(item.path).astype(np.float32))
        spoken = [_between(level, word.start_s, word.end_s).mean() for word in item.words]
        pauses = [
            _between(level, before.end_s + 0.1, after.start_s - 0.1).mean()
            for before, after in zip(item.words, item.words[1:], strict=False)
            if after.start_s - before.end_s >= 0.5
        ]
        assert np.quantile(spoken, 0.05) > 150, item.name
        assert max(pauses, default=0.0) < 30, item.name


def _between(level: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    return level[int(start_s * SPEECH_RATE_HZ) : int(end_s * SPEECH_RATE_HZ)]


def test_formats_are_what_their_names_say(items: dict[str, Item]) -> None:
    """Codec, rate, channels and the film's picture, as FFmpeg sees them."""
    expected = {
        "lecture.m4a": ("aac", 44_100, 1), "interview.webm": ("opus", 48_000, 1), "radio.mp3": ("mp3", 44_100, 1),
        "film.mp4": ("aac", 48_000, 2), "archive.flac": ("flac", 44_100, 1), "voice.opus": ("opus", 48_000, 1),
        "podcast.ogg": ("vorbis", 44_100, 2), "telephone.wav": ("pcm_s16le", 8_000, 1),
        "studio.wav": ("pcm_s16le", 48_000, 2),
    }  # fmt: skip
    for name, (codec, rate_hz, channels) in expected.items():
        with av.open(str(items[name].path)) as container:
            context = container.streams.audio[0].codec_context
            found = (context.codec.canonical_name, context.sample_rate, context.channels)
            assert found == (codec, rate_hz, channels), name
            assert bool(container.streams.video) == (name == "film.mp4"), name


def test_bad_files_are_bad_in_their_own_way(items: dict[str, Item]) -> None:
    """Noise and a page open as no container; the truncated file opens, promises a minute and holds half."""
    for name in ("noise.mp3", "page.mp3"):
        with pytest.raises(av.FFmpegError), av.open(io.BytesIO(items[name].path.read_bytes())) as container:
            next(container.decode(audio=0))
    with av.open(str(items["truncated.webm"].path)) as container:
        promised_s = container.duration / av.time_base
    held_s = len(read_speech(items["truncated.webm"].path)) / SPEECH_RATE_HZ
    assert promised_s > 60
    assert held_s < promised_s * 0.7
    twin = items["lecture-again.m4a"].twin
    assert twin is not None
    assert items["lecture-again.m4a"].path.read_bytes() == items[twin].path.read_bytes()


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a.webm", LONG_ENCODING),
        ("a.ogg", LONG_ENCODING),
        ("a.mp3", Encoding("libmp3lame", 44_100, 64_000)),
        ("a.mp4", Encoding("aac", 48_000, 64_000, "stereo", video=True)),
    ],
)
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, name: str, encoding: Encoding) -> None:
    """A file can be made again, and another seed makes another: containers add nothing at random."""
    contents = []
    for directory, seed in (("one", 1), ("two", 1), ("three", 2)):
        (tmp_path / directory).mkdir()
        item = speech_item(tmp_path / directory / name, encoding, seed=seed, duration_s=8)
        contents.append(item.path.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_voices_can_be_chosen() -> None:
    """An item of one voice holds only that voice's sentences; all three voices are on offer."""
    by_text = {tuple(word.text for word in sentence.words): sentence.voice for sentence in sentences()}
    assert set(by_text.values()) == {"en-us+m3", "en+f2", "en-us+michael"}
    _, words = compose(seed=5, duration_s=0, voices=("en+f2",))
    assert by_text[tuple(word.text for word in words)] == "en+f2"
