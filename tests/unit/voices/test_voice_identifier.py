"""The identify stage with a made-up model: order, batches, the fast path, and what fails."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from actors.errors import TransientError
from actors.rows import SAMPLE_RATE_HZ, Clip, Provenance, SpokenSlice, Utterance, VideoId
from actors.voices.identify import NO_MEMORY, TOO_SHORT, VoiceIdentifier, without_voices
from actors.voices.profile import Profile
from actors.voices.windows import probe_windows
from configs.identify import IdentifySettings

MADE_BY = Provenance("tiny", "int8", "cpu", {})
HOST, GUEST = 1000, 3000
"""Voices here are the loudness of their samples."""


class LoudnessModel:
    """Tells voices by their loudness: two dimensions, one for each of the two."""

    name = "loudness"

    def __init__(self, fits: int = 10_000, error: Callable[[], Exception] = MemoryError) -> None:
        self.fits, self.error = fits, error
        self.batches: list[tuple[int, int]] = []
        self.n_released = 0

    def embed(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        (length,) = {len(piece) for piece in pieces}
        if len(pieces) > self.fits:
            raise self.error()
        self.batches.append((len(pieces), length))
        shares = np.array([np.mean(piece > (HOST + GUEST) / 2) for piece in pieces])
        vectors = np.stack([1 - shares, shares], axis=1).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def release_memory(self) -> None:
        self.n_released += 1


def spoken(*parts: tuple[float, int], utterances: tuple[Utterance, ...] = ()) -> SpokenSlice:
    """A slice of clips of 20 s without pauses between them, in which these voices follow one another."""
    pcm = np.concatenate(
        [np.full(round(length_s * SAMPLE_RATE_HZ), voice, "<i2") for length_s, voice in parts]
    )
    total_s = len(pcm) / SAMPLE_RATE_HZ
    starts = np.arange(0.0, total_s, 20.0)
    clips = tuple(Clip(50.0 + at, 50.0 + min(at + 20.0, total_s), float(at)) for at in starts)
    said = utterances or (Utterance("text", 50.2, 51.0, (), -0.1, 1.0, 0.0),)
    return SpokenSlice(VideoId("v"), 3, 2, None, None, total_s, "en", said, MADE_BY, clips, pcm.tobytes())


def identifier(model: LoudnessModel, *profiles: Profile, **settings: object) -> VoiceIdentifier:
    return VoiceIdentifier(model, IdentifySettings(device="cpu", **settings), lambda: profiles)


def enrolled(name: str, vector: tuple[float, float], model: str = "loudness") -> Profile:
    centroid = np.array(vector, np.float32)
    return Profile(name, model, centroid, centroid[None], 0.7)


HOST_PROFILE, GUEST_PROFILE = enrolled("host", (1, 0)), enrolled("guest", (0, 1))


def test_every_window_has_the_vector_of_its_own_sound() -> None:
    """Though batches are mixed by length: who speaks at a moment is who speaks in its window. The sound ends
    here, and nothing of the text is changed."""
    piece = spoken((20, HOST), (9, GUEST), (31.5, HOST))
    voiced = identifier(LoudnessModel(), batch_size=4)(piece)
    assert voiced.voices.dense and voiced.voices.reason is None
    assert (voiced.voices.model, voiced.voices.start_s, voiced.voices.end_s) == ("loudness", 50.0, 110.5)
    assert voiced.voices.vectors.shape == (len(voiced.voices.windows), 2)
    for (start_s, end_s), vector in zip(voiced.voices.windows, voiced.voices.vectors, strict=True):
        guest_s = max(0.0, min(end_s, 79.0) - max(start_s, 70.0))
        share = guest_s / (end_s - start_s)
        assert vector[1] / vector.sum() == pytest.approx(share, abs=1e-3)
    assert (voiced.spoken.clips, voiced.spoken.pcm) == ((), b"")
    assert voiced.spoken.utterances == piece.utterances
    assert (voiced.video_id, voiced.fence, voiced.ordinal) == ("v", 3, 2)
    starts = [start_s for start_s, _ in voiced.voices.windows]
    assert starts == sorted(starts)


def test_no_batch_mixes_lengths_or_exceeds_the_setting() -> None:
    """An utterance of 1.2 s has a shorter window than the grid."""
    said = (Utterance("a", 53.0, 55.0, (), -0.1, 1.0, 0.0), Utterance("b", 55.1, 56.3, (), -0.1, 1.0, 0.0),
            Utterance("c", 56.4, 58.0, (), -0.1, 1.0, 0.0))  # fmt: skip
    model = LoudnessModel()
    identifier(model, batch_size=5)(spoken((60, HOST), utterances=said))
    assert max(n for n, _ in model.batches) == 5
    assert len({length for _, length in model.batches}) >= 2


# The fast path


def test_a_monologue_of_an_enrolled_voice_is_probed_only() -> None:
    """Fewer windows than the dense pass, spread over the whole slice, and it says that it isn't dense."""
    piece = spoken((120, HOST))
    model = LoudnessModel()
    voiced = identifier(model, HOST_PROFILE, GUEST_PROFILE)(piece)
    assert not voiced.voices.dense
    assert (
        len(voiced.voices.windows)
        == len(probe_windows(piece.clips, 3.0, 1.5))
        == sum(n for n, _ in model.batches)
    )
    assert voiced.voices.windows[0][0] < 51 and voiced.voices.windows[-1][1] > 169


