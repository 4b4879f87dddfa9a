"""The card, its driver, and whether CTranslate2 and torch can use them as the settings want.

Facts are gathered first, each library's in a process of its own; the verdicts are pure functions of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from actors.speech.cuda_libraries import cublas_directory
from cluster.hardware import NvidiaDriver, find_driver
from cluster.resources import GIB
from configs.settings import Settings
from pipelines.doctor.child import ask
from pipelines.doctor.finding import Finding, Surroundings, ok, warning, wrong

LOOK_LIMIT_S = 120.0
"""torch alone takes ten seconds to import on a busy machine."""
TORCH_STAGES = ("identify", "embed")
"""Sections of the settings whose ``device`` is torch's."""
GPU_STAGES = ("transcribe", *TORCH_STAGES)
BLACKWELL = (10, 0)
LEAST_DRIVER = 570
"""The first that knows CUDA 12.8, with which CTranslate2's wheels are built. Under 550 they were seen to
load every model and return empty text."""
LEAST_DRIVER_FOR_TORCH = 580
"""The first that knows CUDA 13.0, torch's since 2.11."""


@dataclass(frozen=True, slots=True)
class Ct2Facts:
    version: str
    n_devices: int
    compute_types: tuple[str, ...]
    """Of the GPU, where there is one."""


@dataclass(frozen=True, slots=True)
class TorchFacts:
    version: str
    cuda: str | None
    """CUDA release that it was built for; ``None``: a build for CPUs."""
    n_devices: int
    architectures: tuple[str, ...]
    """``sm_90`` and the like, that it has kernels for."""
    torchaudio_mended: bool
    """Whether torchaudio had to go without its compiled extension, which Earmark provides for."""


def wanting(settings: Settings, stages: tuple[str, ...] = GPU_STAGES) -> dict[str, str]:
    """The device setting of each stage that could use a card."""
    sections = {stage: getattr(settings, stage) for stage in stages}
    return {stage: each.device for stage, each in sections.items() if getattr(each, "enabled", True)}


def cards(around: Surroundings) -> Iterator[Finding]:
    yield judge_cards(find_driver(), wanting(around.settings))


def judge_cards(driver: NvidiaDriver | None, wanted: Mapping[str, str]) -> Finding:
    on_cuda = [f"{stage}.device" for stage, device in wanted.items() if device == "cuda"]
    if driver is None or not driver.cards:
        why = "no NVIDIA driver" if driver is None else f"driver {driver.version} shows no card"
        if on_cuda:
            return wrong(
                "GPU", f"{why}, and {' and '.join(on_cuda)} say cuda",
                "Install the driver, or let the container have the card (--gpus all); without a card use --device cpu",
            )  # fmt: skip
        return ok("GPU", f"{why}; nothing here asks for one")
    names = ", ".join(f"{card.name} ({card.memory_bytes / GIB:.1f} GiB)" for card in driver.cards)
    if all(device == "cpu" for device in wanted.values()):
        return warning(
            "GPU", f"{names}, and every stage is set to the CPU", "Set the devices to auto or cuda to use it"
        )
    return ok("GPU", f"{names}, driver {driver.version}")


def ctranslate2(around: Surroundings) -> Iterator[Finding]:
    found = ask("pipelines.doctor.gpu:look_with_ctranslate2", {}, limit_s=LOOK_LIMIT_S)
    facts = Ct2Facts(found["version"], found["n_devices"], tuple(found["compute_types"]))
    yield from judge_ctranslate2(facts, find_driver(), around.settings)


