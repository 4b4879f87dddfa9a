"""Everything that a source can hold besides a good talk, with what should become of it.

Owns the table: each case is something that ``ingest`` is given or meets, and how it must end. Good items
stand among the bad ones, since what matters is that these are stored all the same. Served by
``media_server.py``; knows nothing of the line that ingests them.

``data/german.opus`` was spoken by ``data/speech_source/espeak.py`` with the voice ``de+m3``.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np

from tests.bad_case import AAC, HIDDEN, MP3, OPUS, ORIGIN, WAV, Case, feed, serve, talk
from tests.bad_lists import list_cases
from tests.corpus import compose, sentences
from tests.encoding import (
    SPEECH_RATE_HZ,
    Encoding,
    Samples,
    empty_wav,
    encoded_media,
    flipped,
    mute_film,
    read_speech,
    remuxed,
)
from tests.media_server import Fault, MediaServer

DATA_DIR = Path(__file__).parent / "data"


def build_cases(server: MediaServer) -> tuple[Case, ...]:
    """Put everything on the server; give the table."""
    groups = (_media, _odd_sound, _paths, _titles, _lines, list_cases)
    return tuple(case for group in groups for case in group(server))


def _media(server: MediaServer) -> Iterator[Case]:
    """Files that aren't what their address promises, or not all of it."""
    whole = {
        "webm": encoded_media("webm", talk(1, 30), OPUS),
        "m4a": encoded_media("m4a", talk(2, 30), AAC),
        "mp3": encoded_media("mp3", talk(3, 30), MP3),
    }
    for extension, content in whole.items():
        for percent in (10, 50, 90):
            url = serve(
                server, f"/cut-{percent}.{extension}", content[: len(content) * percent // 100], "audio/mpeg"
            )
            says = ("not complete", "downloaded again")
            yield Case(f"{extension} cut at {percent} %", url, "failed", "truncated", says=says)
    page = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Please log in</body></html>"
    png = b"\x89PNG\r\n\x1a\n" + bytes(500)
    drm = (
        b'#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:5\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key",'
        b'KEYFORMAT="com.apple.streamingkeydelivery"\n#EXTINF:5,\n/piece.ts\n#EXT-X-ENDLIST\n'
    )
    noise = np.random.default_rng(0).bytes(60_000)
    for name, path, content, outcome, code, says in (
        ("empty file", "/empty.mp3", b"", "failed", "not_media", ("empty", "Check")),
        ("page as audio", "/page.mp3", page, "failed", "not_media", ("web page", "browser")),
        ("page without media", "/page.html", page, "failed", "unsupported", ("no way to read", "media itself")),
        ("list of files as audio", "/concat.mp3", b"ffconcat version 1.0\nfile /etc/passwd\n",
         "failed", "not_media", ("text", "browser")),
        ("noise as bytes", "/noise.mp3", noise, "failed", "undecodable", ("FFmpeg", "convert")),
        ("nothing but zeros", "/zeros.mp4", bytes(50_000), "failed", "undecodable", ("FFmpeg", "convert")),
        ("picture as audio", "/picture.mp3", png, "skipped", "no_audio", ("no audio track",)),
        ("damaged packets", "/damaged.m4a", flipped(whole["m4a"], 4000), "failed", "undecodable",
         ("packets are damaged", "--force")),
        ("film without sound", "/mute.mp4", mute_film(), "skipped", "no_audio", ("no audio track",)),
        ("sound of no length", "/nothing.wav", empty_wav(), "skipped", "no_audio", ("empty",)),
        ("protected stream", "/drm.m3u8", drm, "failed", "drm", ("DRM", "no way to ingest")),
        ("wav that is mp3", "/mp3.wav", encoded_media("mp3", talk(4), MP3), "stored", None, ()),
        ("mp3 that is webm", "/webm.mp3", encoded_media("webm", talk(5), OPUS), "stored", None, ()),
        ("no extension", "/recording", encoded_media("m4a", talk(6), AAC), "stored", None, ()),
    ):  # fmt: skip
        kind = "audio/mp4" if path == "/recording" else None
        yield Case(name, serve(server, path, content, kind), outcome, code, says=says)  # type: ignore[arg-type]
    server.add("/gone.mp3", b"", Fault(status=404))
    url = f"{ORIGIN}/gone.mp3?access_token={HIDDEN}"
    yield Case(
        "gone, with a token", url, "failed", "not_found", f"{ORIGIN}/gone.mp3?access_token=***", says=("***",)
    )


def _odd_sound(server: MediaServer) -> Iterator[Case]:
    """Sound that is all there, and unlike what recognisers expect."""
    m4a = encoded_media("m4a", talk(10, 8), AAC)
    speech = talk(11, 8)
    hiss = np.random.default_rng(1).integers(-8, 9, 5 * 60 * SPEECH_RATE_HZ, dtype=np.int16)
    loud = np.random.default_rng(2).normal(0, 3000, 20 * SPEECH_RATE_HZ).astype(np.int16)
    first, second = talk(12), talk(13)
    german = read_speech(DATA_DIR / "german.opus")
    said = compose(seed=14, duration_s=0)
    two_languages = np.concatenate([said[0], german])
    aac = encoded_media("aac", talk(15), Encoding("aac", 44_100, 96_000, "stereo"))
    aac += encoded_media("aac", talk(16), Encoding("aac", 22_050, 48_000))
    links = [
        encoded_media("ogg", sound, Encoding("libopus", 48_000, 32_000, layout))
        for sound, layout in ((first, "stereo"), (second, "mono"))
    ]
    word = sentences()[0].words[2]
    one_word = sentences()[0].samples[
        int((word.start_s - 0.05) * SPEECH_RATE_HZ) : int((word.end_s + 0.1) * SPEECH_RATE_HZ)
    ]
    pause = np.zeros(SPEECH_RATE_HZ, np.int16)
    for name, path, content, outcome, code, text in (
        ("8 kHz mono", "/telephone.wav", encoded_media("wav", talk(17, 8), Encoding("pcm_s16le", 8_000)), "stored", None, ""),
        ("192 kHz 7.1", "/studio.wav", encoded_media("wav", talk(18), Encoding("pcm_s24le", 192_000, layout="7.1")),
         "stored", None, ""),
        ("negative timestamps", "/negative.mp4",
         remuxed(m4a, "m4a", "mp4", lambda time_s: time_s - 3.0, {"avoid_negative_ts": "disabled"}), "stored", None, ""),
        ("clock that jumps ten hours", "/jump.ts",
         remuxed(encoded_media("m4a", speech, AAC), "m4a", "ts", lambda time_s: time_s + (36_000 if time_s > 4 else 0)),
         "stored", None, ""),
        ("rate that changes", "/changing.aac", aac, "stored", None, ""),
        ("chained ogg", "/chained.ogg", b"".join(links), "stored", None, ""),
        ("five minutes of silence", "/silence.m4a", encoded_media("m4a", hiss, AAC), "skipped", "no_speech", ""),
        ("white noise", "/hiss.flac", encoded_media("flac", loud, Encoding("flac")), "skipped", "no_speech", ""),
        ("music", "/music.mp3", encoded_media("mp3", music(20.0), MP3), "skipped", "no_speech", ""),
        ("one word", "/word.wav", encoded_media("wav", np.concatenate([pause, one_word, pause]), WAV), "stored", None, ""),
        # The demo's model knows 116 words of English: what it makes of German is not checked.
        ("two languages", "/two.opus", encoded_media("opus", two_languages, OPUS), "stored", None,
         " ".join(each.text for each in said[1][:4])),
    ):  # fmt: skip
        kind = {"aac": "audio/aac", "flac": "audio/flac"}.get(path.rpartition(".")[2])
        yield Case(name, serve(server, path, content, kind), outcome, code, text=text)  # type: ignore[arg-type]


def music(duration_s: float) -> Samples:
    """Chords, each of three tones with overtones, half a second long, struck and fading."""
    at = np.arange(int(0.5 * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    chords = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    struck = [
        sum(
            np.sin(2 * np.pi * tone * overtone * at) / overtone**2 for tone in chord for overtone in (1, 2, 3)
        )
        * np.exp(-3 * at)
        for chord in chords
    ]
    bars = [struck[n % len(struck)] for n in range(int(duration_s * 2))]
    return (np.concatenate(bars) * 3000).astype(np.int16)


def _paths(server: MediaServer) -> Iterator[Case]:
    """Names that a shell, a file system or a database could take amiss; the talk behind each is good."""
    for seed, (name, last) in enumerate({
        "spaces": "two words.mp3", "slashes": "a/b.mp3", "dots": "../../etc/passwd.mp3", "quotes": "it's \"so\".mp3",
        "semicolons": "x; touch pwned; .mp3", "leading dash": "-rf.mp3", "template": "%(title)s $HOME $(touch pwned).mp3",
        "300 characters": "n" * 300 + ".mp3", "emoji": "🎧🎧.mp3", "NUL": "nul\0nul.mp3",
    }.items(), start=40):  # fmt: skip
        path = "/" + quote(last, safe="")
        yield Case(f"path with {name}", serve(server, path, encoded_media("mp3", talk(seed), MP3)), "stored")


def _titles(server: MediaServer) -> Iterator[Case]:
    """Titles by way of a page and of a feed."""
    sql = "'); DROP TABLE segments; --"
    entries = []
    for seed, (name, given, stored) in enumerate(
        (
            ("NUL", "a\0b", "a b"),
            ("right-to-left marks", "abc\u202ecba\u202c", "abccba"),
            ("10,000 characters", "x" * 10_000, "x" * 999 + "…"),
            ("SQL", sql, sql),
        ),
        start=60,
    ):
        media = f"/title-{seed}.mp3"
        server.add(media, encoded_media("mp3", talk(seed), MP3))
        html = f'<!DOCTYPE html><html><head><title>{given}</title></head><body><video src="{media}"></video></body></html>'
        url = serve(server, f"/title-{seed}.html", html.encode())
        # yt-dlp numbers what it finds in a page.
        title = f"{stored} (1)" if len(stored) < 1000 else stored
        yield Case(f"page titled with {name}", url, "stored", title=title)
        if name == "NUL":  # XML can't say it
            continue
        episode = f"/episode-{seed}.mp3"
        server.add(episode, encoded_media("mp3", talk(seed + 10), MP3))
        entries.append((f"{ORIGIN}{episode}", given))
        yield Case(f"feed's entry with {name}", f"{ORIGIN}{episode}", "stored", title=stored, in_list=True)
    url = serve(server, "/titles.xml", feed(*entries))
    yield Case("feed of odd titles", url, "skipped", "list", says=("3 entries",))


def _lines(server: MediaServer) -> Iterator[Case]:
    """Lines of a file of sources that name nothing, and a few that do."""
    server.add("/json.mp3", encoded_media("mp3", talk(80), MP3))
    server.add("/string.mp3", encoded_media("mp3", talk(81), MP3))
    for name, line, code in (
        ("id with a space", "two words", "bad_id"),
        ("id with slashes", "no/such/place", "bad_id"),
        ("id of dots", "../../no/such/place", "bad_id"),
        ("id with quotes", 'it\'s "so"', "bad_id"),
        ("id with semicolons", "x; touch pwned", "bad_id"),
        ("id with a leading dash", "-rf", "bad_id"),
        ("id like an option", "--exec=touch pwned", "bad_id"),
        ("id of a shell", "$(touch pwned)", "bad_id"),
        ("id of 300 characters", "n" * 300, "bad_id"),
        ("id of emoji", "🎧🎧🎧", "bad_id"),
        ("id with NUL", "dQw4w9WgXc\0", "bad_id"),
        ("id of SQL", "'; DROP TABLE segments; --", "bad_id"),
        ("home of nobody", "~nobody-of-this-name/talk.mp3", "no_file"),
        ("file that is missing", "missing.mp3", "no_file"),
        ("other scheme", "ftp://media.test/talk.mp3", "unsupported"),
        ("password in a URL", f"https://me:{HIDDEN}@media.test/talk.mp3", "credentials"),
        ("broken JSON", '{"url": ', "bad_line"),
        ("JSON without an address", '{"title": "x"}', "bad_line"),
        ("JSON with a number for an address", '{"url": 5}', "bad_line"),
        ("JSON without an end", '{"a":' * 3_000, "bad_line"),
        ("JSON with an endless number", '{"url": ' + "9" * 5_000 + "}", "bad_line"),
        ("line of 30,000 characters", "y" * 30_000, "bad_line"),
    ):
        yield Case(name, line, "refused", code)
    url = f"{ORIGIN}/json.mp3"
    yield Case("good JSON", json.dumps({"url": url, "title": "x"}), "stored", url=url)
    url = f"{ORIGIN}/string.mp3"
    yield Case("good JSON string", json.dumps(url), "stored", url=url)
    server.add("/token.mp3", encoded_media("mp3", talk(82), MP3))
    url = f"{ORIGIN}/token.mp3"
    yield Case(
        "good URL with a token", f"{url}?access_token={HIDDEN}", "stored", url=f"{url}?access_token=***"
    )