@pytest.mark.parametrize("start_s", [0.0, 3.7, 41.0, 58.3, 99.9, 109.0])
def test_a_guest_of_eleven_seconds_brings_the_dense_pass(start_s: float) -> None:
    """Wherever in the slice: it may not vanish."""
    piece = spoken((start_s, HOST), (11, GUEST), (109 - start_s, HOST))
    voiced = identifier(LoudnessModel(), HOST_PROFILE)(piece)
    assert voiced.voices.dense
    assert voiced.voices.vectors[:, 1].max() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("profiles", "settings"),
    [
        ((), {}),
        ((enrolled("host", (1, 0), model="another"),), {}),
        ((GUEST_PROFILE,), {}),
        ((HOST_PROFILE,), {"assume_monologue": False}),
    ],
    ids=["nobody enrolled", "by another model", "somebody else", "not assumed"],
)
def test_everything_is_heard_unless_it_is_surely_one_enrolled_voice(
    profiles: tuple[Profile, ...], settings: dict[str, object]
) -> None:
    """Also with nobody enrolled: whoever is enrolled later is found in the ledger's vectors."""
    voiced = identifier(LoudnessModel(), *profiles, **settings)(spoken((120, HOST)))
    assert voiced.voices.dense and len(voiced.voices.windows) > 60


# What fails


def test_out_of_memory_halves_the_batch_and_goes_on_where_it_was() -> None:
    """Every window is heard, and the next slice begins with what fits."""
    model = LoudnessModel(fits=9)
    identify = identifier(model, batch_size=64)
    piece = spoken((20, HOST), (40, GUEST))
    voiced = identify(piece)
    assert voiced.voices.reason is None
    assert len(voiced.voices.windows) == sum(n for n, _ in model.batches)
    at_once = identifier(LoudnessModel())(piece).voices
    assert voiced.voices.windows == at_once.windows
    np.testing.assert_array_equal(voiced.voices.vectors, at_once.vectors)
    assert model.n_released > 0 and identify.batch_size <= 9
    n_released = model.n_released
    identify(piece)
    assert model.n_released == n_released


class TorchOutOfMemory(RuntimeError):
    """As CUDA tells it."""

    def __init__(self) -> None:
        super().__init__("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize("error", [MemoryError, TorchOutOfMemory])
def test_no_memory_at_all_leaves_the_slice_without_voices(error: Callable[[], Exception]) -> None:
    """The text goes on with the reason, and the next slice is tried again. The seed labelled the target."""
    model = LoudnessModel(fits=0, error=error)
    identify = identifier(model, HOST_PROFILE)
    piece = spoken((120, HOST))
    voiced = identify(piece)
    assert voiced.voices.reason == NO_MEMORY
    assert voiced.voices.windows == () and len(voiced.voices.vectors) == 0
    assert voiced.spoken.utterances == piece.utterances and voiced.spoken.pcm == b""
    model.fits = 10_000
    assert identify(piece).voices.reason is None


def test_a_dead_gpu_is_for_the_stage_to_leave() -> None:
    """Nothing can be computed in that process any more: the video is tried again in another one."""
    model = LoudnessModel(fits=0, error=lambda: RuntimeError("CUDA error: an illegal memory access"))
    with pytest.raises(TransientError) as caught:
        identifier(model)(spoken((20, HOST)))
    assert caught.value.code == "device"


def test_any_other_exception_is_not_hidden() -> None:
    """The stage's host turns it into a slice without voices, and the log has its traceback."""
    model = LoudnessModel(fits=0, error=lambda: RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        identifier(model)(spoken((20, HOST)))


def test_too_little_speech_says_so() -> None:
    """A clip of 0.8 s has no vector."""
    voiced = identifier(LoudnessModel())(spoken((0.8, HOST)))
    assert voiced.voices.reason == TOO_SHORT


def test_a_slice_without_voices_keeps_its_text_and_its_place() -> None:
    """For whatever reason it is."""
    piece = spoken((40, HOST))
    voiced = without_voices(piece, "loudness", "the voice model failed")
    assert (voiced.voices.start_s, voiced.voices.end_s) == (50.0, 90.0)
    assert voiced.voices.reason == "the voice model failed" and len(voiced.voices.vectors) == 0
    assert voiced.spoken.utterances == piece.utterances and voiced.spoken.pcm == b""


def test_vectors_do_not_show() -> None:
    """They are biometric data: no repr, so no log line, has them."""
    voiced = identifier(LoudnessModel())(spoken((20, HOST)))
    assert "vectors" not in repr(voiced) and "array" not in repr(voiced)
    assert "array" not in repr(HOST_PROFILE)
