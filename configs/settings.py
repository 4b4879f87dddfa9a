"""Every setting: its unit, its bounds, and what turning it up costs. One frozen model a stage.

Owns names, defaults and bounds. Doesn't know where a value came from (``load.py``) or what the
hardware allows (``cluster/resources.py``).
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator

from configs.engine import RaySettings
from configs.identify import IdentifySettings
from configs.patience import ArchiveSettings, GovernorSettings, RetrySettings, WatchdogSettings
from configs.report import ReportSettings
from configs.section import AutoPoolSize, ComputeType, Device, Names, PoolSize, Section


class PrefilterSettings(Section):
    """Which videos are worth fetching."""

    actors: PoolSize = Field(
        2, description="Processes that ask sources about videos. More ask faster, and are blocked sooner."
    )
    skip_shorts: bool = Field(True, description="Leave out YouTube Shorts.")
    skip_live: bool = Field(True, description="Leave out streams that are still live.")
    skip_upcoming: bool = Field(True, description="Leave out premieres and streams that have not begun.")
    max_duration_s: float = Field(
        12 * 3600.0, gt=0, description="Leave out videos longer than this, in seconds."
    )
    max_list_entries: int = Field(
        100_000, ge=1, description="Most entries taken from one channel or playlist."
    )
    timeout_s: float = Field(
        30.0, gt=0, le=600, description="Longest wait for an answer of a source, in seconds."
    )


class DownloadSettings(Section):
    """How audio is fetched."""

    actors: PoolSize = Field(
        4, description="Processes that download. More need more network and are throttled sooner."
    )
    retries: int = Field(
        4, ge=0, le=100, description="Times a broken transfer is resumed before the video is put off."
    )
    timeout_s: float = Field(
        30.0, gt=0, le=600, description="Longest silence of a server during a transfer, in seconds."
    )
    max_bytes: int = Field(
        1_500_000_000,
        ge=1_000_000,
        le=1_900_000_000,
        description="Largest audio track, in bytes; each one in flight lies in memory.",
    )
    rate_limit_bytes_per_s: int | None = Field(
        None, ge=1_000, description="Limit of one transfer, in bytes a second."
    )
    cookies_file: Path | None = Field(None, description="Netscape cookie file handed to yt-dlp.")
    cookies_from_browser: str | None = Field(
        None, description="Browser whose cookies yt-dlp reads, for example firefox."
    )
    proxy: SecretStr | None = Field(None, description="Proxy URL for listing and download.")


class PrepareSettings(Section):
    """How audio becomes clips and slices."""

    RECIPE = frozenset({"vad_threshold", "min_silence_ms", "speech_pad_ms", "clip_max_s", "slice_max_clips"})

    actors: PoolSize = Field(
        2, description="Most CPU processes that decode and find speech; each keeps one core busy."
    )
    vad_threshold: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="Silero speech probability above which sound is speech. Higher drops quiet speech.",
    )
    min_silence_ms: int = Field(
        500,
        ge=50,
        le=5000,
        description="Pause that ends a stretch of speech and is left out, but for its padding, in milliseconds.",
    )
    speech_pad_ms: int = Field(
        200, ge=0, le=1000, description="Sound kept before and after each stretch, in milliseconds."
    )
    clip_max_s: float | None = Field(
        None, gt=1, le=30, description="Longest clip in seconds; unset: the ASR model's own window."
    )
    slice_max_clips: int = Field(
        10,
        ge=1,
        le=10,
        description="Windows of speech (30 s each with Whisper) in a slice, which is one GPU batch.",
    )


class TranscribeSettings(Section):
    """The speech recogniser."""

    RECIPE = frozenset({"model", "compute_type", "beam_size", "language", "revision"})

    model: str = Field(
        "distil-large-v3",
        min_length=1,
        description="Whisper model in CTranslate2 form: hub id or local directory.",
    )
    revision: str | None = Field(None, description="Commit or tag of a model from the hub.")
    device: Device = Field(
        "cuda", description="Where it runs. auto takes CUDA where there is a GPU and says what it took."
    )
    compute_type: ComputeType = Field(
        "float16",
        description="CTranslate2's arithmetic. int8 types save memory; float16 is the safe one on Blackwell.",
    )
    actors: AutoPoolSize = Field(
        4,
        description="ASR workers wanted; cut to what the card's memory holds (env ASR_WORKERS). auto: as many as `tune` "
        "found best here, else as many as fit, at most 4 a card or half the cores.",
    )
    gpu_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Share of a GPU that Ray books for one worker; unset: derived from memory.",
    )
    actors_per_card: PoolSize | None = Field(
        None,
        description="Most ASR workers on one card; unset: as many as its memory holds beside the other models.",
    )
    cpu_threads: int = Field(1, ge=1, le=64, description="Threads of one worker; matters on CPU only.")
    beam_size: int = Field(5, ge=1, le=20, description="Beams. 1 is fastest; 5 is a little more accurate.")
    language: str | None = Field(
        None,
        pattern=r"^[a-z]{2,3}$",
        description="ISO code of the spoken language; unset: metadata, else detected once a video.",
    )
    canary_audio: Path | None = Field(
        None,
        description="Audio clip that a worker must get right before it joins, its text beside it as .txt; unset: ours.",
    )


class SegmentSettings(Section):
    """How utterances become units of retrieval."""

    min_chars: int = Field(
        1100, ge=1, le=20_000, description="Segments shorter than this are merged (env SEGMENT_MIN_CHARS)."
    )
    max_chars: int = Field(
        1400, ge=50, le=20_000, description="Segments are never longer than this (env SEGMENT_MAX_CHARS)."
    )
    max_gap_s: float = Field(5.0, ge=0, description="A pause longer than this ends a segment, in seconds.")
    max_duration_s: float = Field(
        120.0, gt=0, description="Segments are merged up to this length, in seconds."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars ({self.min_chars}) must not exceed max_chars ({self.max_chars})")
        return self


class EmbedSettings(Section):
    """Text vectors."""

    model: str = Field(
        "Alibaba-NLP/gte-Qwen2-1.5B-instruct",
        min_length=1,
        description="Sentence-transformers model: hub id, local directory or package:NAME (env EMBEDDING_MODEL).",
    )
    revision: str | None = Field(None, description="Commit or tag of a model from the hub.")
    dimensions: int = Field(
        1536, ge=8, le=4000, description="Length of its vectors (env EMBEDDING_DIMENSIONS)."
    )
    batch_size: int = Field(
        384,
        ge=1,
        le=4096,
        description="Segments in a forward pass (env BATCH_SIZE). More use more GPU memory.",
    )
    linger_s: float = Field(0.2, ge=0, le=60, description="Longest wait for a batch to fill, in seconds.")
    actors: PoolSize = Field(
        1,
        description="Processes that embed; on a cluster at most one for eight cards, or 16 CPUs, as many as their backlog needs.",
    )
    device: Device = Field("cuda", description="Where it runs.")
    gpu_share: float | None = Field(
        None, gt=0, le=1, description="Share of a GPU that Ray books for it; unset: derived from memory."
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="Weights' type; auto is the model's own on CUDA and float32 on CPU."
    )
    trust_remote_code: Names = Field(
        ("Alibaba-NLP/gte-Qwen2-1.5B-instruct",),
        description="Models whose own Python code may run, by name; several with commas between them.",
    )
    query_prompt: str | None = Field(
        None,
        max_length=2000,
        description="Put before a question; unset: what the model defines. Quote it to keep a space at its end.",
    )
    document_prompt: str | None = Field(
        None,
        max_length=2000,
        description="Put before a segment; unset: what the model defines. Segments stored before a change keep their vectors.",
    )


class StoreSettings(Section):
    """The database."""

    database_url: SecretStr | None = Field(
        None, description="Postgres with pgvector (env DATABASE_URL); unset: the embedded one."
    )
    writers: PoolSize = Field(1, description="Writers. One does 70 times what a line at 100 h/h needs.")
    ledger_actors: PoolSize = Field(1, description="Actors that commit slices and assemble videos.")


class Settings(Section):
    """All of them."""

    prefilter: PrefilterSettings = PrefilterSettings()
    download: DownloadSettings = DownloadSettings()
    prepare: PrepareSettings = PrepareSettings()
    transcribe: TranscribeSettings = TranscribeSettings()
    identify: IdentifySettings = IdentifySettings()
    segment: SegmentSettings = SegmentSettings()
    embed: EmbedSettings = EmbedSettings()
    store: StoreSettings = StoreSettings()
    ray: RaySettings = RaySettings()
    retry: RetrySettings = RetrySettings()
    governor: GovernorSettings = GovernorSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    archive: ArchiveSettings = ArchiveSettings()
    report: ReportSettings = ReportSettings()

    def recipe(self) -> str:
        """Short hash of what determines a slice's content: two videos with the same recipe were cut
        and transcribed alike, and their voices heard alike, whatever pools or devices did it."""
        return hashlib.sha256(json.dumps(self._recipe(), sort_keys=True).encode()).hexdigest()[:16]

    def recipe_settings(self) -> dict[str, Any]:
        """What ``recipe`` is the hash of, as setting → value."""
        return {
            f"{section}.{name}": value
            for section, values in self._recipe().items()
            for name, value in values.items()
        }

    def _recipe(self) -> dict[str, dict[str, Any]]:
        sections = {"prepare": self.prepare, "transcribe": self.transcribe, "identify": self.identify}
        chosen = {
            name: section.model_dump(mode="json", include=set(section.RECIPE))
            for name, section in sections.items()
        }
        # A model directory counts by its name: the same clone elsewhere makes the same slices.
        chosen["transcribe"]["model"] = Path(self.transcribe.model).name
        chosen["identify"]["model"] = Path(self.identify.model).name
        return chosen
