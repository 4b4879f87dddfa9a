"""One sentence-transformers model: loading it safely, and turning texts into vectors.

Owns: where a model is loaded from and with which rights, its device and arithmetic, its prompts.
Doesn't know of videos, segments or batches. Importing this module is cheap; making a
``SentenceModel`` imports torch and sentence-transformers (seconds) and may download.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actors.errors import ConfigError, EarmarkError, TransientError
from actors.text.batching import diagnose
from actors.text.canary import prove
from actors.text.models import REQUIRED_FILE, ModelRef, resolve_model
from actors.text.prompts import prompts_for
from actors.text.quirks import Quirks, dtype_for, quirks_of
from actors.text.text_model import Vectors, unit_vectors
from actors.torch_guard import import_torch, uncollected
from configs.settings import EmbedSettings

_log = logging.getLogger(__name__)


class SentenceModel:
    """A model that has proved itself. Calls from several threads are safe, and gain nothing."""

    def __init__(self, settings: EmbedSettings, models_dir: Path | None = None) -> None:
        """Load the model and try it out.

        Args:
            settings: what to load and where it runs.
            models_dir: where models from a hub are kept; ``None``: the hub library's own place.

        Raises:
            ConfigError: no such model, no such device, code of its own that no setting allows, other
                dimensions than ``settings.dimensions``, or vectors that mean nothing.
        """
        ref = resolve_model(settings.model, settings.revision)
        self.name = ref.name
        self.dimensions = settings.dimensions
        self._torch: Any = import_torch()
        self.device = choose_device(settings.device, cuda=self._torch.cuda.is_available())
        trusted = bool({settings.model, ref.name, ref.location} & set(settings.trust_remote_code))
        if not trusted:
            _refuse_own_code(ref, models_dir)
        quirks = quirks_of(ref.location)
        dtype = dtype_for(settings.dtype, self.device, quirks)
        self._model = _load(ref, models_dir, device=self.device, dtype=dtype, trusted=trusted, quirks=quirks)
        self._check(self._model.get_embedding_dimension())
        self.prompts = prompts_for(
            ref.location, self._model.prompts, document=settings.document_prompt, query=settings.query_prompt
        )
        self.proof = prove(self.name, self.encode_documents, self.encode_queries, quirks.likeness)
        """That its vectors mean something."""
        _log.info("%s embeds on %s (%s)", self.name, self.device, self._model.dtype)

    @property
    def max_tokens(self) -> int | None:
        """Tokens beyond which the model cuts a text off, without a word; None where it doesn't say."""
        limit = self._model.max_seq_length
        return int(limit) if limit else None

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """One forward pass over the texts, with the model's prompt for documents.

        Returns:
            Shape ``(len(texts), dimensions)``, float32, rows of unit length.

        Raises:
            PermanentError: ``bad_vector``.
        """
        return self._encode(self._model.encode_document, texts, self.prompts.document)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Like ``encode_documents``, with the prompt for questions."""
        return self._encode(self._model.encode_query, texts, self.prompts.query)

    def encode_query(self, text: str) -> Vectors:
        """One question: shape ``(dimensions,)``, float32, unit length."""
        vector: Vectors = self.encode_queries([text])[0]
        return vector

    def release_memory(self) -> None:
        """Hand torch's reserve of GPU memory back to the card, which ASR workers share."""
        if self.device == "cuda":
            self._torch.cuda.empty_cache()

    def _encode(self, encode: Any, texts: Sequence[str], prompt: str) -> Vectors:
        # Norms are taken in float32 afterwards: bfloat16 keeps three digits of them.
        raw = encode(list(texts), prompt=prompt, batch_size=max(1, len(texts)), show_progress_bar=False)
        return unit_vectors(raw, len(texts), self.dimensions)

    def _check(self, own_dimensions: int | None) -> None:
        if own_dimensions != self.dimensions:
            raise ConfigError(
                f"the embedding model {self.name} makes vectors of {own_dimensions} dimensions, the settings"
                f" say {self.dimensions}",
                remedy=f"Set embed.dimensions (EMBEDDING_DIMENSIONS) to {own_dimensions}, or choose another model",
            )
        if self._model.device.type != self.device:
            message = (
                f"the embedding model {self.name} was to run on {self.device} and is on {self._model.device}"
            )
            raise ConfigError(message, remedy="Set embed.device to the device that you mean")


