"""Disturb Earmark in every way that a weekend can, and see that nothing is lost. See ``--help``."""

import signal
import sys
import time
from collections import Counter
from pathlib import Path

import click

from tests.faults.campaign import Campaign, Round
from tests.faults.faults import deal
from tests.faults.shop import Scale, open_shop


@click.command()
@click.option("--n", "n_faults", default=100, show_default=True, help="How many faults.")
@click.option("--seed", default=1, show_default=True, help="Which ones, in which order, at which moments.")
@click.option("--keep", is_flag=True, help="Keep databases and logs even if all was well.")
def main(n_faults: int, seed: int, keep: bool) -> None:
    """Real processes, real kills; exit code 1 where a corpus differs from that of an undisturbed run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends it, it clears up
    # A shell's background ignores Ctrl-C, and so would every run that is started from there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began_at = time.monotonic()
    kept: list[Path] = []
    say(f"seed {seed}, {n_faults} faults")
    with open_shop(Scale(), kept) as shop:
        logs = shop.home.parent / "logs"
        campaign = Campaign(shop, seed, say, logs)
        rounds = campaign.play(deal(seed, n_faults), campaign.undisturbed())
        if keep or any(played.differences for played in rounds):
            kept.append(logs)
    summary(rounds, time.monotonic() - began_at)
    if kept:
        say(f"kept: {kept[0].parent}")
    sys.exit(1 if any(played.differences for played in rounds) else 0)


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def summary(rounds: list[Round], wall_s: float) -> None:
    """Figures of the whole campaign."""
    struck = [fault for played in rounds for fault in played.struck]
    for what, n in sorted(Counter(f"{fault.kind} {fault.stage}".strip() for fault in struck).items()):
        say(f"{n:4d} × {what}")
    say(
        f"{len(struck)} faults in {len(rounds)} rounds and {sum(len(played.exit_codes) for played in rounds)} runs, "
        f"{wall_s:.0f} s: {sum(played.n_twice for played in rounds)} slices transcribed again, "
        f"{sum(played.n_in_hand for played in rounds)} were in hand; "
        f"{sum(len(played.differences) for played in rounds)} differences"
    )


if __name__ == "__main__":
    main()
