"""The plots of a report's page: SVG to stand inside of HTML. Pure.

Matplotlib draws them. Text stays text, so that it can be searched, and takes the page's colour; everything else has
colours that stand out on white and on black.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipelines.over_time import OverTime

PARTS: Mapping[str, str] = {
    "busy": "#2f7ed8",
    "blocked": "#e08a1e",
    "paused": "#9b6fd0",
    "starved": "#8a8f98",
}
"""What an actor's time falls into, with its colour."""
OPACITY: Mapping[str, float] = {"busy": 1.0, "blocked": 1.0, "paused": 1.0, "starved": 0.3}
"""Where nothing happened what did shall stand out."""
LINES = ("#2f7ed8", "#e08a1e", "#2ca25f", "#d64545", "#9b6fd0", "#a0683a", "#d46ab0", "#7f8c2b", "#17a2b8")
NEUTRAL = "#808080"
POINTS_PER_INCH = 72.0
WIDTH = 360.0
"""Of a plot, in points: at 1:1 it fits a phone, so that its letters are as large there as those of the page."""
HEIGHT = 150.0
LONGEST = 16
"""Letters of a stage's name."""
ROW = 23.0
"""Height of a stage in the Gantt, in points."""
STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10.0, "text.parse_math": False,
    "text.color": NEUTRAL, "axes.edgecolor": NEUTRAL, "axes.labelcolor": NEUTRAL, "xtick.color": NEUTRAL,
    "ytick.color": NEUTRAL, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": NEUTRAL, "grid.alpha": 0.25, "grid.linewidth": 0.5,
    "legend.frameon": False, "legend.fontsize": 9.0, "legend.handlelength": 1.2, "lines.linewidth": 1.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure of the page."""

    name: str
    title: str
    said: str
    """What it shows, for those who can't see it and below it for all others."""
    svg: str


@dataclass(slots=True)
class _Sheet:
    """A plot while it is drawn."""

    name: str
    axes: Axes
    figure: Figure
    svg: str = field(default="")


def plots(run: OverTime, bottleneck: str | None) -> list[Plot]:
    """All that the course has something to show for, in the order of the page.

    Args:
        bottleneck: the stage to make stand out.
    """
    drawn = [
        _gantt(run, bottleneck),
        _by_stage(run, "queues", "Queues", "Rows that waited before each stage.", "queue"),
        _by_stage(run, "pools", "Pools", "Actors that each stage had.", "actors"),
        _stored(run),
    ]
    if run.cores is not None:
        drawn.append(
            _rate(
                run, "cpu", "CPU", "Cores that the run may use and that were busy, for whomever.", run.cores
            )
        )
    if run.cards is not None or run.card_memory is not None:
        drawn.append(_cards(run))
    if run.watts is not None:
        drawn.append(_rate(run, "power", "Power", "Watts that all cards drew.", run.watts))
    return drawn


def _gantt(run: OverTime, bottleneck: str | None) -> Plot:
    """A strip for each stage, in which the parts of its actors' time are stacked."""
    names = [_label(name) for name in run.stages]
    with _sheet("stages", run, height=ROW * len(names) + 30) as sheet:
        axes = sheet.axes
        for at, stage in enumerate(run.stages.values()):
            floor = [float(at)] * len(stage.busy)
            for part, colour in PARTS.items():
                roof = [low + 0.84 * share for low, share in zip(floor, getattr(stage, part), strict=True)]
                if roof != floor:
                    axes.fill_between(
                        run.edges_s, _stepped(floor), _stepped(roof), step="post", color=colour, linewidth=0,
                        alpha=OPACITY[part],
                    )  # fmt: skip
                floor = roof
        axes.set_ylim(len(names), -0.1)  # the first stage on top, its parts growing down from its upper edge
        axes.set_yticks([at + 0.42 for at in range(len(names))], names)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for label in axes.get_yticklabels():
            if bottleneck is not None and label.get_text() == _label(bottleneck):
                label.set_fontweight("bold")
    return Plot(
        "stages", "When each stage worked", "Parts of its actors' time, from the top down.", sheet.svg
    )


