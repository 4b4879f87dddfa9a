"""``plan`` against reality: what it foretells before a run, and again once a run has been measured.

``python -m tests.bench.foretold [--minutes N]``: for each variant of the demo's settings a fresh home, a plan, a
run, a second plan that knows the first run, and a second run. Figures are of this machine and this moment.
"""

import json
import shutil
import subprocess
import sys
import tempfile
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


@click.command()
@click.option(
    "--variant", type=click.Choice(list(VARIANTS)), multiple=True, help="Only this one; may be repeated."
)
@click.option(
    "--minutes", type=click.FloatRange(min=5), default=30.0, show_default=True, help="Audio of one run."
)
def main(minutes: float, variant: tuple[str, ...]) -> None:
    """Print a line a run: foretold and measured speed, their ratio, and what was to bind."""
    for name, settings in VARIANTS.items():
        if variant and name not in variant:
            continue
        home = Path(tempfile.mkdtemp(prefix="em-plan-"))
        try:
            for number, kind in enumerate(("by tables", "measured here")):
                corpus = home / f"talks-{number}"
                # The second corpus is a little longer, so that no file has the bytes of one of the first.
                make_corpus(corpus, minutes * 60 + number * 7)
                foretold = _command(home, "plan", corpus, settings)
                ended = _command(home, "ingest", corpus, settings)
                origin = foretold["stages"]["Transcribe"]["origin"]
                speed, real = foretold["speed_h_per_h"], ended["speed_h_per_h"]
                figures = _command(home, "status", None, settings)["last_run"]["figures"]
                audio_h = figures["audio_s"] / 3600
                costs = {
                    stage: round(each["busy_s"] / audio_h, 1) for stage, each in figures["stages"].items()
                }
                click.echo(
                    f"{name:<16} {kind:<14} foretold {speed:6.1f} h/h ({foretold['limit']}, {origin}), measured {real:6.1f}, "
                    f"ratio {speed / real:.2f}; time foretold {foretold['seconds']:.0f} s, measured {ended['wall_s']:.0f} s"
                )
                click.echo(
                    f"{'':<16} seconds of an actor for an hour of audio: {costs}; busy {_shares(ended)}"
                )
        finally:
            subprocess.run(
                [sys.executable, str(ROOT / "run.py"), "db", "stop"], env=environment(home), check=False
            )
            shutil.rmtree(home)


def _shares(ended: dict[str, Any]) -> dict[str, float]:
    return {stage: each["busy_share"] for stage, each in ended["stages"].items()}


def _command(home: Path, command: str, corpus: Path | None, settings: tuple[str, ...]) -> dict[str, Any]:
    chosen = [part for each in settings for part in ("--set", each)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), command, *([str(corpus)] if corpus else []), "--profile", "demo", *chosen, "--json"],
        env=environment(home), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise click.ClickException(f"{command} ended with {done.returncode}: {done.stderr[-500:]}")
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    main()