def choose_device(wanted: str, *, cuda: bool) -> str:
    """``cpu`` or ``cuda``: the device asked for, or with ``auto`` the better one that there is.

    Raises:
        ConfigError: CUDA was asked for and torch has none: it would run fifty times slower unnoticed.
    """
    if wanted == "cuda" and not cuda:
        raise ConfigError(
            "embed.device is cuda, and torch finds no usable GPU here",
            remedy="Set embed.device to auto or cpu, or check the driver, CUDA_VISIBLE_DEVICES and that torch"
            " is a CUDA build",
        )
    return ("cuda" if cuda else "cpu") if wanted == "auto" else wanted


def _refuse_own_code(ref: ModelRef, models_dir: Path | None) -> None:
    """Stop a model that brings Python code of its own: without it some load all the same, and compute
    something else."""
    modules = _read_json(ref, REQUIRED_FILE, models_dir)
    if not (isinstance(modules, list) and modules and all(isinstance(module, dict) for module in modules)):
        raise ConfigError(f"{REQUIRED_FILE} of {ref.name} lists no modules", remedy="Fetch the model again")
    folder = str(modules[0].get("path", ""))
    config = _read_json(ref, f"{folder}/config.json" if folder else "config.json", models_dir)
    foreign = [
        kind
        for kind in (str(m.get("type")) for m in modules)
        if not kind.startswith("sentence_transformers.")
    ]
    own = foreign or (isinstance(config, dict) and "AutoModel" in config.get("auto_map", {}))
    if own:
        raise ConfigError(
            f"the embedding model {ref.name} runs Python code of its own, which no setting allows",
            remedy=f"If you trust its authors, add {ref.location!r} to embed.trust_remote_code",
        )


def _read_json(ref: ModelRef, file: str, models_dir: Path | None) -> Any:
    """A file of the model, out of its directory or from the hub."""
    try:
        if ref.kind == "hub":
            from huggingface_hub import hf_hub_download

            path = Path(hf_hub_download(ref.location, file, revision=ref.revision, cache_dir=models_dir))
        else:
            path = Path(ref.location) / file
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unloadable(ref, error) from error


def _load(
    ref: ModelRef, models_dir: Path | None, *, device: str, dtype: str, trusted: bool, quirks: Quirks
) -> Any:
    with uncollected():
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as chatter

    no_bars: Any = chatter.disable_progress_bar
    no_bars()
    try:
        return SentenceTransformer(
            ref.location,
            device=device,
            cache_folder=str(models_dir) if models_dir else None,
            revision=ref.revision,
            local_files_only=ref.kind != "hub",
            trust_remote_code=trusted,
            model_kwargs={"dtype": dtype},
            config_kwargs=dict(quirks.config),
        )
    # A model's files can be damaged and its code outdated in any of these ways; none is our bug.
    except (
        OSError,
        ValueError,
        RuntimeError,
        ImportError,
        LookupError,
        TypeError,
        AttributeError,
        SafetensorError,
    ) as error:
        raise _unloadable(ref, error) from error


def _unloadable(ref: ModelRef, error: Exception) -> EarmarkError:
    cause = next(iter(str(error).splitlines()), type(error).__name__)[:300]
    what = f"the embedding model {ref.name} can't be loaded: {cause}"
    if diagnose(error) == "out_of_memory":  # what another process holds at this moment it may give back
        return TransientError(
            what,
            code="out_of_memory",
            remedy="Set transcribe.actors lower, or choose a smaller embed.model",
        )
    if ref.kind == "hub":
        remedy = "Check the name and the network, or give a local directory as embed.model"
    else:
        remedy = f"Check the files in {ref.location}"
    return ConfigError(what, remedy=remedy)
