"""What a case of bad input is, and how its files are made and served."""

from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from tests.corpus import compose
from tests.encoding import Encoding, Samples
from tests.media_server import MediaServer

ORIGIN = "http://media.test"
"""A public name, as far as the line can tell: the server finds it as a proxy."""
HIDDEN = "planted-secret-of-a-source"
"""A password or token that may stand in ``ingest_state.url``, where it is needed, and nowhere else."""

OPUS = Encoding("libopus", 48_000, 24_000, options=(("compression_level", "0"),))
AAC = Encoding("aac", 44_100, 64_000)
MP3 = Encoding("libmp3lame", 44_100, 64_000)
WAV = Encoding("pcm_s16le")

Outcome = Literal["stored", "skipped", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ingest, or found in a list, and how it must end."""

    name: str
    source: str
    """The line of a file of sources, or the address that a list names."""
    outcome: Outcome
    code: str | None = None
    url: str = ""
    """The ledger's, where a source isn't just an address."""
    says: tuple[str, ...] = ()
    """Words of the reason or remedy."""
    text: str = ""
    """Words that the stored text must begin with."""
    title: str = ""
    """Exact title of what is stored."""
    in_list: bool = False
    """Found by the line itself, not named in the file of sources."""

    @property
    def address(self) -> str:
        return self.url or self.source


def talk(seed: int, duration_s: float = 0) -> Samples:
    """Speech that no other seed has: a sentence, or as many as it takes."""
    return compose(seed=seed, duration_s=duration_s)[0]


def serve(server: MediaServer, path: str, content: bytes, kind: str | None = None) -> str:
    server.add(path, content, content_type=kind)
    return f"{ORIGIN}{path}"


def feed(*entries: tuple[str, str]) -> bytes:
    """RSS with an enclosure for each (address, title)."""
    items = "".join(
        f"<item><title>{escape(title)}</title><guid>{escape(url)}</guid>"
        f"<enclosure url={quoteattr(url)} type='audio/mpeg' length='1'/></item>"
        for url, title in entries
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>A list</title>{items}</channel></rss>".encode()
