"""Does the line scale: more recognisers, one long video, very many ids, and what a large cluster would ask. See ``--help``."""

import json
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from actors.errors import EarmarkError
from configs.catalogue import SettingsError
from configs.home import Home
from tests.bench.console import log_to, tell
from tests.bench.scale import arithmetic, efficiency, evenness, flatness
from tests.bench.trial import assigned, temporary_home


@dataclass
class Choice:
    """What the command line asked for."""

    workers: list[int]
    speed: float
    seconds: float
    long_h: float
    n_short: int
    tail_speed: float
    n_ids: int
    connections: list[int]
    cluster: arithmetic.Cluster
    assignments: dict[str, str]


@dataclass
class Told:
    """What a part came to."""

    lines: list[str]
    document: dict[str, Any]
    faults: list[str] = field(default_factory=list)


def _numbers(context: click.Context, parameter: click.Parameter, given: str) -> list[int]:
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise click.BadParameter("give whole numbers over 0, with commas between them")
    return [int(part) for part in parts]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--part", "parts", type=click.Choice(["workers", "tail", "ids", "rates"]), multiple=True, help="Only this one; may be repeated. Default: all, which takes about an hour on two cores.")  # fmt: skip
@click.option("--workers", default="1,2,4,8", show_default=True, callback=_numbers, help="workers: numbers of recognisers, a run each.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(min=0.1), default=18.0, show_default=True, help="workers: of one recogniser, in hours of speech an hour. Eight of 18 want 168 hours of audio an hour, which two cores can prepare.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=1), default=420.0, show_default=True, help="workers: audio of a run, in what its recognisers would need for so many seconds if all of it were speech. A slice takes 17 s at 18 h/h, and beginning and end are lost to some of them.")  # fmt: skip
@click.option("--long", "long_h", type=click.FloatRange(min=0.1, max=11), default=6.0, show_default=True, help="tail: hours of the long video.")  # fmt: skip
@click.option("--short", "n_short", type=click.IntRange(min=10), default=50, show_default=True, help="tail: videos of one to three minutes beside it.")  # fmt: skip
@click.option("--tail-speed", type=click.FloatRange(min=0.1), default=24.0, show_default=True, help="tail: of each of its four recognisers, in hours of speech an hour.")  # fmt: skip
@click.option("--ids", "n_ids", type=click.IntRange(min=100), default=100_000, show_default=True, help="ids: how many stream through.")  # fmt: skip
@click.option("--connections", default="1,4,16", show_default=True, callback=_numbers, help="rates: how many at once, a round each.")  # fmt: skip
@click.option("--gpus", type=click.IntRange(min=1), default=1000, show_default=True, help="rates: GPUs of the cluster that is reckoned with.")  # fmt: skip
@click.option("--gpu-speed", type=click.FloatRange(min=1), default=150.0, show_default=True, help="rates: of each of them, in hours of audio an hour.")  # fmt: skip
@click.option("--video-minutes", type=click.FloatRange(min=0.5), default=15.0, show_default=True, help="rates: length of its videos.")  # fmt: skip
@click.option("--set", "assignments", metavar="SECTION.NAME=VALUE", multiple=True, help="A setting, for the lines of workers, tail and ids.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file as JSON.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the temporary home (database files, logs) and say where it is.")  # fmt: skip
def main(
    parts: tuple[str, ...], workers: list[int], speed: float, seconds: float, long_h: float, n_short: int,
    tail_speed: float, n_ids: int, connections: list[int], gpus: int, gpu_speed: float, video_minutes: float,
    assignments: tuple[str, ...], out: Path | None, keep: bool,
) -> None:  # fmt: skip
    """Four measurements. The recogniser is a stand-in that waits as a GPU would; all else is real.

    \b
    workers  the line with 1, 2, 4 and 8 recognisers against so many times what one does alone
    tail     one video of six hours among fifty short ones on four recognisers, against the ideal
    ids      100,000 ids through Claim and Prefilter, most with nothing behind them: is the driver's
             memory flat, and how soon comes the first slice?
    rates    transactions, permits and entries of a list a second, bytes between two actors, rows a second
             through one driver and reports to its scoreboard; and what 1,000 GPUs would ask of each

    Nobody is identified: on CPUs that would be what is waited for (--set identify.enabled=true has it done). Exit code
    1: four recognisers keep less than 0.9 of their speed; the tail takes over 1.15 times the ideal; the driver's memory
    at the end is over 110 % of that when a quarter of the ids had ended, or the first slice comes after 60 s; or a run
    went wrong.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    cluster = arithmetic.Cluster(gpus, gpu_speed, video_s=60 * video_minutes)
    choice = Choice(
        workers, speed, seconds, long_h, n_short, tail_speed, n_ids, connections, cluster, assigned(assignments)
    )  # fmt: skip
    found: dict[str, Told] = {}
    try:
        for name in parts or PARTS:
            with temporary_home(keep) as home:
                log_to(home.logs_dir / "scale.log")
                if keep:
                    click.echo(f"kept: {home.root}", err=True)
                found[name] = PARTS[name](choice, home)
            told = found[name]
            click.echo("\n".join(["", *told.lines, *(f"FAULT: {each}" for each in told.faults), ""]))
    except (SettingsError, EarmarkError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    except (multiprocessing.TimeoutError, threading.BrokenBarrierError, TimeoutError) as error:
        raise click.ClickException(f"a part didn't come to its end: {error!r}") from error
    except KeyboardInterrupt:
        click.echo("stopped; nothing is left behind", err=True)
        sys.exit(130)
    finally:
        if out is not None and found:
            document = {name: {**told.document, "faults": told.faults} for name, told in found.items()}
            out.write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(1 if any(told.faults for told in found.values()) else 0)


def _workers(choice: Choice, home: Home) -> Told:
    from tests.bench.scale import workers

    found = []
    for each in workers.measure(choice.workers, choice.speed, choice.seconds, choice.assignments, home, tell):
        found.append(each)
        tell(f"{each.n} recognisers keep {each.efficiency:.3f} of their speed")
    rows = [{**asdict(each), "efficiency": each.efficiency} for each in found]
    return Told(list(efficiency.lines(found)), {"workers": rows}, list(efficiency.faults(found)))


def _tail(choice: Choice, home: Home) -> Told:
    from tests.bench.scale import tail

    found = tail.measure(
        choice.long_h * 3600, choice.n_short, choice.tail_speed, choice.assignments, home, tell
    )
    document = {**asdict(found), "ideal_s": found.ideal_s, "ratio": found.ratio}
    return Told(list(evenness.lines(found)), document, list(evenness.faults(found)))


def _ids(choice: Choice, home: Home) -> Told:
    from tests.bench.scale import ids

    found = ids.measure(choice.n_ids, choice.assignments, home, tell)
    document = {**asdict(found), "growth": found.growth, "ids_per_s": found.ids_per_s}
    return Told(list(flatness.lines(found)), document, list(flatness.faults(found)))


def _rates(choice: Choice, home: Home) -> Told:
    from tests.bench.scale import engine_rates, rates

    ledger = rates.measure(choice.connections, home, tell)
    engine = engine_rates.measure(home, tell)
    best = arithmetic.best(
        ledger.rates, ledger.slice_bytes, engine.object_bytes, engine.tasks, engine.sourced, engine.reports
    )
    document = {
        "rates": [asdict(rate) for rate in ledger.rates], "best": asdict(best), "cluster": asdict(choice.cluster),
        "loads": [{**asdict(load), "times": load.times} for load in arithmetic.loads(choice.cluster, best)],
    }  # fmt: skip
    return Told([*_rate_lines(ledger.rates), *arithmetic.lines(choice.cluster, best)], document)


def _rate_lines(measured: tuple[arithmetic.Rate, ...]) -> Iterator[str]:
    yield "rates here, each measured by itself on one embedded Postgres that holds little, with its clients on the same machine"
    yield from arithmetic.rate_lines(measured)
    yield ""


PARTS: dict[str, Callable[[Choice, Home], Told]] = {
    "workers": _workers,
    "tail": _tail,
    "ids": _ids,
    "rates": _rates,
}


if __name__ == "__main__":
    main()
