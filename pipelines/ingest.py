"""The line, as a table of contents: which stages a video passes, and what each may use."""

from collections.abc import Sequence

import ray
from ray.data import Dataset, ExecutionResources
from ray.data.context import AutoscalingConfig, DataContext

from actors import rows
from cluster.resources import SOURCE_CPUS, VOICE_CPUS, Pools
from configs.settings import Settings
from pipelines import workers
from pipelines.context import RunContext, run_name
from pipelines.feed import Feed
from pipelines.forgetting import ForgetBlocks
from pipelines.giving_back import GiveBackNodes
from pipelines.queue_watch import WatchQueues
from pipelines.stage import StageSpec, labelled

EMBED_THREADS = 16
TRANSCRIBE_THREADS = 2
"""One row at the engine, one at its door (``OneAtATime``)."""
AT_START = 2
"""Of pools that wait for sources or the database most of the time, on a cluster."""
DOWNLOADERS_AT_START = 4
"""Of the first videos the shortest is there first, and the recognisers stand idle until it is."""


def line(settings: Settings, pools: Pools) -> list[StageSpec]:
    """The stages in order. On a machine of our own only ``Download`` and ``Prepare`` grow. What is on a card keeps its size:
    nobody else wants the shares, and a model that is ended in a lull is loaded again after it. So does ``Prefilter``: its
    rows come in bursts, and a process costs more to start than to keep. On a cluster all of these begin small, grow with
    their backlog and shrink; a ``Prefilter`` more on another node asks by another address."""
    is_cluster = settings.ray.address is not None
    n_prefilters, n_assemblers = settings.prefilter.actors, settings.store.ledger_actors
    if is_cluster:
        n_prefilters, n_assemblers = min(n_prefilters, AT_START), min(n_assemblers, AT_START)
    n_identifiers, n_embedders = (1, 1) if is_cluster else (pools.n_identifiers, pools.n_embedders)
    io_cpus, cpu_nodes, gpu_nodes = settings.ray.io_cpus, settings.ray.cpu_nodes, settings.ray.gpu_nodes
    n_transcribers_at_start = pools.n_transcribers_at_start or pools.n_transcribers
    n_downloaders = min(settings.download.actors, DOWNLOADERS_AT_START)
    transcribe_cpus = float(settings.transcribe.cpu_threads) if pools.transcribe_device == "cpu" else 0.0
    return [
        StageSpec(
            name="Prefilter", accepts=(rows.Request,), build=workers.build_prefilter,
            min_actors=n_prefilters, max_actors=settings.prefilter.actors, initial_actors=n_prefilters,
            num_cpus=io_cpus, nodes=cpu_nodes,
            marks_stage=True,
        ),
        StageSpec(
            name="Download", accepts=(rows.Video,), build=workers.build_download,
            min_actors=n_downloaders, max_actors=settings.download.actors, initial_actors=n_downloaders,
            num_cpus=io_cpus, nodes=cpu_nodes, marks_stage=True,
        ),
        StageSpec(
            name="Prepare", accepts=(rows.Audio,), build=workers.build_prepare,
            min_actors=pools.n_preparers_at_start, max_actors=pools.n_preparers,
            initial_actors=pools.n_preparers_at_start, num_cpus=1.0,
            nodes=cpu_nodes, marks_stage=True,
        ),
        StageSpec(
            name="Transcribe", accepts=(rows.Slice,), build=workers.build_transcribe,
            min_actors=1 if is_cluster else pools.n_transcribers,
            max_actors=pools.n_transcribers, initial_actors=n_transcribers_at_start,
            num_cpus=transcribe_cpus, num_gpus=pools.transcribe_gpu_share,
            nodes=gpu_nodes if pools.transcribe_gpu_share else cpu_nodes,
            threads=TRANSCRIBE_THREADS, marks_stage=True,
        ),
        StageSpec(
            name="Identify", accepts=(rows.SpokenSlice,), build=workers.build_identify,
            min_actors=n_identifiers, max_actors=pools.n_identifiers, initial_actors=n_identifiers,
            num_cpus=VOICE_CPUS if pools.identify_device == "cpu" else 0.0, num_gpus=pools.identify_gpu_share,
            nodes=gpu_nodes if pools.identify_gpu_share else cpu_nodes,
            instead=workers.unheard,
        ),
        StageSpec(
            name="Assemble", accepts=(rows.VoicedSlice, rows.Resumed), build=workers.build_assemble,
            min_actors=n_assemblers, max_actors=settings.store.ledger_actors, initial_actors=n_assemblers,
            num_cpus=io_cpus, nodes=cpu_nodes,
        ),
        StageSpec(
            name="Segment", accepts=(rows.Transcript,), build=workers.build_segment,
            min_actors=1, max_actors=settings.store.ledger_actors if is_cluster else 1, initial_actors=1,
            num_cpus=io_cpus, nodes=cpu_nodes,
            instead=workers.nameless,
        ),
        StageSpec(
            name="Embed", accepts=(rows.SegmentedVideo,), build=workers.build_embed,
            min_actors=n_embedders, max_actors=pools.n_embedders, initial_actors=n_embedders, threads=EMBED_THREADS,
            num_cpus=1.0 if pools.embed_device == "cpu" else 0.0, num_gpus=pools.embed_gpu_share,
            nodes=gpu_nodes if pools.embed_gpu_share else cpu_nodes,
        ),
        StageSpec(
            name="Store", accepts=(rows.EmbeddedVideo,), build=workers.build_store,
            min_actors=settings.store.writers, max_actors=settings.store.writers,
            initial_actors=settings.store.writers, num_cpus=io_cpus, nodes=cpu_nodes,
        ),
    ]  # fmt: skip


def build(context: RunContext, stages: Sequence[StageSpec]) -> Dataset:
    """The stages as a lazy dataset of what the last of them gives."""
    configure(context.settings)
    dataset: Dataset = ray.data.read_datasource(
        Feed(context), num_cpus=SOURCE_CPUS, override_num_blocks=1,
        label_selector=labelled(context.settings.ray.cpu_nodes),  # it would keep a node with a card to the run's end
    )  # fmt: skip
    for spec in stages:
        dataset = spec.add_to(dataset, context)
    dataset.set_name(run_name(context.run_id))
    return dataset


def configure(settings: Settings) -> None:
    """Ray Data as this line needs it."""
    data = DataContext.get_current()
    data.target_max_block_size = 1  # one row a block: a slice leaves as soon as it is cut
    data.execution_options.preserve_order = False
    data.execution_options.resource_limits = ExecutionResources(
        object_store_memory=settings.ray.object_store_bytes
    )
    # Two rows sent to an actor that works on one make 2.0; a pool whose actors all have work makes 1.0
    # and must be able to grow from there.
    data.autoscaling_config = AutoscalingConfig(actor_pool_util_upscaling_threshold=1.0)
    callbacks = (ForgetBlocks, WatchQueues, *((GiveBackNodes,) if settings.ray.address is not None else ()))
    for callback in callbacks:
        if callback not in data.custom_execution_callback_classes:
            data.custom_execution_callback_classes.append(callback)
    data.execution_no_progress_timeout_s = -1  # one long slice is progress
    data.enable_progress_bars = False
    data.print_on_execution_start = False
