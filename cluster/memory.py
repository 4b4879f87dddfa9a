"""What lies in a card's memory during a run, model by model. Pure; the figures are those that pools are cut by."""

from dataclasses import dataclass
from math import ceil

from cluster.resources import GIB, RESERVED_GIB, Hardware, Pools, asr_gib, embed_gib, voice_gib
from configs.settings import Settings


@dataclass(frozen=True, slots=True)
class Item:
    what: str
    n: int
    gib: float
    """Of one."""

    @property
    def total_gib(self) -> float:
        return self.n * self.gib


@dataclass(frozen=True, slots=True)
class CardBudget:
    """The fullest card."""

    card_gib: float
    items: tuple[Item, ...]

    @property
    def used_gib(self) -> float:
        return sum(item.total_gib for item in self.items)

    @property
    def free_gib(self) -> float:
        return self.card_gib - self.used_gib


def card_budget(settings: Settings, pools: Pools, hardware: Hardware) -> CardBudget | None:
    """The memory of the smallest card with as many workers as may come to lie on one; ``None``: no card is used."""
    if "cuda" not in (pools.transcribe_device, pools.embed_device, pools.identify_device):
        return None
    spread = settings.ray.address is not None  # one of a kind on a card, unless Ray finds room for more
    items = []
    if pools.transcribe_device == "cuda":
        n = ceil(pools.n_transcribers / len(hardware.gpus))
        items.append(Item("ASR worker with its CUDA context", n, asr_gib(settings)))
    if pools.embed_device == "cuda":
        items.append(Item("embedding model", 1 if spread else pools.n_embedders, embed_gib(settings)))
    if pools.identify_device == "cuda":
        items.append(Item("voice model (ECAPA)", 1 if spread else pools.n_identifiers, voice_gib(settings)))
    items.append(Item("kept free", 1, RESERVED_GIB))
    smallest = min(gpu.memory_bytes for gpu in hardware.gpus) / GIB
    return CardBudget(smallest, tuple(items))
