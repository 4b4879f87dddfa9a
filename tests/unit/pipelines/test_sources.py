"""What a person may name as a source, and what comes of what can't be understood."""

from pathlib import Path

import pytest

from actors.errors import ConfigError
from actors.fetch.identity import SourceItem
from pipelines.sources import MAX_LINE, Refused, read_sources

WATCH = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def read(*arguments: str, from_file: Path | None = None) -> list[SourceItem | Refused]:
    return list(read_sources(arguments, str(from_file) if from_file else None))


def test_one_video_named_in_several_ways_is_one_id() -> None:
    """Id, watch URL and short link."""
    found = read("dQw4w9WgXcQ", WATCH, "https://youtu.be/dQw4w9WgXcQ?t=5")
    assert {item.video_id for item in found} == {"dQw4w9WgXcQ"}


def test_a_folder_gives_its_media_files_and_an_empty_one_says_so(tmp_path: Path) -> None:
    """Also those in folders below; what is no media is left out."""
    (tmp_path / "below").mkdir()
    for name in ("b.mp3", "below/a.wav", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert [Path(item.url).name for item in read(str(tmp_path))] == ["b.mp3", "a.wav"]
    (refused,) = (
        read(str(tmp_path / "below" / ".." / "empty")) if (tmp_path / "empty").mkdir() is None else ()
    )
    assert isinstance(refused, Refused)
    assert refused.reason == "the folder holds no media file"


def test_a_file_of_sources_takes_lines_and_json_and_names_bad_lines(tmp_path: Path) -> None:
    """Comments and blank lines are nothing; a bad line costs only itself."""
    file = tmp_path / "s.txt"
    file.write_text(
        f'# mine\n\n{WATCH}\n{{"url": "https://example.org/a.mp3", "title": "x"}}\n"aaaaaaaaaaa"\n'
        '{"url": \n{"title": "no address"}\n' + "x" * (MAX_LINE + 1) + "\nbbbbbbbbbbb\n",
        encoding="utf-8",
    )
    found = read(from_file=file)
    assert [item.url for item in found if isinstance(item, SourceItem)] == [
        WATCH, "https://example.org/a.mp3", WATCH.replace("dQw4w9WgXcQ", "aaaaaaaaaaa"),
        WATCH.replace("dQw4w9WgXcQ", "bbbbbbbbbbb"),
    ]  # fmt: skip
    refused = [each for each in found if isinstance(each, Refused)]
    assert [each.code for each in refused] == ["bad_line"] * 3
    assert [f"{file}:{n}" in each.reason for each, n in zip(refused, (6, 7, 8), strict=True)] == [True] * 3


def test_a_line_without_an_end_costs_itself_only(tmp_path: Path) -> None:
    """It is read in pieces and thrown away; the next line is a line again."""
    file = tmp_path / "s.txt"
    file.write_text("y" * (5 * MAX_LINE + 3) + f"\n{WATCH}")
    refused, item = read(from_file=file)
    assert isinstance(refused, Refused) and refused.code == "bad_line" and ":1:" in refused.reason
    assert isinstance(item, SourceItem) and item.url == WATCH


def test_a_file_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    """Before the first argument is worked on."""
    for path in (tmp_path / "missing.txt", tmp_path):
        with pytest.raises(ConfigError, match="can't be read") as caught:
            read_sources(["dQw4w9WgXcQ"], str(path))
        assert "--from" in caught.value.remedy


@pytest.mark.parametrize(
    "source",
    [
        "a b",
        "~nobody-of-this-name/x",
        "no/such/../file",
        "x" * 300,
        "id;drop",
        "\x00",
        "-rf",
        "ftp://example.org/a.mp3",
    ],
)
def test_what_names_nothing_is_refused_in_its_place(source: str) -> None:
    """The others of the same run go on."""
    refused, item = read(source, "dQw4w9WgXcQ")
    assert isinstance(refused, Refused)
    assert isinstance(item, SourceItem)
    assert refused.source.isprintable()
    assert len(refused.source) <= 120


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    """The ledger keeps URLs as they are given, and may hold no secret."""
    (refused,) = read("https://me:hunter2@example.org/feed.xml")
    assert isinstance(refused, Refused)
    assert refused.code == "credentials"
    assert "hunter2" not in refused.source + refused.reason