def look_with_ctranslate2(question: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a child."""
    import ctranslate2

    n_devices = ctranslate2.get_cuda_device_count()
    types = sorted(ctranslate2.get_supported_compute_types("cuda" if n_devices else "cpu"))
    return {"version": ctranslate2.__version__, "n_devices": n_devices, "compute_types": types}


def judge_ctranslate2(facts: Ct2Facts, driver: NvidiaDriver | None, settings: Settings) -> Iterator[Finding]:
    """CTranslate2 against driver, card and arithmetic."""
    name, transcribe, cards = "CTranslate2", settings.transcribe, driver.cards if driver else ()
    said = f"{facts.version}, {facts.n_devices} of {len(cards)} cards"
    if transcribe.device == "cpu" or not cards:
        yield ok(name, f"{facts.version}; arithmetic of this CPU: {', '.join(facts.compute_types)}")
        return
    if facts.n_devices < len(cards):
        yield wrong(
            name, f"{said} are visible to it",
            "Its wheel and this driver don't fit: bring the driver up to date, or try another ctranslate2",
        )  # fmt: skip
        return
    wanted = transcribe.compute_type
    if wanted not in ("auto", *facts.compute_types):
        yield wrong(
            name, f"{said}, and this card can't compute in {wanted}",
            f"Set transcribe.compute_type to auto or one of {', '.join(facts.compute_types)}",
        )  # fmt: skip
        return
    yield from _blackwell(facts, driver, wanted) if driver else ()
    yield ok(name, f"{said}; transcribe.compute_type is {wanted}")


def _blackwell(facts: Ct2Facts, driver: NvidiaDriver, wanted: str) -> Iterator[Finding]:
    major = int(driver.version.partition(".")[0])
    if major < LEAST_DRIVER:
        yield warning(
            "CTranslate2", f"driver {driver.version} is older than {facts.version}'s CUDA; such pairs were seen to "
            "return empty text without an error", f"Bring the driver to {LEAST_DRIVER} or later",
        )  # fmt: skip
    new = [card.name for card in driver.cards if card.capability >= BLACKWELL]
    if new and wanted.startswith("int8"):
        if Version(facts.version) < Version("4.7.0"):
            yield wrong(
                "CTranslate2", f"{facts.version} can't compute in {wanted} on a Blackwell card ({new[0]})",
                "Set transcribe.compute_type to float16, or take ctranslate2 4.7.1 or later",
            )  # fmt: skip
        else:
            yield warning(
                "CTranslate2", f"{wanted} on a Blackwell card ({new[0]}) has failed in versions before 4.7, and "
                "nobody has reported it to work since", "float16 is the safe one; the recogniser's test below decides",
            )  # fmt: skip


def cublas(around: Surroundings) -> Iterator[Finding]:
    """CTranslate2 opens cuBLAS 12 by its bare name, at the first model on a card."""
    if around.settings.transcribe.device == "cpu" or find_driver() is None:
        yield ok("cuBLAS", "not needed without a card")
        return
    directory = cublas_directory()
    ask("pipelines.doctor.gpu:load_cublas", {}, limit_s=LOOK_LIMIT_S)
    yield ok("cuBLAS", f"12, in {directory}" if directory else "12, among the system's libraries")


def load_cublas(question: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a child: load the library as a recogniser does.

    Raises:
        ConfigError: it can't be had.
    """
    import ctypes

    from actors.errors import ConfigError
    from actors.speech.cuda_libraries import preload_cublas

    if preload_cublas() is None:
        try:
            ctypes.CDLL("libcublas.so.12")
        except OSError as error:
            raise ConfigError(
                f"libcublas.so.12 isn't found ({error}), and CTranslate2 can't do without it",
                remedy="pip install 'nvidia-cublas-cu12>=12.8.4,<13', which is in Earmark's extra `gpu`",
            ) from error
    return {}


def torch(around: Surroundings) -> Iterator[Finding]:
    found = ask("pipelines.doctor.gpu:look_with_torch", {}, limit_s=LOOK_LIMIT_S)
    facts = TorchFacts(**found | {"architectures": tuple(found["architectures"])})
    yield judge_torch(facts, find_driver(), wanting(around.settings, TORCH_STAGES))


def look_with_torch(question: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a child."""
    from actors.torch_guard import guard_torchaudio, import_torch

    torch: Any = import_torch()
    return {
        "version": torch.__version__, "cuda": torch.version.cuda,
        "n_devices": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "architectures": torch.cuda.get_arch_list() if torch.cuda.is_available() else [],
        "torchaudio_mended": guard_torchaudio(),
    }  # fmt: skip


def judge_torch(facts: TorchFacts, driver: NvidiaDriver | None, wanted: Mapping[str, str]) -> Finding:
    """torch against the card and the stages that run on it."""
    build = f"{facts.version}, built for {'CUDA ' + facts.cuda if facts.cuda else 'CPUs'}"
    on_cuda = [f"{stage}.device" for stage, device in wanted.items() if device == "cuda"]
    cards = driver.cards if driver else ()
    if not facts.n_devices:
        if on_cuda or (cards and "auto" in wanted.values()):
            judge = wrong if on_cuda else warning
            remedy = (
                "Install torch's CUDA build: `make install EXTRAS=gpu` without a local index of CPU wheels"
                if facts.cuda is None
                else f"Bring the driver to {LEAST_DRIVER_FOR_TORCH} or later, and look at CUDA_VISIBLE_DEVICES"
            )
            what = " and ".join(on_cuda) or ", ".join(f"{stage}.device auto" for stage in wanted)
            return judge("torch", f"{build}, finds no usable card, and {what} should use one", remedy)
        mended = "; torchaudio goes without its extension, as is provided for"
        return ok("torch", build + (mended if facts.torchaudio_mended else ""))
    strange = [card.name for card in cards if not _has_kernels(facts.architectures, card.capability)]
    if strange and on_cuda:
        return wrong(
            "torch",
            f"{build}, has no kernels for {strange[0]}",
            "Take a newer torch below 2.14, or another card",
        )
    return ok("torch", f"{build}, {facts.n_devices} cards")


def _has_kernels(architectures: tuple[str, ...], capability: tuple[int, int]) -> bool:
    """Whether one of ``sm_86``, ``sm_120``, ``compute_90`` … serves the card: the same major version and no
    newer minor one (CUDA C++ Programming Guide, "Application Compatibility"), or anything to compile from."""
    for name in architectures:
        kind, _, digits = name.partition("_")
        digits = digits.rstrip("af")
        if not digits.isdigit():
            continue
        own = (int(digits[:-1]), int(digits[-1]))
        if own <= capability and (kind == "compute" or own[0] == capability[0]):
            return True
    return not architectures
