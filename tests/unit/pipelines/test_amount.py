"""How much there is: lengths that are known, and those that aren't."""

import pytest

from configs.home import Home
from configs.load import load_settings
from pipelines.amount import amount_of, total

YOUTUBE, ELSEWHERE, FILE = (
    "https://www.youtube.com/watch?v=aaaaaaaaaaa",
    "https://example.org/a.mp3",
    "file:///a.mp3",
)


def test_an_unknown_length_counts_with_the_mean_of_the_known_ones():
    """Two of 30 and 60 minutes make a third one 45; and it is said that one is unknown."""
    found = total([{"url": YOUTUBE}] * 3, [1800.0, 3600.0], 0.1, "assumed")
    assert found.audio_h == pytest.approx(2.25)
    assert (found.n_videos, found.n_unknown, found.mix.video_h) == (3, 1, 0.75)
    assert "2 of the sources" in found.mean_from


def test_sites_are_told_apart():
    """A budget is a site's; files ask nobody."""
    mix = total([{"url": url} for url in (YOUTUBE, ELSEWHERE, FILE, FILE)], [], 0.5, "assumed").mix
    assert (mix.youtube, mix.other, mix.remote) == (0.25, 0.25, 0.5)


@pytest.mark.parametrize(
    ("minutes", "stored", "mean_min", "says"),
    [
        (10.0, (3600.0, 5), 10, "as given"),
        (None, (3600.0, 5), 60, "5 stored videos"),
        (None, None, 30, "assumed"),
    ],
)
def test_the_mean_length_is_what_one_knows_best(tmp_path, minutes, stored, mean_min, says):
    """What is given, else what is stored, else an assumption that is called one."""
    found = amount_of((), 100.0, minutes, stored, load_settings("demo", env_file=None), Home(tmp_path))
    assert found.mix.video_h * 60 == pytest.approx(mean_min) and says in found.mean_from
    assert (found.audio_h, found.n_videos) == (100.0, round(100 / (mean_min / 60)))
    assert found.document()["audio_h"] == 100.0


def test_nothing_named_is_no_amount(tmp_path):
    """Speeds can be told; an end can't."""
    found = amount_of((), None, None, None, load_settings("demo", env_file=None), Home(tmp_path))
    assert (found.audio_h, found.n_videos) == (None, None)
