"""What telling voices apart costs, and what the fast path may miss. See ``--help``."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from configs.load import load_settings
from tests.bench.trial import temporary_home
from tests.bench.voice_cost import (
    Batching,
    LineCost,
    batching,
    full_size_batching,
    line_cost,
    make_monologues,
)
from tests.bench.voice_guests import SLICE_S, Alone, Line, Voices, measure

GUESTS_S = (3.0, 6.0, 11.0, 14.0, 20.0)
SPACINGS_S = (5.0, 8.0, 12.0, 20.0, 60.0)
MUST_BE_HEARD_S = 11.0
"""The speech in twenty seconds of a guest who pauses for half of them."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--parts", default="batches,guests,line", show_default=True, help="Which to measure.")
@click.option(
    "--trials", type=click.IntRange(min=1), default=20, show_default=True, help="Slices of each host."
)
@click.option("--windows", "n_windows", type=click.IntRange(min=8), default=256, show_default=True, help="Windows to time.")  # fmt: skip
@click.option("--full-size", type=click.IntRange(min=0), default=16, show_default=True, help="Windows to time with a network of the published size; 0: none.")  # fmt: skip
@click.option("--talk-s", type=click.FloatRange(min=60), default=400.0, show_default=True, help="Length of each of three talks for the line.")  # fmt: skip
@click.option("--set", "assignments", metavar="SECTION.NAME=VALUE", multiple=True, help="A setting of the demo profile.")  # fmt: skip
def main(
    parts: str, trials: int, n_windows: int, full_size: int, talk_s: float, assignments: tuple[str, ...]
) -> None:
    """Three measurements with the voices of the shipped talks.

    \b
    batches  windows a second, in batches against one at a time
    guests   how often a guest in a slice of a monologue goes unheard, by the spacing of the probes
    line     Identify's share of the line's work with the fast path and without, on monologues of enrolled voices

    Exit code 1: a guest of 11 s of speech or more went unheard at the spacing in use.
    """
    from actors.voices.speaker_model import SpeakerModel
    from actors.voices.windows import PROBE_EVERY_S

    settings = load_settings(
        "demo", overrides=dict(each.split("=", 1) for each in assignments), env_file=None
    )
    chosen, section = parts.split(","), settings.identify
    with temporary_home(keep=False) as home:
        model = SpeakerModel(section, home.models_dir)
        if "batches" in chosen:
            _print(batch_lines([
                batching(model, section.window_s, section.batch_size, n_windows),
                *([full_size_batching(model.device, section.window_s, full_size, full_size)] if full_size else []),
            ]))  # fmt: skip
        unheard = 0
        if "guests" in chosen:
            spacings = sorted({*SPACINGS_S, PROBE_EVERY_S})
            lines, alone = measure(model, section, GUESTS_S, spacings, trials)
            _print(guest_lines(lines, alone))
            unheard = sum(
                each.n_unheard for each in lines
                if each.every_s == PROBE_EVERY_S and each.guest_s >= MUST_BE_HEARD_S
            )  # fmt: skip
        if "line" in chosen:
            voices = Voices(model, section)
            paths = make_monologues(Path(home.root) / "media", voices.names, talk_s)
            profiles = tuple(voices.profiles.values())
            _print(
                cost_lines(
                    [line_cost(paths, settings, home, profiles, fast_path=fast) for fast in (False, True)]
                )
            )
    sys.exit(1 if unheard else 0)


def batch_lines(measured: Sequence[Batching]) -> Iterator[str]:
    """Windows a second."""
    for each in measured:
        yield (
            f"{each.model}: {each.batched_per_s:.1f} windows/s in batches of {each.batch_size}, "
            f"{each.single_per_s:.1f} one at a time: {each.gain:.2f} ×"
        )


def guest_lines(lines: Sequence[Line], alone: Sequence[Alone]) -> Iterator[str]:
    """A table: spacings across, guests down."""
    spacings = [each.every_s for each in alone]
    yield f"guests that went unheard in a slice of {SLICE_S:.0f} s (in brackets: what the spacing alone would miss)"
    yield "  probes every     " + "".join(f"{every_s:>16.0f} s" for every_s in spacings)
    for guest_s in sorted({each.guest_s for each in lines}):
        cells = {each.every_s: each for each in lines if each.guest_s == guest_s}
        told = [f"{c.n_unheard}/{c.n} ({c.bound:.2f})" for c in (cells[every_s] for every_s in spacings)]
        yield f"  guest of {guest_s:>3.0f} s    " + "".join(f"{cell:>18}" for cell in told)
    yield "  no guest: taken  " + "".join(f"{f'{each.n_taken}/{each.n}':>18}" for each in alone)
    yield "  windows saved    " + "".join(f"{each.saved:>18.0%}" for each in alone)


def cost_lines(costs: Sequence[LineCost]) -> Iterator[str]:
    """Shares of the line's work."""
    for cost in costs:
        yield (
            f"{'with' if cost.fast_path else 'without'} the fast path: Identify {cost.busy_s['Identify']:.1f} s, "
            f"{cost.share:.1%} of all stages' work ({cost.busy_s['Identify'] / cost.busy_s['Transcribe']:.2f} of "
            f"Transcribe's); {cost.n_windows} windows, {cost.n_dense} of {cost.n_slices} slices heard whole; "
            f"line {cost.line_s:.1f} s"
        )
    dense, fast = costs
    yield f"the fast path leaves {fast.busy_s['Identify'] / dense.busy_s['Identify']:.2f} of Identify's work"


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)
    click.echo()


if __name__ == "__main__":
    main()
