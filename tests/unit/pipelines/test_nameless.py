"""Where it can't be decided who speaks a video keeps its text: everybody is unknown, and the reason stands there."""

from types import SimpleNamespace

from actors.errors import PermanentError
from actors.rows import Segment, Transcript, Utterance, VideoId, VideoMeta, Word
from actors.voices.deciding import FAILED
from cluster.resources import Hardware, plan_pools
from configs.load import load_settings
from configs.settings import Settings
from pipelines.context import RunContext
from pipelines.ingest import line
from pipelines.workers import nameless

WORDS = tuple(
    Word(text, n, n + 0.8, 0.9) for n, text in enumerate(["who", "says", "that", "nobody", "knows"])
)
TALK = Transcript(
    VideoId("a"), 1, VideoMeta("A talk", "https://example.org/1"), "en",
    (Utterance("who says that nobody knows", 0.0, 4.8, WORDS, -0.2, 1.2, 0.01),),
)  # fmt: skip


class Notices(list):
    """In place of the scoreboard."""

    @property
    def notice(self) -> SimpleNamespace:
        return SimpleNamespace(remote=self.append)


def test_every_word_is_kept_and_nobody_named() -> None:
    """And the run says so."""
    told = Notices()
    context = RunContext.__new__(RunContext)
    object.__setattr__(context, "settings", Settings())
    object.__setattr__(context, "scoreboard", told)
    cut = nameless(context, TALK, PermanentError("LookupError: nobody foresaw this", code="unexpected"))
    said: list[Segment] = list(cut.segments)
    assert " ".join(one.text for one in said) == " ".join(one.text for one in TALK.utterances)
    assert {(one.speaker, one.speaker_method) for one in said} == {(None, f"unknown: {FAILED}")}
    (notice,) = told
    assert FAILED in notice and "nobody foresaw this" in notice


def test_the_line_goes_on_without_names() -> None:
    """Segment has something to put in the place of a video that it can't decide."""
    settings = load_settings("demo")
    stages = line(settings, plan_pools(settings, Hardware(n_cpus=4, gpus=())))
    assert {stage.name for stage in stages if stage.instead is not None} == {"Identify", "Segment"}
