"""Earmark's line against its limit and against phases. See ``--help``."""

import json
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from actors.errors import EarmarkError
from configs.catalogue import SettingsError
from configs.home import Home
from configs.load import load_settings
from configs.settings import Settings
from tests.bench import limit, line, phases, report
from tests.bench.audio import Corpus, make_corpus
from tests.bench.console import log_to, tell
from tests.bench.real_engine import RealEngine
from tests.bench.server import Network, serving
from tests.bench.standin import StandIn
from tests.bench.trial import (
    LEAST_LIMIT_S,
    SAME_WORK,
    SIMULATED,
    Trial,
    assigned,
    new_database,
    temporary_home,
)

REAL_HOURS = 0.4
PACE_ALLOWED = 10.0
"""A piece of work may take so many times what the engine alone would need before it is given up."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--form",
    type=click.Choice(["real", "simulated"]),
    default="real",
    show_default=True,
    help="real: the demo profile's recogniser on this CPU. simulated: a stand-in that waits as long as a GPU would "
    "take, and uses no core; every other stage is real.",
)
@click.option(
    "--speeds",
    default="50,150,400",
    show_default=True,
    help="Simulated: speeds of the GPU in hours of speech an hour, a round each.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    help="Simulated: how long side (a) is to last; so much audio is made (speed × seconds).",
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0.02, max=200),
    help=f"Hours of audio instead. Real: {REAL_HOURS} unless given.",
)
@click.option(
    "--line-mb-per-s",
    type=click.FloatRange(min=0.01),
    default=Network().bytes_per_s / 1e6,
    show_default=True,
    help="Rate of the media server, all connections together.",
)
@click.option(
    "--connection-mb-per-s",
    type=click.FloatRange(min=0.01),
    default=Network().bytes_per_s_each / 1e6,
    show_default=True,
    help="Its rate of one connection.",
)
@click.option("--sides", default="a,b,c", show_default=True, help="Which to run, in this order.")
@click.option(
    "--set", "assignments", metavar="SECTION.NAME=VALUE", multiple=True, help="A setting, for all sides."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file as JSON."
)
@click.option(
    "--keep", is_flag=True, help="Leave the temporary home (database files, logs) and say where it is."
)
def main(
    form: Literal["real", "simulated"], speeds: str, seconds: float, hours: float | None,
    line_mb_per_s: float, connection_mb_per_s: float, sides: str, assignments: tuple[str, ...], out: Path | None, keep: bool,
) -> None:  # fmt: skip
    """Compare three arrangements of the same work, on the same recordings and settings.

    \b
    a  the limit: the recogniser alone, on audio that is prepared in memory
    b  Earmark's line: a media server on loopback, yt-dlp, Ray Data, Postgres
    c  one phase after another: look, download (12 threads), recognisers that decode and
       find speech themselves, embed, store

    Speeds are hours of audio an hour of work; start-up is shown apart. b/a is what the line keeps of the
    recogniser's speed, b/c what it gains over phases. Exit code 1: the sides did not do the same work.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    chosen = _sides(sides)
    network = Network(round(line_mb_per_s * 1e6), round(connection_mb_per_s * 1e6))
    rounds: list[report.Round] = []
    try:
        settings = _settings(form, assignments)
        for speed in [None] if form == "real" else _speeds(speeds):
            length_h = hours or (REAL_HOURS if speed is None else speed * seconds / 3600)
            with temporary_home(keep) as home:
                trial = _trial(form, settings, home, speed, length_h)
                rounds.append(_round(trial, speed, length_h, chosen, network))
                if keep:
                    click.echo(f"kept: {home.root}", err=True)
            click.echo("\n".join(["", *report.lines(rounds[-1]), ""]))
    except (SettingsError, EarmarkError) as error:
        raise click.ClickException(str(error)) from error
    except (multiprocessing.TimeoutError, threading.BrokenBarrierError, TimeoutError) as error:
        raise click.ClickException(f"a side didn't come to its end: {error!r}") from error
    except KeyboardInterrupt:
        click.echo("stopped; nothing is left behind", err=True)
        sys.exit(130)
    finally:
        if out is not None and rounds:
            out.write_text(json.dumps([report.document(one) for one in rounds], indent=2) + "\n")
    sys.exit(1 if any(report.faults(one) for one in rounds) else 0)


def _round(
    trial: Trial, speed: float | None, length_h: float, sides: list[report.SideName], network: Network
) -> report.Round:
    log_to(trial.home.logs_dir / "bench.log")
    tell(f"making {length_h:.2f} h of audio")
    corpus = make_corpus(trial.home.root / "media", length_h * 3600)
    measured = []
    for side in sides:
        tell(report.TITLES[side])
        measured.append(_measure(side, corpus, trial, network))
    if speed is None:
        engine = f"{Path(trial.settings.transcribe.model).name} on this CPU"
    else:
        engine = f"a stand-in that waits as a GPU of {speed:g} h/h of speech would"
    return report.Round(
        form=trial.form, engine=engine, network=str(network), n_workers=trial.n_workers, n_videos=len(corpus.recordings),
        audio_s=corpus.audio_s, sides=tuple(measured),
    )  # fmt: skip


def _measure(side: report.SideName, corpus: Corpus, trial: Trial, network: Network) -> report.Measured:
    if side == "a":
        return limit.measure(corpus, trial)
    arrangement: Callable[..., report.Measured] = line.measure if side == "b" else phases.measure
    with serving(corpus, network) as urls:
        return arrangement(corpus, urls, trial, new_database(trial.home, f"side_{side}"))


def _settings(form: str, assignments: tuple[str, ...]) -> Settings:
    shape = SIMULATED if form == "simulated" else {}
    overrides: dict[str, object] = {**shape, **SAME_WORK, **assigned(assignments)}
    return load_settings("demo", overrides=overrides, env_file=None)


def _trial(
    form: Literal["real", "simulated"], settings: Settings, home: Home, speed: float | None, length_h: float
) -> Trial:
    n_workers = settings.transcribe.actors
    if speed is None:
        return Trial(form, settings, RealEngine(settings.transcribe, home.models_dir), n_workers, home)
    engine = StandIn(speed / n_workers, settings.transcribe.language or "en")
    alone_s = length_h * 3600 / speed
    return Trial(form, settings, engine, n_workers, home, max(LEAST_LIMIT_S, PACE_ALLOWED * alone_s))


def _sides(given: str) -> list[report.SideName]:
    found = [side.strip() for side in given.split(",") if side.strip()]
    known: list[report.SideName] = [side for side in report.TITLES if side in found]
    if not found or len(known) != len(set(found)):
        raise click.UsageError(f"--sides {given}: name some of a, b and c")
    return known


def _speeds(given: str) -> list[float]:
    try:
        found = [float(speed) for speed in given.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 < speed <= 100_000 for speed in found):
        raise click.UsageError(f"--speeds {given}: give numbers over 0, with commas between them")
    return found


if __name__ == "__main__":
    main()
