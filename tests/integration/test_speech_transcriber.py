"""The speech room with the Whisper that ships: proves itself, keeps the clock, listens twice, fails by name."""

import shutil
from dataclasses import replace
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from actors.errors import ConfigError, TransientError
from actors.rows import SAMPLE_RATE_HZ, Audio, Clip, Slice, VideoId, VideoMeta
from actors.speech.canary import OURS
from actors.speech.engine import Engine, _engine_errors
from actors.speech.models import clip_window_s
from actors.speech.prepare import Preparer
from actors.speech.quality import QualityRules
from actors.speech.transcribe import Transcriber
from configs.settings import PrepareSettings, TranscribeSettings
from tests.corpus import compose
from tests.encoding import Encoding, Samples, write_media
from tests.scoring import SpokenWord, start_time_errors, word_error_rate

MODEL = Path(__file__).parents[2] / "configs" / "demo" / "models" / "whisper-tiny-espeak"
NOWHERE = Path("no-models-here")
LEAD_S = 100.0


def settings(**values: object) -> TranscribeSettings:
    return TranscribeSettings(**{"model": str(MODEL), "device": "cpu", "compute_type": "int8", **values})


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    return Transcriber(settings(), NOWHERE)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Slice, tuple[SpokenWord, ...]]:
    """A slice of many clips, as Prepare cuts it, of speech that begins after 100 s of silence; and its words."""
    samples, words = compose(seed=5, duration_s=50, voices=("en-us+m3", "en-us+michael"))
    path = tmp_path_factory.mktemp("talk") / "talk.flac"
    write_media(path, np.pad(samples, (int(LEAD_S * SAMPLE_RATE_HZ), 0)), Encoding("flac"))
    audio = Audio(VideoId("v"), 7, VideoMeta("Talk", "https://example.org/v"), path.read_bytes(), "flac")
    prepare = Preparer(PrepareSettings(), clip_window_s(str(MODEL), NOWHERE), "en")
    (piece,) = prepare(audio)
    return piece, tuple(SpokenWord(w.text, w.start_s + LEAD_S, w.end_s + LEAD_S) for w in words)


def window(*parts: Samples, start_s: float = 50.0) -> Slice:
    """A slice of one clip that nobody cut at its pauses."""
    pcm = np.concatenate(parts)
    clip = Clip(start_s, start_s + len(pcm) / SAMPLE_RATE_HZ, 0.0)
    return Slice(VideoId("w"), 1, 0, (clip,), pcm.astype("<i2").tobytes(), "en", 1, clip.end_s)


NOISE = np.random.default_rng(1).normal(0, 3000, 20 * SAMPLE_RATE_HZ).astype(np.int16)


# The clock


def test_words_stand_on_the_videos_clock(transcriber: Transcriber, talk: tuple) -> None:
    """Though the engine hears the clips one behind the other, without the silence between them: sentences
    begin within half a second of when they were spoken, and every word lies in a clip of its own."""
    piece, spoken = talk
    assert len(piece.clips) >= 10 and len(piece.windows) > 1
    assert piece.clips[-1].start_s - piece.clips[-1].offset_s > LEAD_S + 5  # pauses were left out
    heard = transcriber(piece, "en").utterances
    assert word_error_rate([w.text for w in spoken], " ".join(u.text for u in heard)) < 0.05
    errors = start_time_errors(spoken, [(u.text, u.start_s) for u in heard])
    assert len(errors) >= 10
    assert max(errors) <= 0.5
    words = [word for u in heard for word in u.words]
    assert np.median(start_time_errors(spoken, [(w.text, w.start_s) for w in words])) <= 0.15
    for word in words:
        assert any(c.start_s - 0.02 <= word.start_s < word.end_s <= c.end_s + 0.02 for c in piece.clips), word
    starts = [word.start_s for word in words]
    assert starts == sorted(starts)


def test_the_same_slice_gives_the_same_text(transcriber: Transcriber, talk: tuple) -> None:
    """Whatever was heard in between, in another worker too, and where decoding falls back to sampling: a
    slice done again after a crash fits those that were kept."""
    piece, _ = talk
    first = transcriber(piece, "en")
    noise = transcriber(window(NOISE), "en")
    other = Transcriber(settings(), NOWHERE)
    assert other(window(NOISE), "en") == noise
    assert other(piece, "en") == first
    assert transcriber(piece, "en") == first


