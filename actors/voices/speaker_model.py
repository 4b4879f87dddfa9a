"""speechbrain's ECAPA-TDNN behind one call: stretches of speech in, voice vectors out.

Owns: loading a model safely, its device, and the proof at its start that its vectors tell voices apart. Knows
nothing of clips, slices or profiles. Importing this module is cheap; making a ``SpeakerModel`` imports torch and
speechbrain (seconds) and may download. It must not share a process with CTranslate2 on a GPU.
"""

import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.errors import ConfigError
from actors.text.batching import diagnose
from actors.torch_guard import import_torch, uncollected
from actors.voices.canary import prove
from actors.voices.models import (
    FILES,
    HYPERPARAMETERS,
    WEIGHTS,
    ModelUnavailable,
    local_model,
    refuse_foreign_code,
    voice_model_name,
)
from configs.identify import IdentifySettings

logger = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]
Sound = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Mono at ``SAMPLE_RATE_HZ``: int16, or float32 from -1 to 1."""

MIN_NORM = 1e-6


class VectorFault(RuntimeError):
    """The model gave something that is no direction: NaN, infinity or zero."""


class SpeakerModel:
    """A loaded voice model that has proved itself. Not thread-safe.

    Args:
        settings: model and device.
        models_dir: where models from the hub are kept.

    Raises:
        ModelUnavailable: there is no such model, or it can't be loaded.
        ConfigError: the device isn't there, the model would run foreign code, or its vectors don't tell two
            voices apart. Nothing falls back to a CPU in silence.
    """

    def __init__(self, settings: IdentifySettings, models_dir: Path) -> None:
        self.name = voice_model_name(settings)
        directory = local_model(settings.model)
        self._torch: Any = import_torch()
        self.device = choose_device(settings.device, cuda=self._torch.cuda.is_available())
        directory = directory or _fetched(settings, models_dir)
        self._classifier = _load(directory, self.device, settings)
        _forget_lazy_modules()
        self._check_device()
        self.dimensions = prove(self.name, self.embed)
        logger.info("%s hears voices on %s", self.name, self.device)

    def embed(self, pieces: Sequence[Sound]) -> Vectors:
        """The voices of pieces of speech, in one forward pass.

        Args:
            pieces: at least one, all of the same number of samples: the model has no exact way to leave
                padding out (cosine 0.94 of a padded piece to itself).

        Returns:
            Shape ``(len(pieces), dimensions)``, float32, rows of unit length.

        Raises:
            ValueError: pieces of different lengths.
            VectorFault: a vector has no direction.
            Whatever torch raises, of which ``actors.text.batching.diagnose`` tells what it means.
        """
        if len({len(piece) for piece in pieces}) != 1:
            raise ValueError("all pieces must have the same number of samples")
        waves = self._torch.from_numpy(np.stack([_float(piece) for piece in pieces]))
        with self._torch.inference_mode():
            raw = self._classifier.encode_batch(waves).squeeze(1).float().cpu().numpy()
        norms = np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(norms).all() or norms.min() < MIN_NORM:
            raise VectorFault(f"{self.name} gave a vector without direction")
        return np.ascontiguousarray(raw / norms, dtype=np.float32)

    def release_memory(self) -> None:
        """Hand torch's reserve of GPU memory back to the card, which others share."""
        if self.device == "cuda":
            self._torch.cuda.empty_cache()

    def _check_device(self) -> None:
        devices = {parameter.device.type for parameter in self._classifier.mods.embedding_model.parameters()}
        if devices != {self.device}:
            raise ConfigError(
                f"the voice model {self.name} was to run on {self.device} and is on {', '.join(sorted(devices))}",
                remedy="Set identify.device to the device that you mean",
            )


