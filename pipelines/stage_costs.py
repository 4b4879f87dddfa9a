"""What an hour of audio costs each stage on given hardware. Pure: figures in, costs out.

Owns how the figures of ``cluster/figures.py`` combine with settings and pools. A stage that holds a model has
an entry in ``MODEL_COSTS``; the others stand in the figures themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from cluster.figures import (
    ASR_CPU,
    ASR_FACTORS,
    BEAM_1_FACTOR,
    CHARS_PER_AUDIO_H,
    EMBED_CPU,
    EMBED_FACTORS,
    LOCAL_FILE_S,
    ORIGINS,
    RECOGNISER_CORE_S_PER_H,
    SPEECH_SHARE,
    STAGES,
    UNKNOWN_ASR_CPU,
    UNKNOWN_ASR_FACTOR,
    UNKNOWN_EMBED_CPU,
    UNKNOWN_EMBED_FACTOR,
    UNKNOWN_VOICE_CPU,
    VOICE_CPU,
    VOICE_GPU,
    CardFigures,
    Figure,
    Origin,
    figures_for,
)
from cluster.resources import Hardware, Pools
from configs.settings import Settings

HOUR_S = 3600.0
LEAST_S = 0.001
"""A stage that passes everything on."""
FIGURES_CHARS = 1250
"""Length of the segments that the figures of embedding are of."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What the videos are like: their mean length, and which part of them comes from where."""

    video_h: float
    youtube: float = 1.0
    other: float = 0.0
    """Shares of the videos; what is left are files of this machine."""

    @property
    def remote(self) -> float:
        return self.youtube + self.other


@dataclass(frozen=True, slots=True)
class Cost:
    """What an hour of audio takes."""

    busy_s: float
    """Of one actor's time."""
    core_s: float
    """Of the cores' time."""
    gpu_s: float
    """Of one whole card's time."""
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What the costs depend on beside the stage."""

    settings: Settings
    hardware: Hardware
    pools: Pools
    mix: Mix

    @property
    def card(self) -> tuple[CardFigures, bool]:
        """The slowest card's figures, and whether they are its own."""
        found = [figures_for(gpu.name) for gpu in self.hardware.gpus]
        return min(found, key=lambda each: each[0].asr_full.value)


def cost_of(stage: str, machine: Machine) -> Cost | None:
    """The cost of a stage by what is known of it; ``None``: nothing is."""
    if stage in MODEL_COSTS:
        return MODEL_COSTS[stage](machine)
    figures = STAGES.get(stage)
    if figures is None:
        return None
    per_video_s = figures.per_video_s
    if stage in ("Prefilter", "Download"):
        per_video_s = figures.per_video_s * machine.mix.remote + LOCAL_FILE_S * (1 - machine.mix.remote)
    busy_s = per_video_s / machine.mix.video_h + figures.per_audio_h_s
    return Cost(busy_s, busy_s * figures.core_share, 0.0, figures.origin, figures.source)


def _transcribe(machine: Machine) -> Cost:
    settings = machine.settings.transcribe
    name = model_name(settings.model)
    if machine.pools.transcribe_device == "cpu":
        figure = ASR_CPU.get(name, UNKNOWN_ASR_CPU)
        busy_s = HOUR_S / (figure.value * settings.cpu_threads)
        return Cost(busy_s, busy_s * settings.cpu_threads, 0.0, figure.origin, figure.source)
    card, is_its_own = machine.card
    model = ASR_FACTORS.get(name, UNKNOWN_ASR_FACTOR)
    factor = model.value * (BEAM_1_FACTOR if settings.beam_size == 1 else 1.0)
    one, full = card.asr_one.value * factor, card.asr_full.value * factor
    n_on_card = machine.pools.n_transcribers / len(machine.hardware.gpus)
    speed = min(one, full / n_on_card)
    figure = card.asr_one if speed == one else card.asr_full
    origin, source = _joined(figure, model, card, is_its_own)
    return Cost(HOUR_S / speed, RECOGNISER_CORE_S_PER_H, HOUR_S / full, origin, source)


def _embed(machine: Machine) -> Cost:
    settings = machine.settings
    name = model_name(settings.embed.model.removeprefix("package:"))
    chars = (settings.segment.min_chars + settings.segment.max_chars) / 2
    n_texts = CHARS_PER_AUDIO_H / chars
    weight = chars / FIGURES_CHARS  # a pass takes as long as its texts are
    if machine.pools.embed_device == "cpu":
        figure = EMBED_CPU.get(name, UNKNOWN_EMBED_CPU)
        busy_s = n_texts * weight / figure.value
        return Cost(busy_s, busy_s, 0.0, figure.origin, figure.source)
    card, is_its_own = machine.card
    model = EMBED_FACTORS.get(name, UNKNOWN_EMBED_FACTOR)
    busy_s = n_texts * weight / (card.texts_per_s.value * model.value)
    origin, source = _joined(card.texts_per_s, model, card, is_its_own)
    return Cost(busy_s, 0.0, busy_s, origin, source)


def _identify(machine: Machine) -> Cost:
    """Every window, as where several people talk; in monologues the fast path takes a few of them."""
    settings = machine.settings.identify
    n_windows = HOUR_S * SPEECH_SHARE / settings.hop_s if settings.enabled else 0.0
    weight = settings.window_s / 3.0
    if machine.pools.identify_device == "cuda":
        busy_s = max(n_windows * weight * VOICE_GPU.value, LEAST_S)
        return Cost(busy_s, 0.0, busy_s, VOICE_GPU.origin, VOICE_GPU.source)
    figure = VOICE_CPU.get(model_name(settings.model), UNKNOWN_VOICE_CPU)
    busy_s = max(n_windows * weight * figure.value, LEAST_S)
    return Cost(busy_s, busy_s, 0.0, figure.origin, figure.source)


MODEL_COSTS: Mapping[str, Callable[[Machine], Cost]] = {
    "Transcribe": _transcribe,
    "Identify": _identify,
    "Embed": _embed,
}
"""A further stage with a model is one more entry."""


def _joined(figure: Figure, model: Figure, card: CardFigures, is_its_own: bool) -> tuple[Origin, str]:
    """Where a product of figures comes from: as weak as the weaker of them."""
    origin = max(figure.origin, model.origin, key=ORIGINS.index)
    source = "; ".join(filter(None, (figure.source, model.source)))
    return (origin, source) if is_its_own else ("estimated", f"taken for the {card.name}: {source}")


def model_name(reference: str) -> str:
    """A model as the figures name it: the last part of a hub id or path."""
    return PurePath(reference.rstrip("/")).name.removeprefix("faster-whisper-")
