"""espeak-ng through its C library: speech with the time of every word.

Needs ``libespeak-ng.so.1`` (Debian and Ubuntu: ``apt install libespeak-ng1 espeak-ng-data``). Only
``make_speech.py`` uses it; its output is shipped, so nobody needs it to run the demo or the tests.
"""

import ctypes
import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

OUTPUT_RATE_HZ = 16_000
ESPEAK_RATE_HZ = 22_050
_SYNCHRONOUS = 2
_WORD_EVENT = 1
_LIST_TERMINATED = 0
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4
_CHARS_UTF8 = 1


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence as sound: float32 mono at 16 kHz without silence around it, peak at most 1."""

    samples: npt.NDArray[np.float32]
    spans_s: list[tuple[float, float]]
    """Start and end of each word, counted from the first sample."""


class Espeak:
    """The library, loaded once a process (it keeps global state; one instance, one thread).

    Raises:
        OSError: the library isn't installed.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
        if rate_hz != ESPEAK_RATE_HZ:
            raise OSError(
                f"espeak-ng speaks at {rate_hz} Hz, not {ESPEAK_RATE_HZ}: is espeak-ng-data installed?"
            )
        self._sound: list[npt.NDArray[np.int16]] = []
        self._word_events: list[tuple[int, float]] = []
        self._callback = _CALLBACK(self._collect)  # kept: the library holds only a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, words: list[str], voice: str, *, words_per_minute: int = 150, pitch: int = 50) -> Spoken:
        """Speak the words as one sentence.

        Args:
            words: at least one, lower case, no punctuation.
            voice: an espeak voice and variant, for example ``en-us+m3``.

        Raises:
            ValueError: espeak doesn't know the voice.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_PITCH_RANGE, 50)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._sound.clear()
        self._word_events.clear()
        text = (" ".join(words) + ".").encode()
        self._library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _CHARS_UTF8, None, None)
        loud = np.concatenate(self._sound).astype(np.float32) / 32768
        samples = resample_poly(loud, 320, 441).astype(np.float32)  # 22 050 → 16 000 Hz
        first, last = _speech_bounds(samples)
        starts = _word_starts(words, self._word_events, first / OUTPUT_RATE_HZ, last / OUTPUT_RATE_HZ)
        end_s = (last - first) / OUTPUT_RATE_HZ
        return Spoken(samples[first:last], list(zip(starts, [*starts[1:], end_s], strict=True)))

    def _collect(
        self, wav: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]"
    ) -> int:
        if count > 0:
            self._sound.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while events[index].type != _LIST_TERMINATED:
            if events[index].type == _WORD_EVENT:
                self._word_events.append(
                    (events[index].text_position - 1, events[index].audio_position / 1000)
                )
            index += 1
        return 0


def _speech_bounds(samples: npt.NDArray[np.float32]) -> tuple[int, int]:
    """First and last sample of the sentence: espeak adds the pause that follows a full stop."""
    magnitude = np.abs(samples)
    audible = np.flatnonzero(magnitude > max(0.002, float(magnitude.max()) * 0.006))
    return max(0, int(audible[0]) - 160), min(len(samples), int(audible[-1]) + 320)


def _word_starts(
    words: list[str], events: list[tuple[int, float]], first_s: float, last_s: float
) -> list[float]:
    """Start of each word in seconds after ``first_s``.

    espeak reports (character, time) for each word, but joins some pairs ("with the"): the parts of a
    pair share its time in proportion to their letters.
    """
    offsets = np.cumsum([0] + [len(word) + 1 for word in words[:-1]])
    known: dict[int, float] = {}
    for position, time_s in events:
        word = int(np.searchsorted(offsets, max(position, 0), side="right")) - 1
        known.setdefault(word, time_s - first_s)
    known[0] = 0.0
    ends_s = last_s - first_s
    anchors = [*sorted(known), len(words)]
    starts: list[float] = []
    for anchor, following in itertools.pairwise(anchors):
        span_s = (known[following] if following < len(words) else ends_s) - known[anchor]
        letters = np.cumsum([0] + [len(word) for word in words[anchor:following]])
        starts += [known[anchor] + span_s * float(done) / float(letters[-1]) for done in letters[:-1]]
    return [min(max(start, 0.0), ends_s) for start in starts]
