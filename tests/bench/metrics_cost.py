"""What metrics cost: the line's speed with them and without. See ``--help``."""

import multiprocessing
import statistics
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from configs.home import Home
from configs.load import load_settings
from tests.bench.audio import Corpus, make_corpus
from tests.bench.report import Measured
from tests.bench.server import Network, serving
from tests.bench.standin import StandIn
from tests.bench.trial import N_STAND_INS, SAME_WORK, SIMULATED, Trial, new_database, temporary_home
from tests.dashboards import scrape_addresses

SCRAPE_EVERY_S = 5.0
"""As often as the configuration that ships."""
NEAR = Network(bytes_per_s=100_000_000, bytes_per_s_each=50_000_000, latency_s=0.01)
"""The network shall not hide what metrics cost."""


@dataclass
class Scraper:
    """Reads the endpoint of whichever run goes on, as Prometheus does."""

    targets: Path
    sizes: list[int] = field(default_factory=list)
    """Bytes of each answer."""

    @contextmanager
    def scraping(self) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self._scrape, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _scrape(self, done: threading.Event) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not done.wait(SCRAPE_EVERY_S):
            for address in scrape_addresses(self.targets):
                try:
                    with direct.open(f"http://{address}/metrics", timeout=SCRAPE_EVERY_S) as answer:
                        self.sizes.append(len(answer.read()))
                except OSError:  # the run has just ended
                    continue


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--speed", type=click.FloatRange(min=1), default=150.0, show_default=True, help="Of the stand-in, in hours of speech an hour; 400 leaves this machine's cores little rest.")  # fmt: skip
@click.option("--hours", type=click.FloatRange(min=0.02), default=2.0, show_default=True, help="Audio of each run.")  # fmt: skip
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs with and without, as often; which is first takes turns.")  # fmt: skip
@click.option("--least", type=click.FloatRange(0, 1), default=0.98, show_default=True, help="Least ratio that will do.")  # fmt: skip
def main(speed: float, hours: float, pairs: int, least: float) -> None:
    """Run the same line with metrics (exported, flushed every 5 s, scraped every 5 s) and without, and print the ratio
    of its speeds. Every stage is real but the recogniser, which waits as a GPU would.

    Exit code 1: the median of the pairs' ratios is under --least, or a side did not do its work.
    """
    ratios = []
    with temporary_home(keep=False) as home:
        corpus = make_corpus(home.root / "media", hours * 3600)
        click.echo(f"{len(corpus.recordings)} recordings, {corpus.audio_s / 3600:.2f} h; {speed:g} h/h")
        scraper = Scraper(home.metrics_dir)
        with serving(corpus, NEAR) as urls:
            for number in range(pairs):
                sides: dict[bool, Measured] = {}
                for with_metrics in (True, False) if number % 2 == 0 else (False, True):
                    n_scrapes = len(scraper.sizes)
                    with scraper.scraping():
                        trial = _trial(home, speed, hours, with_metrics)
                        sides[with_metrics] = _apart(corpus, urls, trial, f"pair_{number}_{with_metrics}")
                    found = scraper.sizes[n_scrapes:]
                    _check(sides[with_metrics], corpus, with_metrics, found)
                    click.echo(_told(sides[with_metrics], with_metrics, found))
                ratios.append(sides[True].speed_h_per_h / sides[False].speed_h_per_h)
                click.echo(f"pair {number + 1}: with / without = {ratios[-1]:.3f}")
    ratio = statistics.median(ratios)
    click.echo(f"with / without = {ratio:.3f} (median of {pairs}; {min(ratios):.3f} to {max(ratios):.3f})")
    sys.exit(0 if ratio >= least else 1)


def _trial(home: Home, speed: float, hours: float, with_metrics: bool) -> Trial:
    overrides = {**SIMULATED, **SAME_WORK, "report.metrics": with_metrics, "ray.dashboard": False}
    settings = load_settings("demo", overrides=overrides, env_file=None)
    engine = StandIn(speed / N_STAND_INS, settings.transcribe.language or "en")
    return Trial("simulated", settings, engine, N_STAND_INS, home, max(900.0, 36_000 * hours / speed))


def _apart(corpus: Corpus, urls: list[str], trial: Trial, name: str) -> Measured:
    """Measured in a process of its own: what one run leaves in Ray's client must not help or hinder the next."""
    url = new_database(trial.home, name.lower())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as process:
        return process.submit(_measure, corpus, urls, trial, url).result(trial.limit_s)


def _measure(corpus: Corpus, urls: list[str], trial: Trial, database_url: str) -> Measured:
    from tests.bench.line import measure

    return measure(corpus, urls, trial, database_url)


def _check(side: Measured, corpus: Corpus, with_metrics: bool, scraped: list[int]) -> None:
    if side.n_videos != len(corpus.recordings):
        raise click.ClickException(f"{side.n_videos} of {len(corpus.recordings)} videos were stored")
    if bool(scraped) != with_metrics:
        raise click.ClickException(
            f"metrics {'on' if with_metrics else 'off'}, and {len(scraped)} scrapes found some"
        )


def _told(side: Measured, with_metrics: bool, scraped: list[int]) -> str:
    size = f", {statistics.mean(scraped) / 1000:.0f} kB a scrape" if scraped else ""
    return (
        f"  metrics {'on ' if with_metrics else 'off'}: {side.speed_h_per_h:7.1f} h/h, {side.work_s:.1f} s of work, "
        f"{side.cpu_share:.0%} of the cores, {len(scraped)} scrapes{size}"
    )


if __name__ == "__main__":
    main()
