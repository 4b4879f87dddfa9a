"""A run's report as a page: everything on it, nothing from elsewhere, and nothing unescaped."""

import re
from html.parser import HTMLParser

import pytest

from pipelines.over_time import over_time
from pipelines.progress import STAGES
from pipelines.report_page import page
from tests.made_run import BOUND, course, document

EVIL = """<script>alert("1")</script>'"><img src=x onerror=alert(2)>"""
FETCHING = {"src", "srcset", "href", "xlink:href", "action", "data", "poster", "background", "content"}


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def test_the_page_says_what_bound_the_run_and_what_to_change() -> None:
    """With evidence, speed, every stage, why pools grew, and the cost."""
    found = document()
    read = Reader(page(found, course()))
    assert "Run 7, finished" in read.text and "90.0 h/h" in read.text
    assert f"Bottleneck: {BOUND} (work)" in read.text
    assert found["why"] in read.text and found["advice"] in read.text
    assert all(name in read.text for name in STAGES)
    assert "1 → 2" in read.text and "1–6" in read.text and "50 rows waited before it" in read.text
    assert "2.8 Wh" in read.text and f"{found['cost']['money_per_audio_h']:.4f} EUR" in read.text


def test_the_page_says_why_pools_are_as_they_are() -> None:
    """Beside their bounds, escaped as everything else."""
    read = Reader(page(document() | {"notes": ["32 of 256 ASR workers", EVIL]}, course()))
    assert (
        "Pools: 32 of 256 ASR workers." in read.text and "script" not in read.tags and "img" not in read.tags
    )


def test_every_plot_is_there_and_its_ids_are_its_own() -> None:
    """One for each thing that is kept; an id stands once and whatever refers to one finds it."""
    read = Reader(page(document(), course()))
    figures = [value for tag, name, value in read.attributes if (tag, name) == ("figure", "id")]
    assert figures == ["stages", "queues", "pools", "stored", "cpu", "gpu", "power"]
    assert read.tags.count("svg") == len(figures)
    ids = read.values("id")
    assert len(ids) == len(set(ids))
    used = [value[1:] for value in read.values("href")]
    used += re.findall(r"url\(#([^)]+)\)", " ".join(read.values("clip-path")))
    assert used and set(used) <= set(ids)


def test_without_a_card_there_is_no_plot_of_one() -> None:
    """And the page says that none told its energy."""
    read = Reader(page(document(), course(with_card=False)))
    figures = [value for tag, name, value in read.attributes if (tag, name) == ("figure", "id")]
    assert figures == ["stages", "queues", "pools", "stored", "cpu"]


def test_a_card_that_does_not_tell_how_busy_it_is_has_a_plot_of_its_memory() -> None:
    """Such as one that is cut into MIG instances."""
    kept = course()
    kept["machine"]["gpu_busy_s"] = [None] * len(kept["at_s"])
    text = page(document(), kept)
    read = Reader(text)
    assert "gpu" in [value for tag, name, value in read.attributes if (tag, name) == ("figure", "id")]
    assert "memory of the fullest" in text and "cards busy" not in text


def test_nothing_comes_from_elsewhere() -> None:
    """No script, no address of any host, and a policy that would refuse them."""
    text = page(document(), course())
    read = Reader(text)
    assert not {"script", "iframe", "object", "embed", "img", "base", "form"} & set(read.tags)
    for tag, name, value in read.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in FETCHING and tag != "meta":
            assert value.startswith("#"), (tag, name, value)
    assert not re.search(r"(https?:)?//[a-z]|@import|url\((?!#)", text, re.IGNORECASE)
    assert "default-src 'none'; style-src 'unsafe-inline'" in read.values("content")


def test_what_others_wrote_is_escaped_wherever_it_stands() -> None:
    """Names of stages, reasons and codes come through as text, in table, plots and head alike."""
    found = document(bottleneck=EVIL, why=EVIL, advice=EVIL, cause=EVIL, outcome=EVIL)
    found["stages"] = {EVIL: found["stages"][BOUND] | {"failed": 2, "codes": {EVIL: 2}}}
    found["scalings"] = [{"at_s": 1.0, "stage": EVIL, "before": 1, "after": 2, "why": EVIL}]
    kept = course()
    kept["stages"] = {EVIL: kept["stages"][BOUND]}
    text = page(found, kept)
    read = Reader(text)
    assert "<script" not in text and "<img" not in text
    assert not any(name.startswith("on") for _, name, _ in read.attributes)
    assert read.text.count("alert(2)") >= 8, "head, verdict, table, reasons"
    assert read.text.count('<script>alert("…') == 3, "Gantt, queues, pools"


@pytest.mark.parametrize(
    ("outcome", "goes_on", "why"),
    [
        (None, True, "still goes on"),
        (None, False, "driver died"),
        ("lost", False, "driver died"),
        ("failed", False, "ended by an error"),
        ("finished", False, "isn't kept"),
    ],
)
def test_a_run_without_a_course_has_a_page_that_says_why(
    outcome: str | None, goes_on: bool, why: str
) -> None:
    """The figures are there all the same."""
    read = Reader(page(document(outcome=outcome, goes_on=goes_on), {}))
    assert why in read.text and f"Bottleneck: {BOUND}" in read.text
    assert "svg" not in read.tags


def test_a_run_that_had_nothing_to_do_has_a_page() -> None:
    """No stage, no bottleneck, no cost."""
    nothing = document(bottleneck=None, stages={}, scalings=[], tail_s=None)
    nothing["cost"] = {"gpu_wh_per_audio_h": None, "money_per_audio_h": None, "currency": "EUR"}
    read = Reader(page(nothing, {}))
    assert "No stage had anything to do." in read.text and "Bottleneck: none" in read.text
    assert "No card told its energy." in read.text and "report.price_per_kwh" in read.text


@pytest.mark.parametrize("n_marks", [1, 2, 239])
def test_any_number_of_marks_can_be_drawn(n_marks: int) -> None:
    """A run of a second, and a long one: its page stays small."""
    text = page(document(), course(n_marks))
    assert "<svg" in text and len(text) < 700_000


def test_stages_are_drawn_in_the_order_of_the_line_however_they_were_kept() -> None:
    """JSON in the database sorts names by their length."""
    kept = course()
    kept["stages"] = dict(sorted(kept["stages"].items(), key=lambda each: (len(each[0]), each[0])))
    assert list(over_time(kept).stages) == list(STAGES)
