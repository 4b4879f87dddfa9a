"""Where requests may lead, by spelling and by what a name resolves to; and how much a page may send."""

import io
import socket
from typing import Any

import pytest

from actors.errors import PermanentError
from actors.fetch import guard as door
from actors.fetch.guard import Guard, bounded

PUBLIC, INSIDE = "http://public.test/feed.xml", "http://inside.test/talk.mp3"
ADDRESSES = {
    "public.test": ["93.184.215.14"],
    "inside.test": ["93.184.215.14", "10.0.0.5"],
    "six.test": ["fd00::1"],
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that knows three names."""

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        if host not in ADDRESSES:
            raise socket.gaierror(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ADDRESSES[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def _guard(given: str | None) -> Guard:
    made = Guard()
    made.given = given
    return made


@pytest.mark.parametrize(
    "url", [INSIDE, "http://six.test/", "http://127.0.0.1/", "http://[::1]:8265/api/jobs/"]
)
def test_a_public_address_leads_into_no_private_network(url: str) -> None:
    """Not by number, and not by a name of which any address lies inside."""
    with pytest.raises(PermanentError, match="private network") as caught:
        _guard(PUBLIC).demand(url, {})
    assert caught.value.code == "unsupported"
    assert caught.value.remedy


@pytest.mark.parametrize("given", [INSIDE, "http://192.168.1.5/feed.xml", None])
def test_who_gives_a_private_address_may_go_on_from_it(given: str | None) -> None:
    """The user's own server names its own files; without a given address nothing is judged."""
    _guard(given).demand("http://10.0.0.7/a.mp3", {})


def test_a_proxy_resolves_names_itself_and_numbers_are_judged_all_the_same() -> None:
    """What a name means on the far side of a proxy can't be known here."""
    proxies = {"all": "http://proxy.test:3128"}
    _guard(PUBLIC).demand(INSIDE, proxies)
    with pytest.raises(PermanentError):
        _guard(PUBLIC).demand("http://169.254.169.254/latest", proxies)


def test_an_unknown_name_is_left_to_the_request() -> None:
    """Which fails with the network's own words."""
    _guard(PUBLIC).demand("http://nowhere.test/", {})
    _guard(PUBLIC).demand(PUBLIC, {})


def test_a_page_is_read_whole_up_to_the_limit_and_not_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a part is nobody's concern: media are read so."""
    monkeypatch.setattr(door, "MAX_PAGE_BYTES", 1000)
    assert bounded(io.BytesIO(b"x" * 1000), "it")() == b"x" * 1000
    assert len(bounded(io.BytesIO(b"x" * 5000), "it")(4000)) == 4000
    with pytest.raises(PermanentError, match="more than 1,000 bytes") as caught:
        bounded(io.BytesIO(b"x" * 1001), "it")()
    assert caught.value.code == "too_large"
