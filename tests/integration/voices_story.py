"""Enrolling, ingesting and removing as a user does, and every answer by a name: shared by two test modules."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from command import ROOT, Answer, earmark
from psycopg.rows import dict_row

from actors.store.embedded import ensure_server

SPEECH = ROOT / "configs" / "demo" / "speech"
DEMO = ("--profile", "demo")
ANNA_ALONE, MICHAEL_ALONE, MARK_ALONE = "strings-and-keys.m4a", "wind-and-snow.ogg", "rockets-and-moons.webm"
ANNA_AND_MICHAEL = "soup-for-the-rabbit.mp3"


@dataclass
class Story:
    """Enrolling, ingesting and removing in one home; each answer by a name."""

    home: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    labels: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def do(self, name: str, *arguments: str) -> Answer:
        self.answers[name] = earmark(self.home, *arguments, *DEMO)
        return self.answers[name]

    def voices(self, name: str, *arguments: str) -> Answer:
        return self.do(name, "voices", *arguments)

    def json(self, name: str) -> Any:
        return self.answers[name].json

    def keep_labels(self, name: str) -> None:
        self.labels[name] = self.rows(
            """select s.title, g.ordinal, g.text, g.start_s, g.end_s, g.speaker, g.speaker_method, g.speaker_score
               from segments g join sources s using (source_id) order by 1, 2"""
        )

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(ensure_server(self.home / "postgres"), row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def story() -> Iterator[Story]:
    """In a home that goes afterwards."""
    home = Path(tempfile.mkdtemp(prefix="em-"))  # not tmp_path: a socket's path must be short
    try:
        yield Story(home)
    finally:
        earmark(home, "db", "stop")
        shutil.rmtree(home)
