"""``plan`` against reality: what it foretells before a run, and again once a run has been measured.

``python -m tests.bench.foretold [--minutes N]``: for each variant of the demo's settings a fresh home, a plan, a
run, a second plan that knows the first run, and a second run over other recordings. Figures are of this machine and
this moment; exit code 1 where one that was foretold from a run is further from the truth than ``WITHIN``.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tests.bench.audio import make_corpus
from tests.integration.command import ROOT, environment

VARIANTS: dict[str, tuple[str, ...]] = {
    "as the demo": (),
    "two recognisers": ("transcribe.actors=2",),
    "short segments": ("segment.min_chars=60", "segment.max_chars=100"),
}
"""Settings over the demo's; the last one makes embedding the heavier work."""
KINDS = ("by tables", "by a run")
WITHIN = 0.20


@dataclass(frozen=True, slots=True)
class Foretold:
    """A run, and what was said of it before."""

    variant: str
    kind: str
    plan: dict[str, Any]
    run: dict[str, Any]

    @property
    def ratio(self) -> float:
        """Speed foretold over speed measured."""
        return float(self.plan["speed_h_per_h"]) / float(self.run["speed_h_per_h"])

    @property
    def is_near(self) -> bool:
        return 1 - WITHIN <= self.ratio <= 1 + WITHIN

    def told(self) -> Iterator[str]:
        plan, run = self.plan, self.run
        yield (
            f"{self.variant:<16} {self.kind:<10} foretold {plan['speed_h_per_h']:6.1f} h/h (limit {plan['limit']}),"
            f" measured {run['speed_h_per_h']:6.1f} (bottleneck {run['bottleneck']}), ratio {self.ratio:.2f}"
            f"{'' if self.is_near else '  NOT NEAR'}; time foretold {plan['seconds']:.0f} s, took {run['wall_s']:.0f} s"
        )
        shares = ", ".join(f"{name} {stage['busy']:.0%}" for name, stage in run["stages"].items())
        yield f"{'':<16} {run['audio_h']:.2f} h; busy: {shares}"


@click.command()
@click.option(
    "--variant", type=click.Choice(list(VARIANTS)), multiple=True, help="Only this one; may be repeated."
)
@click.option(
    "--minutes", type=click.FloatRange(min=5), default=45.0, show_default=True, help="Audio of one run."
)
def main(minutes: float, variant: tuple[str, ...]) -> None:
    """Print a line a run: foretold and measured speed, their ratio, and what was to bind."""
    found = []
    with tempfile.TemporaryDirectory(prefix="em-talks-") as talks:
        # The second corpus is a little longer, so that no file has the bytes of one of the first.
        for number, kind in enumerate(KINDS):
            make_corpus(Path(talks) / kind, minutes * 60 + number * 7)
        for name in variant or VARIANTS:
            for each in _both(name, Path(talks)):
                found.append(each)
                for line in each.told():
                    click.echo(line)
    by_a_run = [each for each in found if each.kind == KINDS[-1]]
    near = sum(each.is_near for each in by_a_run)
    click.echo(f"{near} of {len(by_a_run)} that a run was known for are within {WITHIN:.0%}")
    sys.exit(0 if near == len(by_a_run) else 1)


def _both(variant: str, talks: Path) -> Iterator[Foretold]:
    """A run that nothing was known for, and one after it."""
    home = Path(tempfile.mkdtemp(prefix="em-plan-"))
    try:
        for kind in KINDS:
            plan = _command(home, "plan", talks / kind, VARIANTS[variant])
            yield Foretold(variant, kind, plan, _command(home, "ingest", talks / kind, VARIANTS[variant]))
    finally:
        stop = [sys.executable, str(ROOT / "run.py"), "db", "stop"]
        subprocess.run(stop, env=environment(home), check=False, capture_output=True)
        shutil.rmtree(home)


def _command(home: Path, command: str, corpus: Path, settings: tuple[str, ...]) -> dict[str, Any]:
    chosen = [part for each in settings for part in ("--set", each)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), command, str(corpus), "--profile", "demo", *chosen, "--json"],
        env=environment(home), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise click.ClickException(f"{command} ended with {done.returncode}: {done.stderr[-500:]}")
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    main()
