"""The door between yt-dlp and the network: where its requests may lead, and how much a page may send.

Owns the check of every hop, redirects included, against private networks, also where a public name leads
into one; and the limit of what is read into memory as a page or a list. A name is resolved here and again
by the connection: one that changes in between gets by. Behind a proxy names are the proxy's to resolve.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

from yt_dlp.networking._requests import RequestsRH
from yt_dlp.networking.exceptions import RequestError
from yt_dlp.utils.networking import select_proxy

from actors.errors import PermanentError
from actors.fetch.private_hosts import is_global, is_private
from actors.fetch.wording import shown

MAX_PAGE_BYTES = 50_000_000
"""Of a page, feed or manifest. A podcast's feed of 10,000 episodes has about 30 MB."""
_PIECE_BYTES = 1 << 20


class Guard:
    """Says for one session which addresses it may ask, from the one that the user gave."""

    def __init__(self) -> None:
        self.given: str | None = None
        """The address from which everything asked now has followed; ``None``: nothing is refused."""

    def demand(self, url: str, proxies: dict[str, str]) -> None:
        """
        Raises:
            PermanentError: ``unsupported``, the address lies in a private network, and the given one doesn't.
        """
        if self.given is None or not _leads_inside(url, proxies) or _leads_inside(self.given, proxies):
            return
        raise PermanentError(
            f"{shown(self.given)} leads to {shown(url)}, which lies in a private network",
            code="unsupported",
            remedy="If you trust it, give that address itself",
        )


class GuardedRH(RequestsRH):  # type: ignore[misc]  # yt-dlp ships no types
    """yt-dlp's handler of HTTP, with a guard at every hop."""

    def __init__(self, *, guard: Guard, **options: Any) -> None:
        self._guard = guard
        super().__init__(**options)

    def _send(self, request: Any) -> Any:
        self._demand(request.url)
        return super()._send(request)

    def _create_instance(self, *args: Any, **kwargs: Any) -> Any:
        session = super()._create_instance(*args, **kwargs)

        def before_redirect(answer: Any, **_: Any) -> None:
            target = session.get_redirect_target(answer)
            if target:
                self._demand(urljoin(answer.url, target))

        session.hooks["response"].append(before_redirect)
        return session

    def _demand(self, url: str) -> None:
        try:
            self._guard.demand(url, self.proxies)
        except PermanentError as error:
            raise RequestError(error.reason, cause=error) from error  # its director lets nothing else through


def bounded(answer: Any, what: str) -> Callable[..., bytes]:
    """``answer.read``, which fails when asked for all of a body that is larger than any page.

    Raises:
        PermanentError: ``too_large``, from the function returned.
    """
    read = answer.read

    def read_bounded(amt: int | None = None) -> bytes:
        if amt is not None:
            return bytes(read(amt))
        pieces: list[bytes] = []
        n_bytes = 0
        while piece := read(_PIECE_BYTES):
            pieces.append(piece)
            n_bytes += len(piece)
            if n_bytes > MAX_PAGE_BYTES:
                raise PermanentError(
                    f"{what}: the page or list has more than {MAX_PAGE_BYTES:,} bytes",
                    code="too_large",
                    remedy="Give the address of the media itself",
                )
        return b"".join(pieces)

    return read_bounded


def _leads_inside(url: str, proxies: dict[str, str]) -> bool:
    """Whether this machine or a private network answers at the URL's host."""
    if is_private(url):
        return True
    host = urlsplit(url).hostname
    if not host or select_proxy(url, proxies):
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the request itself will say so
        return False
    return any(not is_global(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found)
