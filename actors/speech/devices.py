"""Where the recogniser runs, and in which arithmetic.

Owns the meaning of ``auto`` in both settings, and the refusal of what isn't there.
"""

import logging
from typing import Literal

from actors.errors import ConfigError
from configs.settings import TranscribeSettings

logger = logging.getLogger(__name__)

AUTO_COMPUTE_TYPES = {"cuda": ("float16", "float32"), "cpu": ("int8", "float32")}
"""What ``auto`` takes: the first that the device has. CTranslate2's own choice on CUDA would be
int8_float16, which has failed on Blackwell cards."""


def resolved_device(settings: TranscribeSettings) -> Literal["cpu", "cuda"]:
    """The device that the settings ask for; ``auto`` is CUDA where there is a GPU, and says so.

    Raises:
        ConfigError: CUDA is asked for and isn't there. Nothing falls back to a CPU in silence.
    """
    import ctranslate2

    if settings.device == "cpu":
        return "cpu"
    n_devices = ctranslate2.get_cuda_device_count()
    if settings.device == "cuda" and not n_devices:
        raise ConfigError(
            "transcribe.device is cuda, and CTranslate2 finds no CUDA device",
            remedy="Check the NVIDIA driver with nvidia-smi, or set transcribe.device to auto or cpu",
        )
    device: Literal["cpu", "cuda"] = "cuda" if n_devices else "cpu"
    logger.info("transcribe.device %s: %s (%d CUDA devices)", settings.device, device, n_devices)
    return device


def resolved_compute_type(settings: TranscribeSettings, device: str) -> str:
    """The arithmetic that the settings ask for.

    Raises:
        ConfigError: this device doesn't have it.
    """
    import ctranslate2

    available = ctranslate2.get_supported_compute_types(device)
    if settings.compute_type == "auto":
        return next((name for name in AUTO_COMPUTE_TYPES[device] if name in available), "float32")
    if settings.compute_type not in available:
        raise ConfigError(
            f"transcribe.compute_type {settings.compute_type} can't be had on this {device}",
            remedy=f"Set it to auto or one of {', '.join(sorted(available))}",
        )
    return settings.compute_type
