"""The media server of the benchmark: as slow as a real one, and in a process of its own.

Owns the process and its end; limits and answers are ``tests/media_server.py``'s. It ends with the
benchmark, however that ends: it waits on a pipe that the kernel closes.
"""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.audio import Corpus
from tests.bench.crew import ignore_interrupt
from tests.media_server import Fault, MediaServer

START_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Network:
    """How far away the server is."""

    bytes_per_s: int = 6_000_000
    """Of all connections together: a line of 50 Mbit/s."""
    bytes_per_s_each: int = 2_000_000
    """Of one connection. The system before Earmark logged 15 to 20 s for videos of one to two hours."""
    latency_s: float = 0.1
    """Before each answer."""

    def __str__(self) -> str:
        together, each = self.bytes_per_s / 1e6, self.bytes_per_s_each / 1e6
        return f"{together:g} MB/s, {each:g} MB/s a connection, {self.latency_s * 1000:g} ms"


@contextmanager
def serving(corpus: Corpus, network: Network) -> Iterator[list[str]]:
    """Serve the recordings while inside; gives their URLs in order."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    paths = [recording.path for recording in corpus.recordings]
    process = context.Process(target=_serve, args=(paths, network, theirs), name="media-server", daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_LIMIT_S):
            raise TimeoutError(f"the media server didn't start within {START_LIMIT_S:.0f} s")
        yield ours.recv()
    finally:
        ours.close()
        process.join(10.0)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(paths: list[Path], network: Network, pipe: Connection) -> None:
    ignore_interrupt()
    pace = Fault(bytes_per_s=network.bytes_per_s_each)
    with MediaServer(network.bytes_per_s) as server:
        pipe.send(
            [
                server.add(f"/{path.name}", partial(_read_late, path, network.latency_s), pace)
                for path in paths
            ]
        )
        try:
            pipe.recv()
        except EOFError:
            return


def _read_late(path: Path, latency_s: float) -> bytes:
    time.sleep(latency_s)
    return path.read_bytes()