def _by_stage(run: OverTime, name: str, title: str, said: str, what: str) -> Plot:
    """A line for each stage that ever had any of it."""
    with _sheet(name, run, height=HEIGHT + 50) as sheet:
        for at, (stage, figures) in enumerate(run.stages.items()):
            values: Sequence[int] = getattr(figures, what)
            if any(values):
                sheet.axes.step(
                    run.edges_s,
                    _stepped(values),
                    where="post",
                    color=LINES[at % len(LINES)],
                    label=_label(stage),
                )
        sheet.axes.set_ylim(bottom=0)
        sheet.axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        if sheet.axes.get_legend_handles_labels()[0]:
            sheet.figure.legend(loc="outside lower center", ncols=3)
    return Plot(name, title, said, sheet.svg)


def _stored(run: OverTime) -> Plot:
    with _sheet("stored", run) as sheet:
        sheet.axes.plot(run.edges_s, run.stored_audio_h, color=LINES[2])
        sheet.axes.set_ylim(bottom=0)
    return Plot("stored", "Stored", "Hours of audio that were in the corpus.", sheet.svg)


def _rate(run: OverTime, name: str, title: str, said: str, values: Sequence[float]) -> Plot:
    with _sheet(name, run) as sheet:
        _fill(sheet, run, values)
        sheet.axes.set_ylim(bottom=0)
    return Plot(name, title, said, sheet.svg)


def _cards(run: OverTime) -> Plot:
    """What cards tell: some don't say how busy they are."""
    with _sheet("gpu", run, height=HEIGHT + 25) as sheet:
        if run.cards is not None:
            _fill(sheet, run, run.cards, label="cards busy")
        if run.card_memory is not None:
            sheet.axes.step(
                run.edges_s,
                _stepped(run.card_memory),
                where="post",
                color=LINES[1],
                label="memory of the fullest",
            )
        sheet.axes.set_ylim(bottom=0)
        sheet.figure.legend(loc="outside lower center", ncols=2)
    return Plot("gpu", "GPU", "Cards whose kernels ran, summed; share of memory in use.", sheet.svg)


def _fill(sheet: _Sheet, run: OverTime, values: Sequence[float], label: str | None = None) -> None:
    sheet.axes.fill_between(
        run.edges_s, _stepped(values), step="post", color=LINES[0], alpha=0.7, linewidth=0, label=label
    )


@contextmanager
def _sheet(name: str, run: OverTime, height: float = HEIGHT) -> Iterator[_Sheet]:
    """Axes over the run's time; on leaving the sheet has its SVG."""
    style: Any = STYLE | {"svg.hashsalt": name}  # its type names every key that there is
    with rc_context(style):
        figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlim(run.edges_s[0], run.edges_s[-1])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _clock(seconds)))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 1.5, 2, 3, 6, 10]))
        sheet = _Sheet(name, axes, figure)
        yield sheet
        sheet.svg = _svg(figure, name)


def _svg(figure: Figure, name: str) -> str:
    """The figure as an element of a page: as wide as its place, its ids its own."""
    out = io.StringIO()
    figure.savefig(
        out, format="svg", transparent=True,
        metadata={"Creator": None, "Date": None, "Format": None, "Type": None},
    )  # fmt: skip
    drawn = out.getvalue()
    opening, rest = drawn[drawn.index("<svg") :].split(">", 1)
    opening = re.sub(r'\s(width|height|xmlns(:\w+)?|version)="[^"]*"', "", opening)
    rest = rest.replace("xlink:href=", "href=")
    return f'{opening} role="img" aria-labelledby="{name}-said">' + re.sub(
        r'(\bid="|url\(#|\bhref="#)', rf"\g<1>{name}-", rest
    )


def _label(stage: str) -> str:
    """A stage's name, cut to what leaves room for the plot: a line of one's own may name them as it likes."""
    return stage if len(stage) <= LONGEST else f"{stage[: LONGEST - 1]}…"


def _stepped(values: Sequence[float]) -> list[float]:
    """A value for every edge: the last one's is its interval's."""
    return [*values, values[-1]]


def _clock(seconds: float) -> str:
    """As a person reads a time of so many seconds."""
    minutes, left_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left_s:02}" if hours else f"{minutes}:{left_s:02}"
