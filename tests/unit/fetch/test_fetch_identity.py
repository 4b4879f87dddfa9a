"""One video has one id, however it is asked for; what is no source is refused with its name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.credentials import without_user
from actors.errors import PermanentError
from actors.fetch.identity import (
    SourceItem,
    identify,
    is_short,
    link_at,
    media_files,
    path_of,
)
from actors.fetch.private_hosts import is_private, may_follow
from actors.fetch.wording import cleaned, shown

ID = "dQw4w9WgXcQ"
WATCH = f"https://www.youtube.com/watch?v={ID}"


@pytest.mark.parametrize(
    "source",
    [
        ID,
        f"  {ID} ",
        WATCH,
        f"http://youtube.com/watch?v={ID}",
        f"https://m.youtube.com/watch?v={ID}&feature=share",
        f"https://music.youtube.com/watch?list=RDAMVM&v={ID}",
        f"{WATCH}&list=PLabcdefgh&index=3",
        f"{WATCH}&t=83s#comments",
        f"https://youtu.be/{ID}",
        f"https://youtu.be/{ID}?si=tracking&t=12",
        f"https://youtu.be/{ID}/",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://www.youtube.com/embed/{ID}?autoplay=1",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"https://www.youtube.com/v/{ID}",
        f"HTTPS://WWW.YOUTUBE.COM/watch?v={ID}",
        f"www.youtube.com/watch?v={ID}",
        f"youtu.be/{ID}",
    ],
)
def test_every_form_of_a_youtube_video_is_one_item(source: str) -> None:
    """All lead to the 11 characters and the same canonical URL."""
    assert identify(source) == SourceItem(ID, WATCH, "video")


def test_a_short_keeps_the_url_that_tells_it() -> None:
    """The id is the same as that of the watch page, the URL still says /shorts/."""
    item = identify(f"https://youtube.com/shorts/{ID}?feature=share")
    assert item == SourceItem(ID, f"https://www.youtube.com/shorts/{ID}", "video")
    assert is_short(item.url)
    assert not is_short(WATCH)
    assert not is_short(f"https://example.org/shorts/{ID}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a.mp3", "HTTPS://Example.ORG:443/a.mp3#t=3"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org/a?x=1", "https://example.org/a?x=1&utm_source=feed&fbclid=z"),
        ("https://example.org/a", "https://me:secret@example.org/a"),
        ("@somebody", "https://www.youtube.com/@somebody"),
        ("youtube.com/@somebody/videos", "https://youtube.com/@somebody/videos"),
    ],
)
def test_spellings_of_one_address_share_an_id(one: str, other: str) -> None:
    """Case of the host, default port, tracking, fragment and user part don't count."""
    assert identify(one).video_id == identify(other).video_id
    assert identify(one).kind == "unknown"
    assert len(identify(one).video_id) == len("web-") + 12


@pytest.mark.parametrize("path", ["#/video/{}", "#!/video/{}"])
def test_a_fragment_that_is_a_path_names_a_page(path: str) -> None:
    """Sites that route by it have one address for all of their videos otherwise, and all but one would be lost."""
    one, other = (identify("https://example.org/app" + path.format(n)) for n in (1, 2))
    assert one.video_id != other.video_id
    assert identify("https://example.org/app#t=30").video_id == identify("https://example.org/app").video_id


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/playlist?list=PLabc",
        "https://www.youtube.com/watch?list=PLabc",
        "https://www.youtube.com/embed/videoseries?list=PLabc",
        "https://www.youtube.com/@name/shorts",
        "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv",
        "https://example.org/feed.xml",
        f"https://notyoutube.com/watch?v={ID}",
        f"https://youtube.com.evil.example/watch?v={ID}",
    ],
)
def test_what_may_be_a_list_is_unknown(url: str) -> None:
    """Playlists, channels, feeds and other hosts aren't taken for a video."""
    assert identify(url).kind == "unknown"
    assert identify(url).url == url


