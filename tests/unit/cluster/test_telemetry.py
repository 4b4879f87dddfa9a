"""What is sampled of a machine and its cards: all of a run's work, and of a card whatever it tells."""

import logging
import os
import subprocess
import sys
from collections import namedtuple
from types import ModuleType, SimpleNamespace

import psutil
import pytest

from cluster.telemetry import MachineSampler

GIB = 2**30
Times = namedtuple("Times", "user nice system idle iowait irq softirq steal")
BURN = "import os, time\nos.nice(15)\nwhile time.process_time() < 0.5: sum(range(100_000))"
"""Half a second of it, nearly none inside the kernel, whose part is no ``nice``."""


class NVMLError(Exception):
    """As the real module has it."""


class NotSupported(NVMLError):
    pass


class DriverNotLoaded(NVMLError):
    pass


class FakeNvml(ModuleType):
    """Two cards. What stands in ``refused`` they answer with an error: names of functions, or with a card's number
    before it."""

    NVMLError = NVMLError
    NVMLError_NotSupported = NotSupported
    NVMLError_LibraryNotFound = NVMLError_DriverNotLoaded = DriverNotLoaded

    def __init__(self, *refused: str) -> None:
        super().__init__("pynvml")
        self.refused: dict[str, NVMLError] = dict.fromkeys(refused, NotSupported("Not Supported"))
        self.asked = 0
        self.is_open = False

    def _answer(self, name: str, value: object, handle: int | str = "") -> object:
        for key in (name, f"{handle} {name}"):
            if key in self.refused:
                raise self.refused[key]
        return value

    def nvmlInit(self) -> None:
        self._answer("init", None)
        self.is_open = True

    def nvmlShutdown(self) -> None:
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:
        return self._answer("count", 2)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return self._answer("handle", index, index)

    def nvmlDeviceGetName(self, handle: int) -> str:
        return self._answer("name", f"Some Card {handle}", handle)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> object:
        return self._answer("utilisation", SimpleNamespace(gpu=50, memory=10), handle)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> object:
        return self._answer("memory", SimpleNamespace(used=4 * GIB, total=16 * GIB), handle)

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return self._answer("power", 90_000, handle)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        self.asked += 1
        return self._answer("energy", 1_000 * self.asked, handle)


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


def refuse(nvml: FakeNvml, *names: str, error: NVMLError | None = None) -> None:
    nvml.refused |= dict.fromkeys(names, error or NotSupported("Not Supported"))


def test_work_at_a_low_priority_is_work(nvml: FakeNvml) -> None:
    """A bug: Ray's workers are niced, and what they did was left out. Others work here too, so what was told before
    is taken off."""

    def told_before_s() -> float:
        cores = enumerate(psutil.cpu_times(percpu=True))
        return sum(core.user + core.system for number, core in cores if number in os.sched_getaffinity(0))

    with MachineSampler() as sampler:
        before_s = sampler.sample().cpu_busy_s - told_before_s()
        subprocess.run([sys.executable, "-c", BURN], check=True)
        assert sampler.sample().cpu_busy_s - told_before_s() - before_s > 0.3


def test_cores_are_those_that_the_process_may_use(nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug: those of the whole host were counted. Waiting is no work, and each kind of work is."""
    cores = [Times(*[0.0] * 8) for _ in range(4)]
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 3})
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: list(cores))
    with MachineSampler() as sampler:
        cores[0] = cores[2] = Times(*[1000.0] * 8)
        cores[1] = Times(user=1, nice=2, system=4, idle=1000, iowait=1000, irq=8, softirq=16, steal=1000)
        assert sampler.sample().cpu_busy_s == 31.0
        cores[3] = Times(0, 32, 0, 0, 0, 0, 0, 0)
        assert sampler.sample().cpu_busy_s == 63.0


def test_a_container_is_shown_its_own_cores_by_other_numbers(
    nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lxcfs does: two cores, called 0 and 1, where the kernel speaks of 6 and 7."""
    cores = [Times(*[0.0] * 8)] * 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {6, 7})
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: list(cores))
    with MachineSampler() as sampler:
        cores[0] = Times(0, 5, 0, 0, 0, 0, 0, 0)
        assert sampler.sample().cpu_busy_s == 5.0


