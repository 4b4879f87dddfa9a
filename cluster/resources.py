"""What the hardware allows: pools cut to the card and the shares that Ray books.

Pure: ``hardware.py`` looks at the machine. The memory figures are estimates from published measurements, said to be
so; a GPU share is bookkeeping in Ray and limits nothing, hence the sum in bytes beside it.
"""

from dataclasses import dataclass
from math import ceil, floor

from configs.settings import Settings

GIB = 2**30

ASR_GIB = {
    "large-v3": 4.6,
    "large-v2": 4.6,
    "distil-large-v3": 3.4,
    "turbo": 3.4,
    "medium": 3.0,
    "small": 2.0,
}
"""GiB of one ASR worker in float16 with a batch of ten clips, CUDA context included."""
EMBED_GIB = {"gte-Qwen2-1.5B-instruct": 3.8, "bge-base-en-v1.5": 0.9, "Qwen3-Embedding-0.6B": 1.8}
UNKNOWN_ASR_GIB, UNKNOWN_EMBED_GIB = 3.4, 2.0
VOICE_GIB, VOICE_GIB_PER_WINDOW = 0.6, 0.03
"""Of the voice model with its CUDA context, and of each window of three seconds in its batch: the sizes of ECAPA's
tensors, added up."""
RESERVED_GIB = 2.0
"""Left free on a card: a desktop, fragmentation, peaks."""
INT8_FACTOR = 0.65
CPU_COMPUTE_TYPES = frozenset({"auto", "int8", "float32"})
"""What CTranslate2 computes in on a CPU, of what the setting allows."""
EMBED_SHARE = 0.2
VOICE_SHARE = 0.05
VOICE_CPUS = 0.5
"""Of a voice model on a CPU: less than the recogniser beside it, and a machine of two cores has no more."""
CARDS_PER_EMBEDDER, CARDS_PER_IDENTIFIER = 8, 2
"""Cards of recognisers that one of each keeps up with, by the speeds of ``figures.py``. More would be in their way: Ray Data
keeps a part of the shares for every pool that may still grow."""
CPUS_PER_MODEL = 16
"""CPUs of a cluster for each of them that runs without a card: an embedding model takes gigabytes that Ray doesn't book."""
PREPARERS_AT_START = 4
AUTO_ACTORS = 4
"""Recognisers of a card that ``transcribe.actors=auto`` wants where nothing was tuned; further ones rarely add to it."""
SOURCE_CPUS = 0.01
"""What Ray books for the task that claims videos: next to nothing, but it must be there."""


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    n_cpus: int
    gpus: tuple[Gpu, ...] = ()
    n_gpus_up: int | None = None
    """As many of ``gpus`` are there; the others a cluster's autoscaler may add. ``None``: all."""


@dataclass(frozen=True, slots=True)
class Pools:
    """What a run will use."""

    transcribe_device: str
    embed_device: str
    n_transcribers: int
    transcribe_gpu_share: float
    embed_gpu_share: float
    n_preparers: int
    n_preparers_at_start: int
    """The recognisers stand idle until the first slice comes: two cutters bring it sooner than one."""
    n_transcribers_at_start: int | None = None
    """As many as the cards hold that are up; ``None``: all of them."""
    n_embedders: int = 1
    n_identifiers: int = 1
    identify_device: str | None = None
    """``None``: nobody is identified, so nothing is loaded."""
    identify_gpu_share: float = 0.0
    notes: tuple[str, ...] = ()
    """What was cut or chosen, for the user."""


@dataclass(frozen=True, slots=True)
class TunedActors:
    """How many recognisers were found best on this hardware with this model."""

    n: int
    why: str
    """For the user: when that was measured, and how fast it was."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies on cards beside the recognisers; shares are 0 where a model runs on the CPU."""

    n_embedders: int
    n_identifiers: int
    embedders_per_card: int
    """At most."""
    identifiers_per_card: int
    embed_share: float
    """Of one of them."""
    voice_share: float

    @property
    def share(self) -> float:
        """Of a card that has as many of both as one may have."""
        return self.embedders_per_card * self.embed_share + self.identifiers_per_card * self.voice_share


class DoesNotFit(ValueError):
    """Settings that this hardware can't run; the message says what to change."""


