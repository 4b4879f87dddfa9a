"""The small ECAPA that ships: it tells voices apart, proves itself, and refuses by name."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from actors.errors import ConfigError
from actors.rows import SAMPLE_RATE_HZ, Clip, Provenance, SpokenSlice, VideoId
from actors.voices import canary
from actors.voices.identify import VoiceIdentifier
from actors.voices.models import ModelUnavailable
from actors.voices.profile import Profile
from actors.voices.speaker_model import SpeakerModel, VectorFault
from configs.identify import IdentifySettings
from tests.corpus import sentences

MODEL = Path(__file__).parents[2] / "configs" / "demo" / "models" / "ecapa-tiny-espeak"
NOWHERE = Path("no-models-here")
MADE_BY = Provenance("tiny", "int8", "cpu", {})


def settings(**values: object) -> IdentifySettings:
    return IdentifySettings(**{"model": str(MODEL), "device": "cpu", **values})


@pytest.fixture(scope="module")
def model() -> SpeakerModel:
    return SpeakerModel(settings(), NOWHERE)


def speech(voice: str, duration_s: float, skip: int = 0) -> np.ndarray:
    """Sentences of a voice one after another, exactly so long."""
    parts = [sentence.samples for sentence in sentences() if sentence.voice == voice][skip:]
    return np.concatenate(parts)[: round(duration_s * SAMPLE_RATE_HZ)]


def windows(sound: np.ndarray, window_s: float = 3.0) -> list[np.ndarray]:
    n = round(window_s * SAMPLE_RATE_HZ)
    return [sound[first : first + n] for first in range(0, len(sound) - n + 1, n)]


def test_vectors_tell_the_voices_of_the_demo_apart(model: SpeakerModel) -> None:
    """Three-second windows of one voice are nearer to each other than any is to another voice's."""
    of = {voice: model.embed(windows(speech(voice, 30))) for voice in ("en-us+m3", "en+f2", "en-us+michael")}
    for voice, vectors in of.items():
        assert vectors.shape == (10, model.dimensions) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        centroid = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
        own = (vectors @ centroid).min()
        others = max(float((of[other] @ centroid).max()) for other in of if other != voice)
        assert own > others + 0.1, (voice, own, others)


