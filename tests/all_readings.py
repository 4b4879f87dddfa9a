"""A reading of every metric, with every value that labels out of this source can have."""

from collections.abc import Iterator
from dataclasses import fields

from actors.fetch.governor import Bucket, Policy
from actors.store.run_counts import RunCounts
from cluster.telemetry import CardSight, MachineSight
from pipelines.in_hand import Held
from pipelines.made import KINDS
from pipelines.queues import QueueSight
from pipelines.readings import (
    Reading,
    Source,
    machine_readings,
    run_readings,
    source_readings,
    stage_readings,
)
from pipelines.tally import Tally
from pipelines.timeline import Timeline


def all_readings(stages: tuple[str, ...]) -> Iterator[Reading]:
    """
    Args:
        stages: names of the line's stages.
    """
    tally = Tally(
        items=8, failed=2, in_hand=1, audio_s=900.0, bytes_out=1_000, busy_s=5.0, blocked_s=1.0, paused_s=1.0,
        database_s=0.5, age_s=12.0, load_s=2.0, held=(Held("video", 0, "working", 3.0, 2.0, 900.0),),
        silent_s=0.4, codes={"removed": 2}, batches=4, batched=20, made=dict.fromkeys(KINDS, 1),
    )  # fmt: skip
    timeline, tallies = Timeline(), dict.fromkeys(stages, tally)
    queues = dict.fromkeys(stages, QueueSight(undispatched=2, in_flight=2, actors=1))
    for at_s in (0.0, 1.0):
        timeline.look(at_s, tallies, queues, n_left=3, stored_audio_s=0.0, machine=None)
    yield from stage_readings(tallies, timeline)
    counts = RunCounts(**{field.name: 4 for field in fields(RunCounts)})
    yield from run_readings(counts, 10.0, 2.0, 0.0)
    source = Source("youtube", (Bucket(0.0, recent=3.0),), Policy(240.0, 0.3, 900.0, 14_400.0))
    yield from source_readings({source.site: source}, 5.0)
    card = CardSight(0, "Some Card", 0.5, 4, 16, power_w=90.0, energy_j=900.0)
    yield from machine_readings(MachineSight(12.0, (card,), 3.0, 900.0), 2)
