"""The demo: the main job on what ships. Real speech behind a real server, real models, a real database.

Nothing here is made easier than in a real run: the talks are a podcast feed on loopback, fetched by
yt-dlp, and end in the embedded Postgres. Only the models are small.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from configs.home import home
from configs.settings import Settings
from pipelines import commands, present
from pipelines.demo_server import DemoServer
from pipelines.finder import Finder
from pipelines.printing import answer

SPEECH_DIR = Path(__file__).parent.parent / "configs" / "demo" / "speech"


def run_demo(settings: Settings, port: int, as_json: bool) -> int:
    """Ingest the feed, search it three times, print; gives the exit code."""
    started = time.monotonic()
    _reach_loopback_directly()
    queries = json.loads((SPEECH_DIR / "talks.json").read_text(encoding="utf-8"))["queries"]
    with DemoServer(SPEECH_DIR, port=port) as server:
        outcome = commands.ingest_items([server.feed_url], settings)
    document = present.outcome_document(outcome, [], settings.report)
    with Finder(settings, home()) as finder:
        document["searches"] = [
            {"query": each["query"], "hits": finder.find(each["query"], limit=2)} for each in queries
        ]
    document["seconds"] = round(time.monotonic() - started, 1)
    answer(document, _told, as_json)
    return present.exit_code(document)


def _reach_loopback_directly() -> None:
    """A proxy of the user's can't fetch from this machine's own server. Ray's workers inherit it."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))


def _told(document: dict[str, Any]) -> list[str]:
    lines = [*present.outcome(document), ""]
    for search in document["searches"]:
        lines += [f'search "{search["query"]}"', *present.hits(search), ""]
    lines.append(
        f"The demo took {document['seconds']:.0f} s. Search on: run.py search 'a question' --profile demo"
    )
    lines.append("(The links lead to the demo's own server, which is gone now.)")
    return lines
