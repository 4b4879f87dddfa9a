"""The report's page as a person sees it: on a phone and on a screen, by day and by night, on paper."""

from collections.abc import Iterator

import pytest
from browser import Browser, browser

from pipelines.report_page import page
from tests.made_run import BOUND, STAGES, course, document

WIDTHS = (360, 1200)
READABLE_PX = 8.0
"""Height of the smallest letters of a plot, ascenders and descenders included."""


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with everything that a page can show."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page(document(), course()), encoding="utf-8")
    return file.as_uri()


TEXTS = """
const seen = [];
for (const text of document.querySelectorAll('figure svg text')) {
  const box = text.getBoundingClientRect();
  seen.push({said: text.textContent, left: box.left, right: box.right, height: box.height,
             colour: getComputedStyle(text).fill, figure: text.closest('figure').id});
}
return seen;
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_stages_and_bottleneck_are_seen_at_any_width(
    opened: Browser, url: str, width: int, dark: bool
) -> None:
    """Within the window and large enough to read, in the page's own colour; nothing moves sideways, and the console
    has nothing to complain about."""
    opened.show_as(width, dark=dark)
    opened.open(url)
    assert opened.overflow_px() <= 0
    assert f"Bottleneck: {BOUND}" in opened.text()
    texts = opened.driver.execute_script(TEXTS)
    gantt = [text["said"] for text in texts if text["figure"] == "stages"]
    assert set(STAGES) <= set(gantt)
    for text in texts:
        assert text["left"] >= 0 and text["right"] <= width, text
        assert text["height"] >= READABLE_PX, text
    ink = opened.driver.execute_script("return getComputedStyle(document.body).color")
    assert {text["colour"] for text in texts} == {ink}
    ground = opened.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (_brightness(ink) > _brightness(ground)) == dark
    assert opened.complaints() == []
    opened.keep_picture(f"made-report-{width}{'-dark' if dark else ''}")


def test_names_at_the_gantt_stand_clear_of_each_other(opened: Browser, url: str) -> None:
    """No label covers another, on the narrowest screen."""
    opened.show_as(WIDTHS[0])
    opened.open(url)
    boxes = opened.driver.execute_script(
        "return [...document.querySelectorAll('#stages svg text')].map(t => t.getBoundingClientRect().toJSON())"
    )
    for n, one in enumerate(boxes):
        for other in boxes[n + 1 :]:
            apart = (
                one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
                or one["bottom"] <= other["top"] + 3 or other["bottom"] <= one["top"] + 3
            )  # fmt: skip
            assert apart, (one, other)


def test_paper_takes_the_whole_table(opened: Browser, url: str) -> None:
    """Nothing can be scrolled there: what is too wide would be cut off. A4 between margins, at night too."""
    opened.show_as(718, dark=True, paper=True)
    opened.open(url)
    assert opened.overflow_px() <= 0
    right = opened.driver.execute_script(
        "return document.querySelector('table').getBoundingClientRect().right"
    )
    assert right <= 718
    ground = opened.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def _brightness(colour: str) -> int:
    """Of ``rgb(1, 2, 3)``."""
    return sum(int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3])