def test_who_heard_it_goes_with_the_text(transcriber: Transcriber, talk: tuple) -> None:
    """Model, arithmetic in effect, device and versions; and of the slice what the ledger needs."""
    piece, _ = talk
    spoken = transcriber(piece, "de")
    made_by = spoken.provenance
    assert (made_by.model, made_by.compute_type, made_by.device) == (MODEL.name, "int8_float32", "cpu")
    assert made_by.versions["ctranslate2"] == ctranslate2.__version__
    assert spoken.language == "en"  # all that this model knows
    assert (spoken.video_id, spoken.fence, spoken.ordinal, spoken.n_slices) == ("v", 7, 0, 1)
    assert spoken.speech_s == piece.speech_s < spoken.decoded_s - LEAD_S


# What is suspicious


def test_a_suspicious_clip_is_decoded_again_and_the_better_text_kept() -> None:
    """Behind a long pause that was not cut out the batched decoding loses every second word; a rule that
    finds the text too sparse brings them back. Its times lie where the clip lies."""
    pause = np.zeros(5 * SAMPLE_RATE_HZ, np.int16)
    text: dict[str, list[str]] = {"once": [], "again": []}
    spoken: list[str] = []
    listeners = {
        "once": Transcriber(settings(), NOWHERE),
        "again": Transcriber(settings(), NOWHERE, QualityRules(min_chars_per_s=6.0)),
    }
    for seed in (1, 9):
        before, words = compose(seed=seed, duration_s=8, voices=("en-us+m3", "en-us+michael"))
        after, more = compose(seed=seed + 50, duration_s=8, voices=("en-us+m3",))
        spoken += [word.text for word in (*words, *more)]
        piece = window(before, pause, after)
        for name, listen in listeners.items():
            heard = listen(piece, "en").utterances
            text[name] += [u.text for u in heard]
            assert all(piece.clips[0].start_s <= u.start_s < u.end_s <= piece.clips[0].end_s for u in heard)
    wrong = {name: word_error_rate(spoken, " ".join(parts)) for name, parts in text.items()}
    assert wrong["again"] < wrong["once"] - 0.1, wrong


def test_what_stays_suspicious_is_kept_and_flagged(talk: tuple, transcriber: Transcriber) -> None:
    """A rule that nothing can satisfy flags every utterance and loses no word of them."""
    piece, _ = talk
    demanding = Transcriber(settings(), NOWHERE, QualityRules(avg_logprob=0.0))
    kept, usual = demanding(piece, "en").utterances, transcriber(piece, "en").utterances
    assert {u.flags for u in kept} == {("uncertain",)}
    assert {u.flags for u in usual} == {()}
    assert [replace(u, flags=()) for u in kept] == list(usual)


def test_noise_is_never_taken_for_certain(transcriber: Transcriber) -> None:
    """Whatever the model makes of twenty seconds of white noise is flagged."""
    for utterance in transcriber(window(NOISE), "en").utterances:
        assert {"uncertain", "sparse"} <= set(utterance.flags)