def test_a_window_has_the_same_vector_in_any_company(model: SpeakerModel) -> None:
    """Alone, in a batch, at half the loudness, as int16 or as floats: nothing of a neighbour reaches it."""
    pieces = windows(speech("en+f2", 15))
    together = model.embed(pieces)
    for piece, vector in zip(pieces, together, strict=True):
        for form in (piece, piece // 2, piece.astype(np.float32) / 32768):
            assert float(model.embed([form])[0] @ vector) > 0.999


def test_whoever_looks_at_all_modules_meets_no_import(model: SpeakerModel) -> None:
    """As ``inspect`` and debuggers do in a process that has loaded a voice model."""
    for module in list(sys.modules.values()):
        getattr(module, "__file__", None)
    assert model.name


def test_pieces_of_different_lengths_are_refused(model: SpeakerModel) -> None:
    """They would have to be padded, and the padding would reach the vector."""
    with pytest.raises(ValueError, match="same number of samples"):
        model.embed([np.zeros(48_000, np.int16), np.zeros(32_000, np.int16)])


def test_a_vector_without_direction_is_an_error(model: SpeakerModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN would be like nobody, or like everybody."""
    import torch

    broken = torch.full((1, 1, model.dimensions), float("nan"))
    monkeypatch.setattr(model._classifier, "encode_batch", lambda waves: broken)
    with pytest.raises(VectorFault):
        model.embed([np.zeros(48_000, np.int16)])


def test_the_canary_clips_have_a_wide_gap(model: SpeakerModel) -> None:
    """What a working model makes of them lies far above what it must."""
    first, second, other = model.embed(canary.load_clips())
    assert float(first @ second) - float(first @ other) > 2 * canary.LEAST_GAP
    assert canary.prove("tiny", model.embed) == model.dimensions


@pytest.mark.parametrize("answer", ["all alike", "the wrong way round", "at random", "NaN"])
def test_a_model_that_hears_the_canary_wrong_is_refused(answer: str) -> None:
    """Each kind of deafness."""
    rng = np.random.default_rng(0)
    vectors = {
        "all alike": np.ones((3, 4)) / 2,
        "the wrong way round": np.eye(4)[[0, 1, 0]],
        "at random": rng.normal(size=(3, 192)) / np.sqrt(192),
        "NaN": np.full((3, 4), np.nan),
    }[answer]

    def embed(pieces: Sequence[np.ndarray]) -> np.ndarray:
        return vectors.astype(np.float32)

    with pytest.raises(ConfigError, match="failed its test clips") as caught:
        canary.prove("some model", embed)
    assert caught.value.code == "canary" and not isinstance(caught.value, ModelUnavailable)


def test_cuda_without_a_card_is_refused() -> None:
    """Never a silent fall back to the CPU; and it is no missing model, with which a run would go on."""
    with pytest.raises(ConfigError, match=r"identify\.device is cuda") as caught:
        SpeakerModel(settings(device="cuda"), NOWHERE)
    assert not isinstance(caught.value, ModelUnavailable)


@pytest.mark.parametrize("file", ["embedding_model.ckpt", "classifier.ckpt"])
def test_a_file_that_breaks_off_is_named_as_unavailable(tmp_path: Path, file: str) -> None:
    """A copy that stopped half-way: the line goes on without voices and says so."""
    directory = Path(shutil.copytree(MODEL, tmp_path / "half"))
    content = (directory / file).read_bytes()
    (directory / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelUnavailable, match="can't be loaded"):
        SpeakerModel(settings(model=str(directory)), NOWHERE)


def test_weights_of_another_shape_are_named_as_unavailable(tmp_path: Path) -> None:
    """A file of another model in its place."""
    directory = Path(shutil.copytree(MODEL, tmp_path / "mixed"))
    shutil.copy(directory / "classifier.ckpt", directory / "embedding_model.ckpt")
    with pytest.raises(ModelUnavailable, match="can't be loaded"):
        SpeakerModel(settings(model=str(directory)), NOWHERE)


def test_a_directory_is_only_read(tmp_path: Path) -> None:
    """Loading leaves nothing in it, and needs nothing beside it: it may be shared and write-protected. A file that
    names the hub as the place of its weights, as the published ones do, gets those of its directory."""
    directory = Path(shutil.copytree(MODEL, tmp_path / "clone"))
    file = directory / "hyperparams.yaml"
    paths = "".join(
        f"\n        {name}: !ref <pretrained_path>/{name}.ckpt"
        for name in ("embedding_model", "classifier", "label_encoder")
    )
    file.write_text(
        "pretrained_path: speechbrain/spkrec-ecapa-voxceleb\n"
        + file.read_text().rstrip()
        + f"\n    paths:{paths}\n"
    )
    before = {path: path.read_bytes() for path in directory.iterdir()}
    SpeakerModel(settings(model=str(directory)), NOWHERE)
    assert {path: path.read_bytes() for path in directory.iterdir()} == before


def slice_of(*parts: np.ndarray) -> SpokenSlice:
    pcm = np.concatenate(parts)
    step = 25 * SAMPLE_RATE_HZ
    clips = tuple(
        Clip(at / SAMPLE_RATE_HZ, min(at + step, len(pcm)) / SAMPLE_RATE_HZ, at / SAMPLE_RATE_HZ)
        for at in range(0, len(pcm), step)
    )
    return SpokenSlice(
        VideoId("v"), 1, 0, 1, None, len(pcm) / SAMPLE_RATE_HZ, "en", (), MADE_BY, clips,
        pcm.astype("<i2").tobytes(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def host(model: SpeakerModel) -> Profile:
    vectors = model.embed(windows(speech("en-us+m3", 60)))
    centroid = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    return Profile("host", model.name, centroid, vectors, 0.7)


def test_a_hosts_monologue_takes_the_fast_path_and_a_guest_takes_it_away(
    model: SpeakerModel, host: Profile
) -> None:
    """With real vectors: a slice of the enrolled voice is probed; with twenty seconds of anybody else in it, the
    most similar voice of the three included, it is heard whole."""
    identify = VoiceIdentifier(model, settings(), lambda: (host,))
    talk = speech("en-us+m3", 110, skip=20)
    alone = identify(slice_of(talk)).voices
    assert (alone.dense, alone.reason) == (False, None)
    half = len(talk) // 2
    for guest in ("en-us+michael", "en+f2"):
        voices = identify(slice_of(talk[:half], speech(guest, 20), talk[half:])).voices
        assert voices.dense, guest
