"""Many short videos in one run: does anything grow that should not? See ``--help``."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import psycopg

from actors.store.embedded import ensure_server, server_status, stop_server
from actors.store.migrations import migrate
from configs.home import HOME_VARIABLE, Home
from configs.load import load_settings
from tests.bench import soak_report
from tests.bench.audio import make_brief_corpus
from tests.bench.memory import Sample, Watch, files_below
from tests.bench.server import Network, serving

ROOT = Path(__file__).parents[2]
NEAR = Network(bytes_per_s=100_000_000, bytes_per_s_each=50_000_000, latency_s=0.01)
"""The soak asks how much is held, not how fast: the network shall not be what it waits for."""
OUR_OWN = "earmark-soak"
"""Name of this program's connection, which isn't counted."""
CONNECTIONS = 32
"""The demo profile's pools: 16 threads that embed, two connections of the driver and one of its
registry, two of the writer, one of each of the other actors and of the source: 30 where all are open."""
SETTLED = """
    select (select count(*) from ingest_state where status in ('stored', 'skipped', 'failed')),
           (select count(*) from pg_stat_activity
            where backend_type = 'client backend' and application_name <> %s)
"""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--videos", type=click.IntRange(min=2), default=2000, show_default=True)
@click.option(
    "--after", type=click.IntRange(min=1), help="Videos after which the line is warm. Default: a tenth."
)
@click.option("--every", "every_s", type=click.FloatRange(min=0.5), default=10.0, show_default=True, help="Seconds between two looks.")  # fmt: skip
@click.option("--connections", type=click.IntRange(min=1), default=CONNECTIONS, show_default=True, help="Most database connections.")  # fmt: skip
@click.option("--set", "assignments", metavar="SECTION.NAME=VALUE", multiple=True, help="A setting.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write every look to this file as JSON.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the home and say where it is.")
def main(
    videos: int, after: int | None, every_s: float, connections: int, assignments: tuple[str, ...],
    out: Path | None, keep: bool,
) -> None:  # fmt: skip
    """Ingest many recordings of 6 to 10 s in one run of the demo profile, and watch what it holds.

    Exit code 1: memory of the driver, the stages' actors, the database or Ray at the end is over 110 % of
    what it was after the first tenth, the object store or the connections passed their bound, temporary
    files were left, or the run itself went wrong.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    settings = load_settings("demo", env_file=None)
    bounds = soak_report.Bounds(
        after or max(1, videos // 10), videos, connections, 2 * settings.ray.object_store_bytes
    )
    with _place(keep) as place:
        _tell(f"making {videos} recordings")
        corpus = make_brief_corpus(place / "media", videos)
        with serving(corpus, NEAR) as urls:
            began_at = time.monotonic()
            samples, code, report = _run(place, urls, bounds, every_s, assignments)
            wall_s = time.monotonic() - began_at
        leftovers = [str(path.relative_to(place)) for path in files_below(_temporary(place))]
    click.echo("\n".join(["", *soak_report.lines(samples, bounds, leftovers)]))
    counts = report.get("counts", {})
    click.echo(
        f"run: exit {code}, {counts.get('stored')} stored, {counts.get('skipped')} skipped, "
        f"{counts.get('failed')} failed in {wall_s:.0f} s, {wall_s / videos:.2f} s a video"
    )
    if out is not None:
        out.write_text(json.dumps({"samples": [asdict(each) for each in samples], "run": report}, indent=1))
    sys.exit(1 if code or soak_report.faults(samples, bounds, leftovers) else 0)


@contextmanager
def _place(keep: bool) -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="em-"))  # a short path: sockets lie below it
    try:
        yield root
    finally:
        stop_server(Home(root / "h").database_dir)
        if keep:
            _tell(f"kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)


def _temporary(place: Path) -> list[Path]:
    """Where nothing may be left: the process's temporary directory and what the home keeps for a while."""
    home = Home(place / "h")
    return [place / "t", home.cache_dir / "transfers", home.audio_dir, *home.ray_dir.glob("tmp_*")]


def _run(
    place: Path, urls: Sequence[str], bounds: soak_report.Bounds, every_s: float, assignments: Sequence[str]
) -> tuple[list[Sample], int, dict[str, object]]:
    """One real run under watch: looks, exit code, and the document that it printed."""
    home = Home(place / "h")
    home.create()
    (place / "t").mkdir()
    (place / "sources.txt").write_text("\n".join(urls), encoding="utf-8")
    url = ensure_server(home.database_dir)
    migrate(url)
    postmaster = server_status(home.database_dir).pid
    assert postmaster is not None
    command = [sys.executable, str(ROOT / "run.py"), "ingest", "--from", str(place / "sources.txt"), "--profile", "demo", "--json"]  # fmt: skip
    for assignment in assignments:
        command += ["--set", assignment]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EARMARK_")}
    environment |= {HOME_VARIABLE: str(home.root), "TMPDIR": str(place / "t"), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}  # fmt: skip
    with (place / "out").open("wb") as printed, (place / "err").open("wb") as told:
        process = subprocess.Popen(command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=printed, stderr=told)  # fmt: skip
        try:
            samples = _watch(
                process, Watch(process.pid, postmaster, _temporary(place), home.ray_dir), url, bounds, every_s
            )
        finally:
            if process.poll() is None:
                process.terminate()
            code = process.wait()
    text = (place / "out").read_text(encoding="utf-8")
    if not text:
        _tell((place / "err").read_text(encoding="utf-8", errors="replace")[-2000:])
    return samples, code, json.loads(text) if text else {}


def _watch(
    process: "subprocess.Popen[bytes]", watch: Watch, url: str, bounds: soak_report.Bounds, every_s: float
) -> list[Sample]:
    """Looks until the process ends. Says the first one after the warm-up, and one in ten of the others."""
    samples: list[Sample] = []
    unsaid: deque[Sample] = deque(maxlen=10)
    _tell(soak_report.HEAD)
    with psycopg.connect(url, autocommit=True, application_name=OUR_OWN) as connection:
        while process.poll() is None:
            n_settled, n_connections = connection.execute(SETTLED, (OUR_OWN,)).fetchone() or (0, 0)
            sample = watch.look(n_settled, n_connections)
            is_warm = n_settled >= bounds.after > (samples[-1].n_settled if samples else 0)
            samples.append(sample)
            unsaid.append(sample)
            if is_warm or len(unsaid) == unsaid.maxlen:
                _tell(soak_report.row(sample) + (f"  ← after {bounds.after}" if is_warm else ""))
                unsaid.clear()
            try:
                process.wait(every_s)
            except subprocess.TimeoutExpired:
                continue
        if unsaid:
            _tell(soak_report.row(unsaid[-1]))
        return [*samples, *_last_word(connection, samples)]


def _last_word(
    connection: "psycopg.Connection[tuple[int, int]]", samples: Sequence[Sample]
) -> Iterator[Sample]:
    """How many had come to an end when the process was gone; its memory is gone too."""
    n_settled, _ = connection.execute(SETTLED, (OUR_OWN,)).fetchone() or (0, 0)
    if samples:
        yield Sample(samples[-1].at_s, n_settled, {})


def _tell(message: str) -> None:
    click.echo(message, err=True)


if __name__ == "__main__":
    main()
