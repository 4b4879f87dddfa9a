"""The identify stage: a transcribed slice in, what was heard of its voices out; its sound ends here.

Owns the order: probes first where a monologue may be assumed, else every window; batches, and what to do when the
memory runs out. Who said what is not decided here but on the whole video (``deciding.py``).

Text is never lost for a voice: a slice without vectors goes on with the reason.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from actors.errors import TransientError
from actors.rows import SliceVoices, SpokenSlice, VoicedSlice
from actors.text.batching import diagnose
from actors.voices.fast_path import is_monologue
from actors.voices.profile import Profile
from actors.voices.windows import LEAST_PROBES, Window, batches, dense_windows, probe_windows
from configs.identify import IdentifySettings

logger = logging.getLogger(__name__)

Samples = npt.NDArray[np.int16]
Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]

OFF = "identification is switched off"
NO_MODEL = "the voice model could not be loaded"
NO_MEMORY = "no memory was left to hear the voice in"
TOO_SHORT = "too little speech"


class VoiceModel(Protocol):
    """A model that turns speech into vectors: ``SpeakerModel``, or a test's."""

    @property
    def name(self) -> str:
        """What vectors are labelled with."""

    def embed(self, pieces: Sequence[Samples]) -> Vectors:
        """As ``SpeakerModel.embed``."""

    def release_memory(self) -> None:
        """As ``SpeakerModel.release_memory``."""


class OutOfMemory(Exception):
    """Not even one window fits."""


class VoiceIdentifier:
    """Hears the voices of slices. Not thread-safe: one for each actor.

    Args:
        model: has proved itself.
        settings: the stage's settings.
        profiles: gives the enrolled voices, for the fast path alone. Without any every slice is heard whole, so that
            whoever is enrolled later can be found in the ledger.
    """

    def __init__(
        self,
        model: VoiceModel,
        settings: IdentifySettings,
        profiles: Callable[[], Sequence[Profile]] = tuple,
    ) -> None:
        self._model, self._settings, self._profiles = model, settings, profiles
        self._batch_size = settings.batch_size

    @property
    def batch_size(self) -> int:
        """Most windows in a forward pass; less than the setting after the memory ran out."""
        return self._batch_size

    def __call__(self, spoken: SpokenSlice) -> VoicedSlice:
        """The slice without its sound, with a vector for each window; or, where the memory didn't suffice for
        one window or no clip is long enough, with the reason.

        Raises:
            TransientError: ``device``, the GPU failed and this process can't go on.
            Whatever the model raises of a slice that it can't take; see ``without_voices``.
        """
        pcm = np.frombuffer(spoken.pcm, "<i2").astype(np.int16, copy=False)
        try:
            return self._heard(spoken, pcm)
        except OutOfMemory as error:
            logger.warning("%s slice %d: %s", spoken.video_id, spoken.ordinal, error)
            return without_voices(spoken, self._model.name, NO_MEMORY)

    def _heard(self, spoken: SpokenSlice, pcm: Samples) -> VoicedSlice:
        settings = self._settings
        heard: dict[Window, Vector] = {}
        profiles = self._profiles() if settings.assume_monologue else ()
        if profiles:
            probes = probe_windows(spoken.clips, settings.window_s, settings.hop_s)
            if len(probes) >= LEAST_PROBES:
                heard = self._vectors(pcm, probes)
                vectors = np.stack([heard[probe] for probe in probes])
                verdict = is_monologue(vectors, profiles, self._model.name, settings.margin)
                logger.debug("%s slice %d: %s", spoken.video_id, spoken.ordinal, verdict.why)
                if verdict.voice is not None:
                    return self._voiced(spoken, probes, heard, dense=False)
        windows = dense_windows(spoken.clips, spoken.utterances, settings.window_s, settings.hop_s)
        if not windows:
            return without_voices(spoken, self._model.name, TOO_SHORT)
        heard |= self._vectors(pcm, [window for window in windows if window not in heard])
        return self._voiced(spoken, windows, heard, dense=True)

    def _voiced(
        self, spoken: SpokenSlice, windows: Sequence[Window], heard: dict[Window, Vector], *, dense: bool
    ) -> VoicedSlice:
        start_s, end_s = _span(spoken)
        vectors = np.stack([heard[window] for window in windows])
        places = tuple((window.start_s, window.end_s) for window in windows)
        voices = SliceVoices(self._model.name, start_s, end_s, places, vectors, dense=dense)
        return VoicedSlice(replace(spoken, clips=(), pcm=b""), voices)

    def _vectors(self, pcm: Samples, windows: Sequence[Window]) -> dict[Window, Vector]:
        """A vector for each window."""
        todo = deque(batches(windows, self._batch_size))
        found: dict[Window, Vector] = {}
        while todo:
            batch = todo.popleft()
            vectors = self._tried(pcm, batch)
            if vectors is None:
                self._batch_size = max(1, len(batch) // 2)
                logger.warning(
                    "out of memory with %d windows: batches of %d from now on", len(batch), self._batch_size
                )
                left = [window for rest in (batch, *todo) for window in rest]
                todo = deque(batches(left, self._batch_size))
                continue
            found.update(zip(batch, vectors, strict=True))
        return found

    def _tried(self, pcm: Samples, batch: Sequence[Window]) -> Vectors | None:
        """One forward pass; ``None``: a smaller one may fit into the memory.

        Raises:
            OutOfMemory: no smaller one is possible.
            TransientError: ``device``.
        """
        try:
            return self._model.embed([_cut(pcm, window) for window in batch])
        except (RuntimeError, MemoryError) as error:
            trouble = diagnose(error)
            if trouble == "device":
                raise TransientError(
                    f"the GPU failed: {str(error).splitlines()[0]}",
                    code="device",
                    remedy="If it comes again, check the driver with nvidia-smi and its messages with dmesg",
                    retry_after_s=30,
                ) from error
            if trouble != "out_of_memory":
                raise
            error.__traceback__ = None  # its frames hold the tensors that filled the memory
        self._model.release_memory()
        if len(batch) == 1:
            raise OutOfMemory("no memory is left for one window")
        return None


def without_voices(spoken: SpokenSlice, model: str, reason: str) -> VoicedSlice:
    """The slice without its sound, and why nothing was heard of its voices.

    Args:
        model: name of the voice model that was meant to hear it.
        reason: as it will stand behind ``unknown:``.
    """
    start_s, end_s = _span(spoken)
    none = np.zeros((0, 0), dtype=np.float32)
    return VoicedSlice(
        replace(spoken, clips=(), pcm=b""), SliceVoices(model, start_s, end_s, (), none, reason=reason)
    )


def _span(spoken: SpokenSlice) -> tuple[float, float]:
    """Start and end of the slice on the video's clock."""
    if spoken.clips:
        return spoken.clips[0].start_s, spoken.clips[-1].end_s
    starts = [utterance.start_s for utterance in spoken.utterances]
    return min(starts, default=0.0), max((utterance.end_s for utterance in spoken.utterances), default=0.0)


def _cut(pcm: Samples, window: Window) -> Samples:
    # Rounding may put the last window of a slice one sample beyond its end.
    first = max(0, min(window.first, len(pcm) - window.n_samples))
    return pcm[first : first + window.n_samples]