def plan_pools(settings: Settings, hardware: Hardware, tuned: TunedActors | None = None) -> Pools:
    """Pools for these settings on this hardware.

    Args:
        tuned: what ``transcribe.actors=auto`` follows; ``None``: nothing was tuned.

    Raises:
        DoesNotFit: a GPU is asked for and there is none, or one worker doesn't fit its memory.
    """
    notes: list[str] = []
    asr_device = _device("transcribe", settings.transcribe.device, hardware, notes)
    embed_device = _device("embed", settings.embed.device, hardware, notes)
    if asr_device == "cpu" and settings.transcribe.compute_type not in CPU_COMPUTE_TYPES:
        raise DoesNotFit(
            f"transcribe.compute_type {settings.transcribe.compute_type} is for GPUs and transcribe would run on "
            "the CPU. Use --device cpu, or set transcribe.compute_type to auto, int8 or float32"
        )
    voice_device = None
    if settings.identify.enabled:
        voice_device = _device("identify", settings.identify.device, hardware, notes)
    n_asr = _wanted(settings, hardware, asr_device, tuned, notes)
    asr_share = embed_share = voice_share = 0.0
    if embed_device == "cuda":
        embed_share = settings.embed.gpu_share or EMBED_SHARE
    if voice_device == "cuda":
        voice_share = settings.identify.gpu_share or VOICE_SHARE
    beside = _beside(settings, hardware, embed_share, voice_share)
    if asr_device == "cuda":
        n_asr, asr_share = _fit_card(settings, hardware, n_asr, beside, notes)
    n_asr_at_start = n_asr
    if asr_device == "cuda" and hardware.n_gpus_up is not None:
        on_one_card = floor((1 - beside.share) / asr_share + 1e-9)
        n_asr_at_start = max(1, min(n_asr, on_one_card * hardware.n_gpus_up))
    n_preparers = min(settings.prepare.actors, max(1, hardware.n_cpus))
    at_start = min(n_preparers, PREPARERS_AT_START)
    return Pools(
        transcribe_device=asr_device,
        embed_device=embed_device,
        n_transcribers=n_asr,
        transcribe_gpu_share=asr_share,
        embed_gpu_share=beside.embed_share,
        n_preparers=n_preparers,
        n_preparers_at_start=at_start,
        n_transcribers_at_start=n_asr_at_start,
        n_embedders=beside.n_embedders,
        n_identifiers=beside.n_identifiers if settings.identify.enabled else 1,
        identify_device=voice_device,
        identify_gpu_share=beside.voice_share,
        notes=tuple(notes),
    )


def _device(stage: str, wanted: str, hardware: Hardware, notes: list[str]) -> str:
    if wanted == "cuda" and not hardware.gpus:
        raise DoesNotFit(
            f"{stage}.device is cuda and this machine, or the cluster that it joins, shows no NVIDIA GPU. Use --device "
            "cpu (slow with a large model), --profile demo to try Earmark out, or install the driver if there is a card. "
            "Where a cluster brings GPU nodes once there is work for them, set ray.max_gpus and ray.card"
        )
    if wanted != "auto":
        return wanted
    chosen = "cuda" if hardware.gpus else "cpu"
    notes.append(f"{stage}.device auto: {chosen}")
    return chosen


