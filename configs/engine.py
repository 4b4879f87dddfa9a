"""What Ray is told: the one that a run starts, or the cluster that it joins."""

from pydantic import Field

from configs.section import Section


class RaySettings(Section):
    """The engine."""

    address: str | None = Field(
        None, description="Cluster to join, for example auto; unset: start one here and end it after the run."
    )
    dashboard: bool = Field(True, description="Start Ray's dashboard, on loopback.")
    dashboard_port: int = Field(
        8265, ge=1024, le=65_535, description="Its port; the next free one is taken if it is in use."
    )
    metrics_port: int | None = Field(
        None,
        ge=1024,
        le=65_535,
        description="Port of its Prometheus endpoint, on loopback; the next free one is taken if it is in use. Unset: "
        "any free one, which EARMARK_HOME/metrics tells Prometheus.",
    )
    object_store_bytes: int = Field(
        1_000_000_000,
        ge=100_000_000,
        description="Memory for rows in flight, in bytes. More lets stages run further ahead.",
    )
    io_cpus: float = Field(
        0.0,
        ge=0,
        le=4,
        description="Share of a CPU that Ray books for each actor that mostly waits (Prefilter, Download, Assemble, Segment, "
        "Store). On a cluster above 0: a head node without CPUs then takes none of them, and more of them bring more nodes.",
    )
    cpu_nodes: str | None = Field(
        None,
        pattern=r"^[\w./-]+=[\w.-]+$",
        description="NAME=VALUE: Ray's label of the nodes that fetch, prepare and store; unset: whichever have CPUs free.",
    )
    gpu_nodes: str | None = Field(
        None,
        pattern=r"^[\w./-]+=[\w.-]+$",
        description="NAME=VALUE: Ray's label of the nodes with the cards to use; unset: whichever have GPUs free.",
    )
    card: str | None = Field(
        None,
        description="Kind of card of a cluster's GPU nodes, as `plan --gpu` takes it. Needed where none of them is up at the "
        "start; else the cards are asked.",
    )
    max_cpus: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="CPUs that the cluster has once its autoscaler has added every node that it may: Ray doesn't tell. Unset: "
        "those that are up.",
    )
    max_gpus: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Its GPUs then, in the same way: recognisers grow onto them with the backlog.",
    )
    look_ahead_videos: int = Field(
        16,
        ge=1,
        le=10_000,
        description="Videos claimed but not prepared yet. More hides slow servers; media links grow stale.",
    )
