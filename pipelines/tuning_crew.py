"""Measures one combination: as many recognisers as actors, started together, over the same slices for a while.

Owns the processes, their time and the card's memory meanwhile. Speeds are counted from finished slices alone: every
worker goes on until the last one has worked long enough, so that they take from each other what they would in a run.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from actors.credentials import masked
from actors.errors import ConfigError, EarmarkError, TransientError
from cluster.telemetry import MachineSampler
from configs.load import is_secret_variable
from configs.settings import TranscribeSettings

ROOT = Path(__file__).parents[1]
LOAD_LIMIT_S = 900.0
"""A model that must be fetched takes as long as that."""
SLICE_LIMIT_S = 900.0
"""For a worker's first slice."""
LOOK_EVERY_S = 0.2
LEAVE_WITHIN_S = 30.0
KILL_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Job:
    """What a crew does."""

    settings: TranscribeSettings
    n_workers: int
    slices: Path
    """Where ``tuning_worker.put_down`` put them."""
    models_dir: Path
    seconds: float
    cards: Sequence[str] = ()
    """As ``CUDA_VISIBLE_DEVICES`` names them; workers are dealt out to them in turn."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A slice that a worker finished."""

    speech_s: float
    at: float


@dataclass(frozen=True, slots=True)
class Performance:
    """What a crew did."""

    speech_s_per_s: float
    """Seconds of speech a second, all workers together."""
    n_slices: int
    seconds: float
    """From the start to the last slice that counts."""
    load_s: float
    """Of the slowest worker: its model and the test clip."""
    compute_type: str
    """In effect."""
    card_bytes: int | None
    """Most that the fullest card held more than before; ``None``: no card."""


def rate(finished: Mapping[int, Sequence[Finished]], began_at: float) -> float:
    """Seconds of speech a second: of each worker's slices by the time to its last one, summed over workers."""
    return sum(
        sum(each.speech_s for each in slices) / (slices[-1].at - began_at)
        for slices in finished.values()
        if slices
    )


def perform(job: Job, variables: Mapping[str, str] | None = None) -> Performance:
    """Measure.

    Args:
        variables: further environment of the workers.

    Raises:
        ConfigError: a worker refused: no memory, another device, a failed test clip, or it crashed or hangs.
        TransientError: a worker failed in the middle.
    """
    with MachineSampler() as sampler, tempfile.TemporaryFile() as said:
        memory = _CardMemory(sampler)
        with _crew(job, variables or {}, said) as crew:
            ready = crew.await_ready(memory)
            began_at = time.monotonic()
            crew.tell("go\n")
            finished = crew.listen(began_at, job.seconds, memory)
    last_at = max(slices[-1].at for slices in finished.values())
    return Performance(
        speech_s_per_s=rate(finished, began_at), n_slices=sum(map(len, finished.values())),
        seconds=round(last_at - began_at, 2), load_s=max(float(each["load_s"]) for each in ready),
        compute_type=str(ready[0]["compute_type"]), card_bytes=memory.most,
    )  # fmt: skip


class _CardMemory:
    """What cards hold more than at the start.

    Attributes:
        most: of one card; ``None``: none tells it.
    """

    def __init__(self, sampler: MachineSampler) -> None:
        self._sampler = sampler
        self._before = self._now()
        self.most: int | None = 0 if self._before else None

    def look(self) -> None:
        if self.most is not None:
            more = [now - self._before[card] for card, now in self._now().items() if card in self._before]
            self.most = max([self.most, *more])

    def _now(self) -> dict[int, int]:
        """By the card's index, of those that tell it."""
        cards = self._sampler.sample().cards
        return {card.index: card.memory_bytes for card in cards if card.memory_bytes is not None}