@pytest.mark.parametrize(
    "source",
    [
        "", " ", "two words here", "a/b", "..", "../..", "../../etc", "'; DROP TABLE sources; --", '"quoted"', "a;b",
        "-rf", "--exec=rm", "-abc", "x" * 300, "🎧🎧🎧", "dQw4w9WgXc\0", "\0", "dQw4w9WgX Q", "dQw4w9WgXcQQ",
        "@", "@a b", "@../../x", "https://", "https:///a.mp3", "http://[::1", "https://host:port/x",
        "https://example.org/a b", "https://example.org/a\nb", "https://example.org/\x00",
        "https://www.youtube.com/watch?v=short", "https://youtu.be/short", "https://youtu.be/",
        "ytsearch5:cats", "javascript:alert(1)", "\ud800", "https://example.org/" + "x" * 5000, "missing",
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused_by_name(source: str) -> None:
    """bad_id, a printable one-line message of bounded length, and what would be accepted."""
    if source == "https://youtu.be/":
        assert identify(source).kind == "unknown"
        return
    with pytest.raises(PermanentError) as caught:
        identify(source)
    assert caught.value.code in ("bad_id", "unsupported")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    assert caught.value.remedy


@pytest.mark.parametrize("source", ["ftp://host/a.mp3", "rtmp://host/live", "data://x", "gopher://x"])
def test_other_schemes_are_unsupported(source: str) -> None:
    """Only http, https and local files are read."""
    with pytest.raises(PermanentError) as caught:
        identify(source)
    assert caught.value.code == "unsupported"


@given(st.text(max_size=400))
def test_identify_never_fails_otherwise(source: str) -> None:
    """Whatever is given: an item with a safe id, or a PermanentError whose text can be printed."""
    try:
        item = identify(source, local_files=False)
    except PermanentError as error:
        assert str(error).isprintable()
    else:
        assert item.video_id.replace("-", "").replace("_", "").isalnum()
        assert item.video_id.isascii()


def test_a_file_is_named_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative, absolute, linked and file:// spellings are one item whose URL leads back to the path."""
    path = tmp_path / "a talk; 100% ü #1.mp3"
    path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "link.mp3"
    link.symlink_to(path)
    items = {
        identify(source) for source in (path.name, str(path), f"./{path.name}", path.as_uri(), str(link))
    }
    assert len(items) == 1
    item = items.pop()
    assert item.kind == "file"
    assert item.video_id.startswith("file-")
    assert path_of(item.url) == path.resolve()


def test_a_file_name_that_is_no_text_survives(tmp_path: Path) -> None:
    """Names are bytes on Unix: an undecodable one comes back from its URL."""
    path = tmp_path / os.fsdecode(b"talk\xff.mp3")
    path.write_bytes(b"x")
    assert path_of(identify(str(path)).url) == path.resolve()


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    """no_file and unsupported, not a riddle about ids."""
    for source, code in ((str(tmp_path / "gone.mp3"), "no_file"), (str(tmp_path), "unsupported")):
        with pytest.raises(PermanentError) as caught:
            identify(source)
        assert caught.value.code == code


@pytest.mark.parametrize(
    "source", ["/etc/passwd", "file:///etc/passwd", "~/.ssh/id_rsa", "file://host/share.mp3"]
)
def test_a_list_can_name_no_local_file(source: str) -> None:
    """What a web page names is an address on the web or nothing."""
    with pytest.raises(PermanentError) as caught:
        identify(source, local_files=False)
    assert caught.value.code == "unsupported"


def test_media_files_come_sorted_and_without_hidden_ones(tmp_path: Path) -> None:
    """Folders are searched deep, by suffix in any case."""
    for name in (
        "b.mp3",
        "a.WAV",
        "sub/c.webm",
        ".hidden.mp3",
        ".git/d.mp3",
        "notes.txt",
        "mp3",
        "sub/.e.ogg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in media_files(tmp_path)]
    assert found == ["a.WAV", "b.mp3", "sub/c.webm"]
    with pytest.raises(PermanentError):
        list(media_files(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("url", "start_s", "link"),
    [
        (WATCH, 83.9, f"{WATCH}&t=83s"),
        (f"https://youtu.be/{ID}?t=5", 0.0, f"{WATCH}&t=0s"),
        (f"https://www.youtube.com/shorts/{ID}", 7, f"{WATCH}&t=7s"),
        ("https://example.org/a.mp3?x=1#old", 83.2, "https://example.org/a.mp3?x=1#t=83"),
        ("file:///talks/a.mp3", 3600, "file:///talks/a.mp3#t=3600"),
        (WATCH, -4, f"{WATCH}&t=0s"),
        (WATCH, float("nan"), f"{WATCH}&t=0s"),
    ],
)
def test_links_open_at_their_second(url: str, start_s: float, link: str) -> None:
    """YouTube's own parameter, a media fragment elsewhere."""
    assert link_at(url, start_s) == link


def test_credentials_are_never_shown() -> None:
    """Neither in a URL, nor in text around it, nor when the password holds an @."""
    assert without_user("https://me:pa@ss@example.org/a@b") == "https://example.org/a@b"
    assert "hunter2" not in shown("see http://u:hunter2@proxy:3128 and ftp://u:hunter2@x")
    with pytest.raises(PermanentError) as caught:
        identify("https://u:hunter2@exa mple.org/")
    assert "hunter2" not in str(caught.value)


def test_titles_become_storable() -> None:
    """NUL, control characters, lone surrogates and direction overrides go; letters of all scripts stay."""
    assert cleaned("a\0b\tc\nd \ud800e\u202ef  g") == "a b c d ef g"
    assert cleaned("שלום 🎧 Ünïcode") == "שלום 🎧 Ünïcode"
    assert len(cleaned("x" * 10_000)) == 1000


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/x", "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
        "http://10.1.2.3/", "http://192.168.0.1:8080/", "http://169.254.169.254/latest", "http://[::1]/",
        "http://[::ffff:10.0.0.1]/", "http://printer.local/", "http://0.0.0.0/", "http://[fe80::1]/",
    ],
)  # fmt: skip
def test_private_addresses_are_known_in_any_spelling(url: str) -> None:
    """A public page may not name them; a private one may."""
    assert is_private(url)
    assert not may_follow(url, "https://example.org/feed")
    assert may_follow(url, "http://127.0.0.1:8000/feed")
    assert not is_private("https://example.org/")
    assert not is_private("http://93.184.215.14/")


def test_naming_sources_needs_no_heavy_import() -> None:
    """The command line imports this module at its start."""
    code = "import sys, actors.fetch.identity; print([m for m in sys.modules if m.split('.')[0] in ('yt_dlp', 'av')])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
