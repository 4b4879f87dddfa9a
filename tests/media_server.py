"""A real HTTP server on loopback that serves media well or badly, as a test tells it, and counts.

Owns what a server can do wrong: slowness, lies about length, refusals, circles, silence. Knows
nothing of what asks it. Standard library only; one thread a connection.

    with MediaServer() as server:
        url = server.add("/talk.mp3", content, Fault(status=503, times=1))
        ...
        assert server.count("/talk.mp3") == 2
"""

import base64
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 16_384
_TYPES = {
    "flac": "audio/flac", "html": "text/html; charset=utf-8", "m3u8": "application/vnd.apple.mpegurl",
    "m4a": "audio/mp4", "mp3": "audio/mpeg", "mp4": "video/mp4", "ogg": "audio/ogg", "opus": "audio/ogg",
    "rss": "application/rss+xml", "ts": "video/mp2t", "wav": "audio/wav", "webm": "audio/webm", "xml": "text/xml",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What goes wrong at one path. ``after`` and ``times`` choose the requests that it hits."""

    after: int = 0
    """Requests answered well before the fault begins."""
    times: int | None = None
    """Requests that it hits; None: all that follow."""
    status: int | None = None
    """Answer with this status instead of the content."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent besides the usual ones, for example Retry-After."""
    redirect_to: str | None = None
    cut_at: int | None = None
    """Close the connection after so many bytes of each answer, Content-Length promising all."""
    claimed_bytes: int | None = None
    """Content-Length sent, whatever the length is."""
    silent: bool = False
    """Take the request and never answer."""
    stall_at: int | None = None
    """Send so many bytes, then fall silent with the connection open."""
    html: bool = False
    """A page with status 200, of the content's media type only if ``headers`` says so."""
    no_range: bool = False
    """Send the whole file whatever range is asked for."""
    grows_by: int = 0
    """Bytes (zeros) by which the file is longer at each further request."""
    bytes_per_s: int | None = None
    """Limit of each connection."""
    endless: bool = False
    """Send the content again and again, without a length, until the client has had enough."""


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    range: str | None
    user_agent: str | None
    client: str
    """Address that it came from."""


@dataclass
class _Resource:
    read: Callable[[], bytes]
    content_type: str
    fault: Fault
    n_requests: int = 0

    def next_fault(self) -> tuple[Fault, int]:
        """The fault for this request, or none, and how many requests came before it."""
        n = self.n_requests
        self.n_requests += 1
        fault = self.fault
        is_hit = n >= fault.after and (fault.times is None or n < fault.after + fault.times)
        return (fault if is_hit else Fault()), n


class MediaServer:
    """Serves until it is closed. ``bytes_per_s`` limits all connections together; ``port`` 0: any; ``host``: which of this
    machine's addresses it listens on.

    It is also a proxy that finds every host's paths among its own resources, so that a test can use public
    names; with ``proxy_login`` (``user:password``) it asks for that login.
    """

    def __init__(
        self,
        bytes_per_s: int | None = None,
        port: int = 0,
        *,
        proxy_login: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.proxy_authorization = (
            f"Basic {base64.b64encode(proxy_login.encode()).decode()}" if proxy_login else None
        )
        self.requests: list[Seen] = []
        self.bytes_sent = 0
        self.bytes_per_s = bytes_per_s
        self.closed = threading.Event()
        self.lock = threading.Lock()
        self._free_at = time.monotonic()
        self._host = host
        self._resources: dict[str, _Resource] = {}
        self._server = _Server((host, port), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str) -> str:
        return f"http://{self._host}:{self.port}{path}"

    def add(
        self, path: str, content: bytes | Path | Callable[[], bytes] = b"", fault: Fault | None = None,
        content_type: str | None = None,
    ) -> str:  # fmt: skip
        """Serves bytes, a file (read at each request) or what a function returns; returns the URL."""
        read = (
            content
            if callable(content)
            else content.read_bytes
            if isinstance(content, Path)
            else lambda: content
        )
        kind = content_type or _TYPES.get(path.rpartition(".")[2], "application/octet-stream")
        self._resources[path] = _Resource(read, kind, fault or Fault())
        return self.url(path)

    def count(self, path: str | None = None, method: str | None = None) -> int:
        with self.lock:
            return sum((path in (None, r.path)) and (method in (None, r.method)) for r in self.requests)

    def ranges(self, path: str) -> list[str | None]:
        with self.lock:
            return [r.range for r in self.requests if r.path == path]

    def take(self, path: str, seen: Seen) -> tuple[_Resource, Fault, int] | None:
        with self.lock:
            self.requests.append(seen)
            resource = self._resources.get(path)
            return (resource, *resource.next_fault()) if resource else None

    def wait_for_share(self, n_bytes: int) -> None:
        """Holds a chunk back until the limit of all connections together lets it pass."""
        if self.bytes_per_s is None:
            return
        with self.lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + n_bytes / self.bytes_per_s
            wait_s = self._free_at - now
        self.closed.wait(wait_s)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        """Without its parent's look-up of the address's name, which may take a resolver's time-out."""
        TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


def _handler_for(owner: MediaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Silent: tests read ``requests``."""

        def do_GET(self) -> None:
            with suppress(ConnectionError):
                self._answer()
            self.close_connection = True

        do_HEAD = do_GET

        def _answer(self) -> None:
            path = self.path.partition("?")[0]
            if "://" in path:  # asked as a proxy
                path = "/" + path.partition("://")[2].partition("/")[2]
                if self.headers["Proxy-Authorization"] != owner.proxy_authorization:
                    return self._refuse(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, {})
            seen = Seen(
                self.command, path, self.headers["Range"], self.headers["User-Agent"], self.client_address[0]
            )
            taken = owner.take(path, seen)
            if taken is None:
                return self._refuse(HTTPStatus.NOT_FOUND, {})
            resource, fault, n_before = taken
            if fault.silent:
                owner.closed.wait()
                return None
            if fault.redirect_to is not None:
                return self._refuse(HTTPStatus.FOUND, {"Location": fault.redirect_to, **fault.headers})
            if fault.status is not None:
                return self._refuse(fault.status, fault.headers)
            return self._serve(resource, fault, n_before)

        def _refuse(self, status: int, headers: dict[str, str]) -> None:
            body = f"<html><title>{status}</title></html>".encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "text/html",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _serve(self, resource: _Resource, fault: Fault, n_before: int) -> None:
            content, kind = resource.read(), resource.content_type
            if fault.html:
                content, kind = (
                    b"<!DOCTYPE html><html><body>Please accept our cookies.</body></html>",
                    "text/html",
                )
            content += bytes(fault.grows_by * n_before)
            start, stop = 0, len(content)
            if self.headers["Range"] and not fault.no_range:
                first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
                start, stop = int(first or 0), min(int(last) + 1 if last else stop, stop)
                if start >= len(content):
                    return self._refuse(416, {"Content-Range": f"bytes */{len(content)}"})
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            else:
                self.send_response(200)
            claimed = stop - start if fault.claimed_bytes is None else fault.claimed_bytes
            usual = {"Content-Type": kind, "Content-Length": str(claimed), "Connection": "close"}
            if fault.endless:
                del usual["Content-Length"]
            if not fault.no_range:
                usual["Accept-Ranges"] = "bytes"
            for name, value in {**usual, **fault.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self._send(content[start:stop], fault)
            return None

        def _send(self, content: bytes, fault: Fault) -> None:
            chunks = _chunks(content[: fault.cut_at], fault.stall_at)
            for chunk in itertools.cycle(chunks) if fault.endless else chunks:
                owner.wait_for_share(len(chunk))
                self.wfile.write(chunk)
                owner.bytes_sent += len(chunk)
                if fault.bytes_per_s:
                    owner.closed.wait(len(chunk) / fault.bytes_per_s)
            if fault.stall_at is not None:
                self.wfile.flush()
                owner.closed.wait()

    return Handler


def _chunks(content: bytes, stall_at: int | None) -> Iterator[bytes]:
    content = content if stall_at is None else content[:stall_at]
    for start in range(0, len(content), _CHUNK_BYTES):
        yield content[start : start + _CHUNK_BYTES]