class _Crew:
    """Workers that run.

    Args:
        said: where their standard error goes.
    """

    def __init__(self, said: IO[bytes]) -> None:
        self._said = said
        self._workers: list[subprocess.Popen[str]] = []
        self._readers: list[threading.Thread] = []
        self._answers: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = queue.SimpleQueue()

    def join(self, worker: "subprocess.Popen[str]") -> None:
        reader = threading.Thread(target=self._read, args=(len(self._workers), worker), daemon=True)
        self._workers.append(worker)
        self._readers.append(reader)
        reader.start()

    def await_ready(self, memory: _CardMemory) -> list[dict[str, Any]]:
        ready: dict[int, dict[str, Any]] = {}
        until = time.monotonic() + LOAD_LIMIT_S
        while len(ready) < len(self._workers):
            for number, answer in self._heard(memory):
                ready[number] = answer["ready"]
            if time.monotonic() > until:
                raise ConfigError(f"not ready after {LOAD_LIMIT_S:.0f} s", code="timeout")
        return [ready[number] for number in sorted(ready)]

    def tell(self, order: str) -> None:
        """Whoever is gone already is heard of by his silence."""
        for worker in self._workers:
            assert worker.stdin is not None
            with suppress(BrokenPipeError):
                worker.stdin.write(order)
                worker.stdin.flush()

    def ask(self, question: Mapping[str, Any]) -> None:
        self.tell(json.dumps(question) + "\n")

    def listen(self, began_at: float, seconds: float, memory: _CardMemory) -> dict[int, list[Finished]]:
        """Slices by worker, until the time is over and each has finished one."""
        finished: dict[int, list[Finished]] = {number: [] for number in range(len(self._workers))}
        while time.monotonic() < began_at + seconds or not all(finished.values()):
            for number, answer in self._heard(memory):
                finished[number].append(Finished(**answer["slice"]))
            if time.monotonic() > began_at + seconds + SLICE_LIMIT_S:
                raise ConfigError(f"no slice in {SLICE_LIMIT_S:.0f} s", code="timeout")
        return finished

    def _heard(self, memory: _CardMemory) -> Iterator[tuple[int, dict[str, Any]]]:
        """What workers have said since; waits a moment for the first word."""
        memory.look()
        wait_s = LOOK_EVERY_S
        while True:
            try:
                number, answer = self._answers.get(timeout=wait_s)
            except queue.Empty:
                return
            wait_s = 0.0
            if answer is None:
                raise self._crashed(self._workers[number])
            if "failed" in answer:
                raise _refusal(**answer["failed"])
            yield number, answer

    def _read(self, number: int, worker: "subprocess.Popen[str]") -> None:
        assert worker.stdout is not None
        for line in worker.stdout:
            self._answers.put((number, json.loads(line)))
        self._answers.put((number, None))

    def _crashed(self, worker: "subprocess.Popen[str]") -> ConfigError:
        code = worker.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return ConfigError(f"its process {how} ({masked(last)[:300]})", code="crash")

    def leave(self) -> None:
        """Let each end the slice that it is at; whoever takes too long is killed."""
        for worker in self._workers:
            assert worker.stdin is not None
            with suppress(BrokenPipeError):
                worker.stdin.close()
        until = time.monotonic() + LEAVE_WITHIN_S
        for worker in self._workers:
            try:
                worker.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait(timeout=KILL_WITHIN_S)
        for reader, worker in zip(self._readers, self._workers, strict=True):
            reader.join(timeout=KILL_WITHIN_S)
            assert worker.stdout is not None
            worker.stdout.close()


def _refusal(message: str, code: str, remedy: str) -> EarmarkError:
    kind = TransientError if code in ("out_of_memory", "device") else ConfigError
    return kind(message, code=code, remedy=remedy)


@contextmanager
def _crew(job: Job, variables: Mapping[str, str], said: IO[bytes]) -> Iterator[_Crew]:
    """Start the workers; all are gone on leaving."""
    crew = _Crew(said)
    try:
        for number in range(job.n_workers):
            crew.join(
                subprocess.Popen(  # noqa: S603 - our own module, no shell
                    [sys.executable, "-m", "pipelines.tuning_worker", str(number)],
                    cwd=ROOT,
                    text=True,
                    encoding="utf-8",
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    env=_environment(job, number) | dict(variables),
                    process_group=0,  # Ctrl-C is for whoever reads the results; their input's end is for them
                )
            )
        settings = job.settings.model_dump(mode="json")
        crew.ask({"settings": settings, "models_dir": str(job.models_dir), "slices": str(job.slices)})
        yield crew
    finally:
        crew.leave()


def _environment(job: Job, number: int) -> dict[str, str]:
    """What an actor of the line would have: no secret, its threads, its card."""
    kept = {name: value for name, value in os.environ.items() if not is_secret_variable(name)}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    # Ray gives an actor as many threads of OpenMP as it books cores for it, and at least one.
    kept.setdefault("OMP_NUM_THREADS", "1" if job.cards else str(job.settings.cpu_threads))
    if job.cards:
        kept["CUDA_VISIBLE_DEVICES"] = job.cards[number % len(job.cards)]
    return kept
