"""Settings of speaker identification."""

from pydantic import Field

from configs.section import Device, PoolSize, Section


class IdentifySettings(Section):
    """Who spoke."""

    RECIPE = frozenset({"enabled", "model", "revision", "window_s", "hop_s"})

    enabled: bool = Field(
        True, description="Tell voices apart. Off: every speaker is unknown, and why is said."
    )
    model: str = Field(
        "speechbrain/spkrec-ecapa-voxceleb",
        min_length=1,
        description="ECAPA voice model of speechbrain: hub id or local directory.",
    )
    revision: str | None = Field(None, description="Commit or tag of a model from the hub.")
    device: Device = Field("cuda", description="Where it runs.")
    actors: PoolSize = Field(
        1,
        description="Processes that tell voices apart; on a cluster at most one for two cards, or 16 CPUs, as many as their backlog needs.",
    )
    gpu_share: float | None = Field(
        None, gt=0, le=1, description="Share of a GPU that Ray books for one; unset: derived from memory."
    )
    window_s: float = Field(3.0, ge=1, le=10, description="Length of a window of speech, in seconds.")
    hop_s: float = Field(1.5, ge=0.25, le=10, description="Distance from one window to the next, in seconds.")
    batch_size: int = Field(64, ge=1, le=1024, description="Windows in a forward pass.")
    assume_monologue: bool = Field(
        True,
        description="Where a few windows spread over a slice are all one enrolled voice, skip the rest of it (env ASSUME_MONOLOGUE).",
    )
    margin: float = Field(
        0.05, ge=0, le=1, description="Least distance in cosine to the next nearest enrolled voice."
    )
    same_voice: float = Field(
        0.35,
        gt=0,
        lt=1,
        description="Least mean cosine at which windows of a video count as one person whom nobody enrolled."
        " Higher splits one person into several, lower joins people; it depends on the model.",
    )