def test_cards_that_tell_everything(nvml: FakeNvml) -> None:
    """Units: shares, bytes, watts, joules since the first sample; NVML is left closed."""
    with MachineSampler() as sampler:
        sampler.sample()
        sight = sampler.sample()
        assert nvml.is_open
    assert not nvml.is_open
    first, second = sight.cards
    assert (first.index, first.name, second.name) == (0, "Some Card 0", "Some Card 1")
    assert (first.utilisation, first.memory_bytes, first.memory_total_bytes) == (0.5, 4 * GIB, 16 * GIB)
    assert first.power_w == 90.0
    assert sight.energy_j == 4.0, "two joules each"
    assert sight.gpu_busy_s is not None and sight.gpu_busy_s > 0


@pytest.mark.parametrize(
    ("refused", "fields"),
    [
        ("utilisation", {"utilisation"}), ("memory", {"memory_bytes", "memory_total_bytes"}),
        ("power", {"power_w"}), ("energy", {"energy_j"}),
    ],
)  # fmt: skip
def test_what_a_card_does_not_tell_is_left_out_alone_and_said_once(
    nvml: FakeNvml, caplog: pytest.LogCaptureFixture, refused: str, fields: set[str]
) -> None:
    """A bug: a card without utilisation (MIG) cost the run its CPU, memory and energy, and a line a second."""
    refuse(nvml, f"1 {refused}")
    with caplog.at_level(logging.WARNING), MachineSampler() as sampler:
        sights = [sampler.sample() for _ in range(3)]
    assert sights[-1].cpu_busy_s >= 0
    told, silent = sights[-1].cards
    assert {name for name in silent.__slots__ if getattr(silent, name) is None} == fields
    assert None not in [getattr(told, name) for name in told.__slots__]
    assert sights[-1].energy_j is not None and sights[-1].gpu_busy_s is not None
    assert [record.message for record in caplog.records] == [
        f"Card 1 doesn't tell its {refused}: Not Supported"
    ]


def test_without_a_card_that_tells_it_there_is_no_sum(nvml: FakeNvml) -> None:
    """No figure, where 0 would be a wrong one."""
    refuse(nvml, "utilisation", "energy")
    with MachineSampler() as sampler:
        sight = sampler.sample()
    assert (sight.gpu_busy_s, sight.energy_j) == (None, None)
    assert all(card.memory_bytes == 4 * GIB for card in sight.cards)


def test_a_card_that_is_lost_in_the_middle_takes_no_sum_with_it(
    nvml: FakeNvml, caplog: pytest.LogCaptureFixture
) -> None:
    """What it did until then stays, and the CPU is sampled on."""
    with caplog.at_level(logging.WARNING), MachineSampler() as sampler:
        sampler.sample()
        before = sampler.sample()
        refuse(nvml, "utilisation", "memory", "power", "energy", error=NVMLError("GPU is lost"))
        for _ in range(3):
            after = sampler.sample()
    assert (after.energy_j, after.gpu_busy_s) == (before.energy_j, before.gpu_busy_s)
    assert after.cpu_busy_s >= before.cpu_busy_s
    assert len(caplog.records) == 8, "four things of two cards, each once"


def test_a_card_without_a_handle_leaves_the_others(nvml: FakeNvml, caplog: pytest.LogCaptureFixture) -> None:
    """A bug: it ended the run before its start."""
    refuse(nvml, "0 handle", error=NVMLError("GPU is lost"))
    with caplog.at_level(logging.WARNING), MachineSampler() as sampler:
        assert [card.index for card in sampler.sample().cards] == [1]
    assert [record.message for record in caplog.records] == ["Card 0 doesn't tell how it is: GPU is lost"]


@pytest.mark.parametrize("refused", ["init", "count"])
def test_a_driver_in_trouble_is_said_and_the_cpu_sampled(
    nvml: FakeNvml, caplog: pytest.LogCaptureFixture, refused: str
) -> None:
    """``doctor`` says more of it; a run on the CPU goes on."""
    refuse(nvml, refused, error=NVMLError("Driver/library version mismatch"))
    with caplog.at_level(logging.WARNING), MachineSampler() as sampler:
        sight = sampler.sample()
    assert sight.cards == () and sight.gpu_busy_s is None and sight.cpu_busy_s >= 0
    (record,) = caplog.records
    assert record.message.startswith("NVIDIA's driver doesn't tell how")
    assert not nvml.is_open


def test_a_machine_without_the_driver_has_no_cards(nvml: FakeNvml, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is wrong with it, and nothing is said."""
    refuse(nvml, "init", error=DriverNotLoaded("Driver Not Loaded"))
    with caplog.at_level(logging.WARNING), MachineSampler() as sampler:
        assert sampler.sample().cards == ()
    assert not caplog.records
