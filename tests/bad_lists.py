"""Lists that are empty, endless, nested, hostile, or hold themselves: the part of ``bad_input.py`` about them."""

from collections.abc import Iterator

from tests.bad_case import HIDDEN, MP3, ORIGIN, Case, feed, talk
from tests.encoding import encoded_media
from tests.media_server import Fault, MediaServer

MAX_LIST_ENTRIES = 6
"""To be set as ``prefilter.max_list_entries``."""
N_CHAINED = 8
"""Pages that name the next one; they'd go on for ever."""


def list_cases(server: MediaServer) -> Iterator[Case]:
    """Every list, and every row that follows from one."""

    def serve(path: str, *addresses: str) -> str:
        server.add(path, feed(*((address, f"Talk {n}") for n, address in enumerate(addresses))))
        return f"{ORIGIN}{path}"

    def good(path: str, seed: int) -> str:
        server.add(path, encoded_media("mp3", talk(seed), MP3))
        return f"{ORIGIN}{path}"

    yield Case("empty list", serve("/none.xml"), "skipped", "list", says=("0 entries",))

    own = f"{ORIGIN}/self.xml"
    beside = good("/beside.mp3", 90)
    serve("/self.xml", own, f"{own}#again", beside, beside)
    yield Case("list that holds itself", own, "skipped", "list", says=("1 entries",))
    yield Case("entry beside itself", beside, "stored", in_list=True)

    inside, leaf = f"{ORIGIN}/inside.xml", good("/leaf.mp3", 91)
    yield Case("list of a list", serve("/outside.xml", inside), "skipped", "list", says=("1 entries",))
    outside = f"{ORIGIN}/outside.xml"
    yield Case(
        "list inside a list", serve("/inside.xml", leaf, outside), "skipped", "list", says=("2 entries",), in_list=True
    )  # fmt: skip
    yield Case("entry of a list inside a list", leaf, "stored", in_list=True)

    for n in range(N_CHAINED):
        url = serve(f"/chain-{n}.xml", f"{ORIGIN}/chain-{n + 1}.xml")
        if n < 4:
            yield Case(f"page {n} of an endless chain", url, "skipped", "list", in_list=n > 0)
        elif n == 4:
            yield Case(
                "end of our patience with a chain", url, "skipped", "nested_list", says=("4 lists",), in_list=True
            )  # fmt: skip

    missing = [f"{ORIGIN}/missing-{n}.mp3" for n in range(40)]
    yield Case(
        "list that is too long", serve("/long.xml", *missing), "skipped", "list",
        says=("6 entries", "max_list_entries"),
    )  # fmt: skip
    for url in missing[:MAX_LIST_ENTRIES]:
        yield Case(f"its entry {url[-5]}", url, "failed", "not_found", in_list=True)

    endless = feed(*((url, "again") for url in missing))
    server.add("/endless.xml", endless * 200, Fault(endless=True))
    yield Case(
        "list without an end", f"{ORIGIN}/endless.xml", "failed", "too_large", says=("50,000,000", "media itself")
    )  # fmt: skip

    hostile = (
        "file:///etc/passwd", "/etc/passwd", server.url("/secret.mp3"), "http://169.254.169.254/latest",
        f"https://me:{HIDDEN}@media.test/talk.mp3", "-rf",
    )  # fmt: skip
    yield Case(
        "list that leads astray", serve("/hostile.xml", *hostile), "skipped", "list", says=("0 entries", "6 left out")
    )  # fmt: skip
    server.add("/broken.xml", b"<?xml version='1.0'?><rss><channel><item><title>x</tit")
    yield Case("list that breaks off", f"{ORIGIN}/broken.xml", "failed", "unsupported")

    inward = f'<!DOCTYPE html><html><body><video src="{server.url("/secret.mp3")}"></video></body></html>'
    server.add("/inward.html", inward.encode())
    yield Case(
        "page that leads inside", f"{ORIGIN}/inward.html", "failed", "unsupported", says=("private network", "itself")
    )  # fmt: skip
    server.add("/redirect.mp3", b"", Fault(redirect_to=server.url("/secret.mp3")))
    yield Case(
        "redirect that leads inside", f"{ORIGIN}/redirect.mp3", "failed", "unsupported",
        says=("private network", "itself"),
    )  # fmt: skip
    late = good("/late.mp3", 92)
    server.add(
        "/late.mp3",
        encoded_media("mp3", talk(92), MP3),
        Fault(after=1, redirect_to=server.url("/secret.mp3")),
    )
    yield Case("media that leads inside", late, "failed", "unsupported", says=("private network", "itself"))
    server.add("/secret.mp3", encoded_media("mp3", talk(93), MP3))
