"""Runs Silero's voice activity detector over a stream.

Owns the model's state between blocks. Knows nothing of what is done with the probabilities. The
weights are those that faster-whisper ships; its own functions want a file's whole samples at once.
"""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.speech.resample import Samples

WINDOW_SAMPLES = 512
"""Silero's window at 16 kHz: 32 ms."""

_CONTEXT_SAMPLES = 64
_STATE_SHAPE = (1, 1, 128)
_INT16_SCALE = np.float32(1 / 32768)

Curve = npt.NDArray[np.float32]


class SpeechDetector:
    """Speech probabilities of one recording. Not thread-safe; one for each recording."""

    def __init__(self) -> None:
        # ONNX Runtime's Linux builds report to Microsoft unless told not to before they are loaded.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        from faster_whisper.vad import get_vad_model

        self._session: Any = get_vad_model().session
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._cell = np.zeros(_STATE_SHAPE, np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> tuple[Curve, Curve]:
        """The windows that these samples complete, whatever blocks they come in.

        Returns:
            (probability of speech 0–1, mean square 0–1), float32, shape ``(n_windows,)`` each; window
            ``i`` of all calls together covers the samples ``[i * 512, (i + 1) * 512)``.
        """
        waiting = np.concatenate([self._rest, samples.astype(np.float32) * _INT16_SCALE])
        n_windows = len(waiting) // WINDOW_SAMPLES
        self._rest = waiting[n_windows * WINDOW_SAMPLES :].copy()
        return self._run(waiting[: n_windows * WINDOW_SAMPLES].reshape(n_windows, WINDOW_SAMPLES))

    def finish(self) -> tuple[Curve, Curve]:
        """The last, incomplete window, filled up with silence; as ``push``, at most one window."""
        if not len(self._rest):
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        n_missing = WINDOW_SAMPLES - len(self._rest)
        return self._run(np.pad(self._rest, (0, n_missing))[np.newaxis])

    def _run(self, windows: npt.NDArray[np.float32]) -> tuple[Curve, Curve]:
        """Windows of shape ``(n, 512)``, each of which the model sees behind the 64 samples before it."""
        if not len(windows):
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        contexts = np.vstack([self._context, windows[:-1, -_CONTEXT_SAMPLES:]])
        self._context = windows[-1, -_CONTEXT_SAMPLES:].copy()
        feed = {"input": np.hstack([contexts, windows]), "h": self._state, "c": self._cell}
        probabilities, self._state, self._cell = self._session.run(None, feed)
        return probabilities.reshape(-1), np.mean(windows * windows, axis=1)
