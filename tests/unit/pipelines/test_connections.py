"""Connections that a line opens, against what Postgres takes."""

import pytest

from actors.errors import ConfigError
from actors.store.slots import Slots
from cluster.resources import GIB, Gpu, Hardware, plan_pools
from configs.catalogue import profiles
from configs.load import load_settings
from pipelines.connections import DRIVERS, at_most, at_start, demand_connections
from pipelines.ingest import line
from pipelines.stage import StageSpec

POSTGRES_DEFAULT = Slots(100, reserved=3)
EMBEDDED = Slots(200)


def stage(name: str, least: int, most: int, threads: int = 1) -> StageSpec:
    return StageSpec(name, (), lambda *_: lambda _: [], least, most, least, threads=threads)


STAGES = (stage("Download", 4, 32), stage("Transcribe", 2, 256, threads=2), stage("Embed", 1, 1, threads=16))


def test_a_pool_opens_one_at_once_and_the_others_as_it_has_rows_in_hand() -> None:
    """And some stages' workers have one of their own, for permits or enrolled voices."""
    assert at_start(STAGES) == DRIVERS + 4 * 2 + 2 + 1
    assert at_most(STAGES) == DRIVERS + 32 * 2 + 256 * 2 + 16


def test_a_server_that_has_too_few_for_the_start_is_refused() -> None:
    """Actors would wait for each other's, and the run would end as a line that broke."""
    with pytest.raises(ConfigError, match=r"opens 17 connections .* has 16 left") as raised:
        demand_connections(STAGES, Slots(100, reserved=3, in_use=81))
    assert raised.value.code == "too_few_connections"
    assert f"max_connections to {84 + at_most(STAGES)}" in raised.value.remedy
    assert "Transcribe 512, Download 64" in raised.value.remedy


def test_a_server_that_has_too_few_for_what_may_come_is_told_of() -> None:
    """The run begins: it may never grow so far."""
    note = demand_connections(STAGES, POSTGRES_DEFAULT)
    assert note is not None and "may grow to 598 connections" in note and "max_connections to 601" in note
    assert demand_connections(STAGES, Slots(601, reserved=3)) is None


@pytest.mark.parametrize("name", [name for name in profiles() if name != "cluster"])
@pytest.mark.parametrize(
    "hardware", [Hardware(2), Hardware(16, (Gpu("RTX", 16 * GIB),)), Hardware(64, (Gpu("H", 80 * GIB),) * 2)]
)
def test_a_run_on_one_machine_is_troubled_by_neither_server(name: str, hardware: Hardware) -> None:
    """With what ships, on any machine, whatever of it is idle."""
    device = (
        {} if hardware.gpus else {f"{stage}.device": "cpu" for stage in ("transcribe", "embed", "identify")}
    )
    device |= {} if hardware.gpus else {"transcribe.compute_type": "int8"}
    settings = load_settings(name, overrides=device)
    stages = line(settings, plan_pools(settings, hardware))
    assert at_most(stages) < EMBEDDED.free and demand_connections(stages, EMBEDDED) is None
    assert demand_connections(stages, POSTGRES_DEFAULT) is None, at_most(stages)


def test_the_cluster_profile_begins_on_a_server_as_it_ships() -> None:
    settings = load_settings("cluster")
    stages = line(settings, plan_pools(settings, Hardware(512, (Gpu("H", 80 * GIB),) * 64, 1)))
    note = demand_connections(stages, POSTGRES_DEFAULT)
    assert note is not None and "Raise max_connections to" in note
