"""Who asks whom: what the limits of a source are counted by. Names without secrets, fit for a database.

A source sees the address that a request comes from and the session that it belongs to; both stand here
as plain text. Opens no connection.
"""

import hashlib
import socket
from urllib.parse import urlsplit

from actors.fetch.identity import is_youtube_host
from configs.settings import DownloadSettings

YOUTUBE = "youtube"
_NOWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses kept for documentation (RFC 5737, RFC 3849): reachable through the default route only."""


def site_of(url: str) -> str:
    """Whom an address asks: ``youtube`` for all of YouTube's hosts, else the host's name; empty for a
    local file, which nobody limits."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return YOUTUBE if is_youtube_host(host) or host in ("youtu.be", "www.youtu.be") else host


def exit_of(settings: DownloadSettings) -> str:
    """The address that sources see, as far as it can be known here: the proxy's, else this node's own.

    Nodes behind one router count apart, though the source sees them as one.
    """
    if settings.proxy is not None:
        parts = urlsplit(settings.proxy.get_secret_value())
        try:
            port = parts.port
        except ValueError:
            port = None
        return f"{parts.hostname or 'proxy'}:{port}" if port else parts.hostname or "proxy"
    return _own_address()


def _own_address() -> str:
    """The address that packets to the world would leave from. None is sent: connecting a datagram
    socket only looks up the route."""
    for nowhere, family in _NOWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((nowhere, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "no route"


def session_of(settings: DownloadSettings) -> str:
    """Whom the source takes us for: ``guest``, or a short hash of where the cookies come from."""
    for kind, name in (
        ("cookies", settings.cookies_file and str(settings.cookies_file.absolute())),
        ("browser", settings.cookies_from_browser),
    ):
        if name:
            return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return "guest"
