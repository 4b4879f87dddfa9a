"""Which addresses lie inside the user's own network, where a list from outside must not send us.

Pure: looks at the spelling and resolves no name; ``guard.py`` does.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def is_private(url: str) -> bool:
    """Whether the URL's host is this machine or a private network, in any spelling of its address."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(_LOCAL_SUFFIXES):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:  # 127.1, 0x7f000001 and 2130706433 are spellings too
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return False
    return not is_global(address)


def is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether the address is one of the public internet, IPv4 inside of IPv6 included."""
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_global)


def may_follow(listed: str, list_url: str) -> bool:
    """Whether an address that a page or list names may be fetched: private ones only where the user
    gave a private address to begin with."""
    return not is_private(listed) or is_private(list_url)