def test_speech_in_which_no_word_is_heard_is_counted(transcriber: Transcriber, talk: tuple) -> None:
    """What a detector took for speech and both decodings leave empty makes no utterance; its seconds are kept."""
    piece, _ = talk
    hiss = window((NOISE // 100).astype(np.int16))
    assert (transcriber(hiss, "en").utterances, transcriber(hiss, "en").wordless_s) == ((), 20.0)
    assert transcriber(piece, "en").wordless_s == 0.0


# Proof before work


def test_a_worker_that_hears_the_canary_wrong_refuses_to_work(tmp_path: Path) -> None:
    """The clip is fine and the text beside it is another one: as if the model had heard wrong."""
    clip = Path(shutil.copy(OURS, tmp_path / "other.ogg"))
    clip.with_suffix(".txt").write_text("Nothing of this kind was ever said by anybody here at all.\n")
    with pytest.raises(ConfigError, match="failed its test clip: it got") as caught:
        Transcriber(settings(canary_audio=clip), NOWHERE)
    assert caught.value.code == "canary"


def test_a_model_that_loads_and_hears_nothing_right_is_found_out(tmp_path: Path) -> None:
    """Weights that were damaged on the disk load without an error; only the canary notices."""
    damaged = Path(shutil.copytree(MODEL, tmp_path / "damaged"))
    content = bytearray((damaged / "model.bin").read_bytes())
    name = b"encoder/conv2/weight\0"  # behind it rank, three dimensions, type, and the length of what follows
    length_at = content.index(name) + len(name) + 1 + 3 * 4 + 1
    n_bytes = int.from_bytes(content[length_at : length_at + 4], "little")
    content[length_at + 4 : length_at + 4 + n_bytes] = bytes(n_bytes)
    (damaged / "model.bin").write_bytes(content)
    with pytest.raises(ConfigError, match="failed its test clip") as caught:
        Transcriber(settings(model=str(damaged)), NOWHERE)
    assert caught.value.code == "canary"


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_model_directory_without_one_of_its_files_is_named(tmp_path: Path, missing: str) -> None:
    """Before anything is loaded or asked of a hub."""
    directory = Path(shutil.copytree(MODEL, tmp_path / "partly"))
    (directory / missing).unlink()
    with pytest.raises(ConfigError, match=f"partly lacks {missing}"):
        Transcriber(settings(model=str(directory)), NOWHERE)


def test_a_model_file_that_breaks_off_is_named(tmp_path: Path) -> None:
    """A copy that stopped half-way: which model, and what to do."""
    directory = Path(shutil.copytree(MODEL, tmp_path / "half"))
    content = (directory / "model.bin").read_bytes()
    (directory / "model.bin").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match=r"half can't be loaded.*Fetch or convert it again"):
        Transcriber(settings(model=str(directory)), NOWHERE)


def test_a_model_for_which_there_is_no_memory_may_be_loaded_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program has the card for the moment: no mistake in the settings, which would end the run."""

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr("faster_whisper.WhisperModel", full)
    with pytest.raises(TransientError, match=r"can't be loaded.*out of memory") as caught:
        Transcriber(settings(), NOWHERE)
    assert caught.value.code == "out_of_memory" and "transcribe.actors" in caught.value.remedy


def test_the_device_is_the_one_that_was_asked_for() -> None:
    """CUDA where there is none is refused, so is arithmetic that the CPU lacks, and a model that the engine
    put elsewhere: nothing falls back in silence."""
    if ctranslate2.get_cuda_device_count():
        assert Engine(settings(device="cuda", compute_type="float16"), NOWHERE).device == "cuda"
    else:
        with pytest.raises(ConfigError, match="finds no CUDA device"):
            Engine(settings(device="cuda"), NOWHERE)
    with pytest.raises(ConfigError, match=r"float16 can't be had on this cpu.*auto"):
        Engine(settings(compute_type="float16"), NOWHERE)
    with pytest.raises(ConfigError, match="loaded on cuda, not on cpu"):
        Engine(settings(), NOWHERE)._check_device("cuda")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (RuntimeError("CUDA failed with error out of memory"), "out_of_memory"),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (MemoryError("std::bad_alloc"), "out_of_memory"),
        (RuntimeError("CUDA failed with error an illegal memory access was encountered"), "device"),
        (RuntimeError("CUDA failed with error unspecified launch failure"), "device"),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_NOT_INITIALIZED"), "device"),
        (RuntimeError("Library libcublas.so.12 is not found or cannot be loaded"), "device"),
    ],
)
def test_the_engines_errors_say_what_to_do_about_them(said: Exception, code: str) -> None:
    """In CTranslate2's own words: no memory may pass in this process, a failed device never does; neither is
    held against the video for good."""
    with pytest.raises(TransientError) as caught, _engine_errors():
        raise said
    assert caught.value.code == code
    assert caught.value.retry_after_s
    assert caught.value.remedy
    assert caught.value.__cause__ is said


def test_another_error_of_the_engine_is_not_explained_away() -> None:
    """What we don't know stays what it is, for the stage to report."""
    with pytest.raises(RuntimeError, match="axis 3 out of range"), _engine_errors():
        raise RuntimeError("axis 3 out of range")
