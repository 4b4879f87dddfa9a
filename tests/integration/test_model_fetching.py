"""Eight recognisers of one node want the same model of the hub at the same moment: one copy is fetched. Other models come
through the same library."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import ROOT

N_ACTORS = 8
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}", "model.bin": os.urandom(300_000), "tokenizer.json": b"{}", "vocabulary.txt": b"a\n",
    "preprocessor_config.json": b'{"chunk_length": 30}',
}  # fmt: skip
FETCH = """
import sys
from pathlib import Path
from actors.speech.engine import _fetched
from configs.settings import TranscribeSettings
from faster_whisper.utils import download_model
print("ready", flush=True)
sys.stdin.readline()
print(_fetched(TranscribeSettings(model="lab/whisper"), Path(sys.argv[1])))
"""


class Hub(BaseHTTPRequestHandler):
    """As much of a model hub as its client asks for. The model's weights take two seconds."""

    fetched: Counter[str]

    def do_HEAD(self) -> None:
        self._file(with_body=False)

    def do_GET(self) -> None:
        if "/tree/" in self.path:
            tree = [
                {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
                for name, body in FILES.items()
            ]
            self._send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
            return
        if self.path.startswith("/api/models/lab/whisper"):
            document = {
                "id": "lab/whisper",
                "sha": COMMIT,
                "siblings": [{"rfilename": name} for name in FILES],
                "private": False,
            }
            self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
            return
        self._file(with_body=True)

    def _file(self, *, with_body: bool) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        if name not in FILES:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        if with_body:
            self.fetched[name] += 1
            if name == "model.bin":
                time.sleep(2)
        body = FILES[name]
        headers = {
            "ETag": f'"{hashlib.sha256(body).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "none",
        }
        self._send(200, body, headers, with_body=with_body)

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, with_body: bool = True) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[tuple[str, Counter[str]]]:
    fetched: Counter[str] = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHub", (Hub,), {"fetched": fetched}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", fetched
    server.shutdown()
    server.server_close()


def test_actors_that_start_together_fetch_one_copy(hub: tuple[str, Counter[str]], tmp_path: Path) -> None:
    """By the locks of the hub's library, which lie in the node's own directory of models."""
    url, fetched = hub
    env = os.environ | {
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    actors = [
        subprocess.Popen([sys.executable, "-c", FETCH, str(tmp_path)], env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(N_ACTORS)
    ]  # fmt: skip
    try:
        assert all(actor.stdout is not None and actor.stdout.readline() == "ready\n" for actor in actors)
        for actor in actors:
            assert actor.stdin is not None
            actor.stdin.write("go\n")
            actor.stdin.flush()
        ended = [(actor.communicate(timeout=90), actor.returncode) for actor in actors]
    finally:
        for actor in actors:
            actor.kill()
    assert [code for _, code in ended] == [0] * N_ACTORS, ended[0][0][1][-2000:]
    (snapshot,) = {out.strip() for (out, _), _ in ended}
    assert (Path(snapshot) / "model.bin").read_bytes() == FILES["model.bin"]
    assert fetched["model.bin"] == 1