def choose_device(wanted: str, *, cuda: bool) -> str:
    """``cpu`` or ``cuda``: the device asked for, or with ``auto`` the better one that there is.

    Raises:
        ConfigError: CUDA was asked for and torch has none.
    """
    if wanted == "cuda" and not cuda:
        raise ConfigError(
            "identify.device is cuda, and torch finds no usable GPU here",
            remedy="Set identify.device to auto or cpu, or check the driver, CUDA_VISIBLE_DEVICES and that torch"
            " is a CUDA build",
        )
    return ("cuda" if cuda else "cpu") if wanted == "auto" else wanted


def _float(piece: Sound) -> npt.NDArray[np.float32]:
    if piece.dtype == np.int16:
        return piece.astype(np.float32) / np.float32(32768)
    return piece.astype(np.float32, copy=False)


def _fetched(settings: IdentifySettings, models_dir: Path) -> Path:
    """Directory of a model from the hub, downloaded if it isn't in ``models_dir`` yet."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(
            snapshot_download(
                settings.model, revision=settings.revision, cache_dir=models_dir, allow_patterns=list(FILES)
            )
        )
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ModelUnavailable(
            f"identify.model {settings.model} can't be fetched from the hub: {_line(error)}",
            remedy="Check its name, identify.revision and the network, or name a local directory",
        ) from error


def _forget_lazy_modules() -> None:
    """speechbrain registers modules of integrations that nobody installed, and old names of its own, to be imported
    when they are first looked at. Whoever walks through ``sys.modules`` looks at all of them (``inspect``, debuggers,
    hypothesis), and gets an ImportError or a warning."""
    from speechbrain.utils.importutils import LazyModule

    for name, module in list(sys.modules.items()):
        if isinstance(module, LazyModule):
            del sys.modules[name]


def _load(directory: Path, device: str, settings: IdentifySettings) -> Any:
    """The model in a directory, all of its files out of that directory: the published ones name the hub."""
    try:
        refuse_foreign_code((directory / HYPERPARAMETERS).read_text(encoding="utf-8"), settings.model)
        with uncollected():
            from speechbrain.inference.classifiers import EncoderClassifier

        # speechbrain puts links to the files there, and would take whatever lies there already for them.
        with tempfile.TemporaryDirectory(prefix="earmark-voice-model-") as links:
            classifier = EncoderClassifier.from_hparams(
                source=str(directory),
                savedir=links,
                overrides={"pretrained_path": str(directory)},
                overrides_must_match=False,
                run_opts={"device": device},
            )
        _demand_weights(classifier.mods.embedding_model, directory)
        return classifier
    # A model's files can be damaged, be another model's or not fit speechbrain in any of these ways; none is our bug.
    except (OSError, EOFError, ValueError, RuntimeError, ImportError, LookupError, TypeError, AttributeError, MemoryError) as error:  # fmt: skip
        trouble = diagnose(error)
        if trouble == "device":
            raise ConfigError(
                f"identify.device {settings.device}: the GPU failed: {_line(error)}",
                code="device",
                remedy="Check the driver with nvidia-smi, or set identify.device to cpu",
            ) from error
        remedy = "Fetch it again; the files may be damaged or of no ECAPA model of speechbrain"
        if trouble == "out_of_memory":
            remedy = "Fewer transcribe.actors leave more memory to it"
        raise ModelUnavailable(
            f"identify.model {settings.model} can't be loaded: {_line(error)}", remedy=remedy
        ) from error


def _demand_weights(network: Any, directory: Path) -> None:
    """See that each parameter came out of the file: speechbrain leaves those that it doesn't find as they were
    drawn at random, and only logs it.

    Raises:
        LookupError: one did not.
    """
    import torch

    there = torch.load(directory / WEIGHTS, map_location="cpu", weights_only=True)
    missing = [name for name, _ in network.named_parameters() if name not in there]
    if missing:
        raise LookupError(f"{WEIGHTS} lacks {len(missing)} of its parameters, {missing[0]} first")


def _line(error: BaseException) -> str:
    return (next(iter(str(error).splitlines()), "") or type(error).__name__)[:300]
