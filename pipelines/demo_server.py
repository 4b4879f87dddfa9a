"""A podcast on loopback: what ``run.py demo`` fetches from, over real HTTP.

Owns the server: paths, ranges, headers. Everything that it serves is held in memory (a few MB), so no
request can reach any other file.
"""

import logging
import re
import socketserver
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import unquote, urlsplit

from actors.errors import ConfigError
from pipelines.demo_feed import Resource, load_podcast

_log = logging.getLogger(__name__)

FEED_PATH = "/feed.xml"


class DemoServer:
    """Serves a directory of talks on 127.0.0.1 while its ``with`` block runs.

    Args:
        directory: holds ``talks.json`` and the files that it names.
        port: 0 takes a free one.

    Raises:
        ConfigError: ``talks.json`` or one of the talks is missing, or the port is taken.
    """

    def __init__(self, directory: Path, port: int = 0) -> None:
        podcast = load_podcast(directory)
        try:
            self._server = _Server(port)
        except OSError as error:
            raise ConfigError(
                f"The demo can't have port {port}: {error.strerror}",
                remedy="Choose another; 0 takes a free one",
            ) from error
        self._server.resources = {talk.path: talk.media for talk in podcast.talks}
        self._server.resources[FEED_PATH] = podcast.feed(self.url)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def feed_url(self) -> str:
        return self.url + FEED_PATH

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and stop (exclusive) of what a ``Range`` header asks for, after RFC 9110, section 14.

    ``None``: everything; a header that isn't one plain range is ignored, as the RFC allows.

    Raises:
        ValueError: nothing of the range lies within the ``size`` bytes.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header or "")
    first, last = match.groups() if match else ("", "")
    if first:
        start = int(first)
        stop = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    elif last:
        start, stop = max(0, size - int(last)), size
    else:
        return None
    if start >= size:
        raise ValueError(f"byte {start} of {size}")
    return start, stop


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    resources: dict[str, Resource]

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which looks the host's name up: seconds where the name server is slow.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        _log.debug("a client left: %s", sys.exception())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> bytes:
        """Sends status and headers.

        Returns:
            The body that belongs to them.
        """
        found = self.server.resources.get(unquote(urlsplit(self.path).path))
        if found is None:
            return self._headers(HTTPStatus.NOT_FOUND, b"")
        size = len(found.content)
        facts = {"Accept-Ranges": "bytes", "Content-Type": found.content_type}
        facts["Last-Modified"] = self.date_time_string(int(found.modified.timestamp()))
        try:
            part = byte_range(self.headers.get("Range"), size)
        except ValueError:
            unsatisfiable = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            return self._headers(unsatisfiable, b"", **{"Content-Range": f"bytes */{size}"})
        if part is None:
            return self._headers(HTTPStatus.OK, found.content, **facts)
        facts["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
        return self._headers(HTTPStatus.PARTIAL_CONTENT, found.content[slice(*part)], **facts)

    def _headers(self, status: HTTPStatus, body: bytes, **headers: str) -> bytes:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        return body

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)
