"""yt-dlp takes the demo's feed for what it is: a channel of six talks, each of which can be had."""

import json
from pathlib import Path

import yt_dlp

from pipelines.demo_server import DemoServer

SPEECH_DIR = Path(__file__).parents[2] / "configs" / "demo" / "speech"
TALKS = json.loads((SPEECH_DIR / "talks.json").read_text(encoding="utf-8"))["talks"]


def test_ytdlp_lists_the_feed_flat_and_fetches_every_talk(tmp_path: Path) -> None:
    """Title, date and length come with the list; the bytes that arrive are the talk's."""
    quiet = {"quiet": True, "no_warnings": True, "noprogress": True, "cachedir": False}
    with DemoServer(SPEECH_DIR) as server:
        with yt_dlp.YoutubeDL({**quiet, "extract_flat": "in_playlist"}) as ydl:
            listed = ydl.extract_info(server.feed_url, download=False)
        assert listed["title"] == "Small Talks"
        entries = list(listed["entries"])
        assert [entry["title"] for entry in entries] == [talk["title"] for talk in TALKS]
        assert [entry["duration"] for entry in entries] == [round(talk["duration_s"]) for talk in TALKS]
        assert all(entry["timestamp"] for entry in entries)
        with yt_dlp.YoutubeDL({**quiet, "outtmpl": str(tmp_path / "%(id)s.%(ext)s")}) as ydl:
            for entry in entries:
                fetched = ydl.extract_info(entry["url"])
                assert fetched["timestamp"] == entry["timestamp"]  # of Last-Modified, without the feed
    assert {path.name for path in tmp_path.iterdir()} == {talk["file"] for talk in TALKS}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (SPEECH_DIR / path.name).read_bytes()
