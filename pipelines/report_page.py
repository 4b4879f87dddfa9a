"""A run's report as a page: one file that needs no network and no script, and forbids itself both.

Owns what stands on it; how that looks is ``report_page.html``'s, what the plots show ``page_plots.py``'s.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.over_time import over_time
from pipelines.page_plots import OPACITY, PARTS, Plot, plots
from pipelines.progress import duration
from pipelines.report import against_probes, bounds_said, seconds_said, speed_said, standing

TEMPLATE = "report_page.html"


def page(document: Mapping[str, Any], course: Mapping[str, Any]) -> str:
    """The page of a run.

    Args:
        document: ``report_document`` with ``run`` and ``outcome``.
        course: as ``Timeline.document`` gives it; empty where none is kept.
    """
    run = over_time(course)
    drawn = plots(run, document["bottleneck"]) if run is not None else []
    return _environment().get_template(TEMPLATE).render(
        title=f"Run {document['run']}, {standing(document)}",
        run=document, probes=list(against_probes(document)), parts=PARTS, opacity=OPACITY, plots=[_placed(plot) for plot in drawn], no_course=_why_no_course(document),
    )  # fmt: skip


def _placed(plot: Plot) -> dict[str, object]:
    """For the template: what matplotlib drew has its text escaped already."""
    svg = Markup(plot.svg)  # noqa: S704
    return {"name": plot.name, "title": plot.title, "said": plot.said, "svg": svg}


def _why_no_course(document: Mapping[str, Any]) -> str:
    if document["goes_on"]:
        return "The run still goes on: how it went over time is kept at its end. `run.py watch` shows it now."
    if document["outcome"] in (None, "lost"):
        return "The run's driver died: how it went over time wasn't kept, and the figures are its last ones."
    if document["outcome"] == "failed":
        return "The run ended by an error before how it went over time was kept; its log says more."
    return "How the run went over time isn't kept: it had nothing to do, or an older Earmark made it."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _share(part: float) -> str:
    return f"{part:.0%}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "bounds": bounds_said,
        "duration": duration,
        "sentence": _sentence,
        "share": _share,
        "speed": speed_said,
        "time": seconds_said,
    }
    return made