def _wanted(
    settings: Settings, hardware: Hardware, device: str, tuned: TunedActors | None, notes: list[str]
) -> int:
    """Recognisers that are asked for, before the card's memory has its say."""
    if settings.transcribe.actors != "auto":
        return settings.transcribe.actors
    if tuned is not None:
        notes.append(f"transcribe.actors auto: {tuned.n}, {tuned.why}")
        return tuned.n
    n = AUTO_ACTORS * len(hardware.gpus)
    if device == "cpu":  # the other stages want the other half
        n = min(AUTO_ACTORS, max(1, hardware.n_cpus // (2 * settings.transcribe.cpu_threads)))
    notes.append(f"transcribe.actors auto: {n}, not tuned here (`run.py tune` finds the best number)")
    return n


def _beside(settings: Settings, hardware: Hardware, embed_share: float, voice_share: float) -> Beside:
    """On a machine of our own all of them may come to lie on one card. On a cluster with several cards they are as many as the
    cards' recognisers need, and what one books is no less than its part of the card's memory, so that none is filled beyond that
    however Ray lays them out."""
    n_embedders, n_identifiers = settings.embed.actors, settings.identify.actors
    if settings.ray.address is None:
        return Beside(n_embedders, n_identifiers, n_embedders, n_identifiers, embed_share, voice_share)
    n_cards, on_cpus = len(hardware.gpus), max(1, hardware.n_cpus // CPUS_PER_MODEL)
    if n_cards > 1:
        whole = min(gpu.memory_bytes for gpu in hardware.gpus) / GIB - RESERVED_GIB
        if embed_share and settings.embed.gpu_share is None:
            embed_share = max(embed_share, ceil(1000 * embed_gib(settings) / whole) / 1000)
        if voice_share and settings.identify.gpu_share is None:
            voice_share = max(voice_share, ceil(1000 * voice_gib(settings) / whole) / 1000)
    n_embedders = min(n_embedders, ceil(n_cards / CARDS_PER_EMBEDDER) if embed_share else on_cpus)
    n_identifiers = min(n_identifiers, ceil(n_cards / CARDS_PER_IDENTIFIER) if voice_share else on_cpus)
    return Beside(n_embedders, n_identifiers, 1, 1, embed_share, voice_share)


def _fit_card(
    settings: Settings, hardware: Hardware, wanted: int, beside: Beside, notes: list[str]
) -> tuple[int, float]:
    """Number of ASR workers over all cards, and the share of one card that each books. Each card is left room for what
    may come to lie beside them."""
    one = asr_gib(settings)
    embed = embed_gib(settings) * beside.embedders_per_card if beside.embed_share else 0.0
    voice = voice_gib(settings) * beside.identifiers_per_card if beside.voice_share else 0.0
    left_share = 1 - beside.share
    smallest = min(gpu.memory_bytes for gpu in hardware.gpus) / GIB
    room = smallest - RESERVED_GIB - voice - embed
    per_card = floor(room / one)
    if per_card < 1:
        raise DoesNotFit(
            f"one ASR worker needs about {one:.1f} GiB, the embedding model {embed:.1f} GiB and the voice model "
            f"{voice:.1f} GiB, but a card of {smallest:.1f} GiB leaves {max(room, 0):.1f} GiB beside them. Use a "
            "smaller embed.model or identify.batch_size, --device cpu for the embedding (embed.device=cpu) or "
            "transcribe.compute_type=int8_float16"
        )
    if settings.transcribe.actors_per_card is not None:
        per_card = min(per_card, settings.transcribe.actors_per_card)
    # Ray knows shares alone and fills a card that has no other model: no more may fit there than its memory holds.
    alone = floor((smallest - RESERVED_GIB) / one)
    least_share = ceil(1000 / alone) / 1000
    if not settings.transcribe.gpu_share:
        per_card = max(1, min(per_card, floor(left_share / least_share + 1e-9)))
    if settings.transcribe.gpu_share:
        per_card = min(per_card, floor(left_share / settings.transcribe.gpu_share + 1e-9))
    possible = per_card * len(hardware.gpus)
    n_asr = min(wanted, possible)
    if n_asr < 1:
        raise DoesNotFit(
            f"transcribe.gpu_share {settings.transcribe.gpu_share}, {beside.embedders_per_card} × embed.gpu_share "
            f"{beside.embed_share:g} and {beside.identifiers_per_card} × identify.gpu_share {beside.voice_share:g} exceed "
            "one GPU"
        )
    if n_asr < wanted:
        notes.append(
            f"{n_asr} of {wanted} ASR workers: each takes about {one:.1f} GiB, the embedding model {embed:.1f}, "
            f"the voice model {voice:.1f}, and the card has {smallest:.1f}"
        )
    on_one_card = -(-n_asr // len(hardware.gpus))
    share = settings.transcribe.gpu_share or max(least_share, floor(left_share / on_one_card * 1000) / 1000)
    return n_asr, share


def asr_gib(settings: Settings) -> float:
    """Estimated GPU memory of one ASR worker."""
    name = settings.transcribe.model.rstrip("/").split("/")[-1].removeprefix("faster-whisper-")
    gib = ASR_GIB.get(name, UNKNOWN_ASR_GIB)
    return gib * INT8_FACTOR if settings.transcribe.compute_type.startswith("int8") else gib


def embed_gib(settings: Settings) -> float:
    """Estimated GPU memory of the embedding model in the type that it runs in."""
    return EMBED_GIB.get(settings.embed.model.rstrip("/").split("/")[-1], UNKNOWN_EMBED_GIB)


def voice_gib(settings: Settings) -> float:
    """Estimated GPU memory of one voice model at its batch size."""
    return VOICE_GIB + VOICE_GIB_PER_WINDOW * settings.identify.batch_size * settings.identify.window_s / 3.0
