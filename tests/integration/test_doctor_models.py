"""Models before the doctor: the real ones, broken ones, and processes that end badly."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from command import ROOT

from actors.errors import ConfigError
from configs.home import Home
from configs.load import load_settings
from pipelines.doctor import gpu, models
from pipelines.doctor.checkup import examine
from pipelines.doctor.child import ask
from pipelines.doctor.finding import Surroundings
from tests.waiting import until

ASR_MODEL = ROOT / "configs/demo/models/whisper-tiny-espeak"
CANARY = ROOT / "actors/speech/canary/canary.ogg"
TARGETS = "tests.integration.doctor_targets"


def tried(tmp_path, name, **settings):
    """The finding of one model's trial under these settings."""
    overrides = {key.replace("__", "."): value for key, value in settings.items()}
    around = Surroundings(load_settings("demo", overrides=overrides, env_file=None), Home(tmp_path))
    (found,) = examine([check for check in models.checks() if check.name == name], around)
    return found


def test_the_recogniser_says_what_it_heard(tmp_path):
    """The shipped one on the shipped clip: its real text stands in the line."""
    found = tried(tmp_path, "recogniser")
    assert found.level == "ok", found
    assert "cpu (int8" in found.said and "ready in" in found.said
    heard = found.said.split('"')[1].split()
    assert len(heard) > 10


def test_the_embedding_model_says_how_alike_its_vectors_are(tmp_path):
    """The one out of its package: dimension and two cosines, the first the larger."""
    found = tried(tmp_path, "embedding model")
    assert found.level == "ok", found
    alike, unlike = map(float, re.findall(r"(?<![\d.])0\.\d+\b(?! s)", found.said))
    assert "384 dimensions" in found.said and alike > unlike


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_model_that_lacks_a_file_is_named(tmp_path, missing):
    """Which file, and how it comes there."""
    copy = tmp_path / "model"
    shutil.copytree(ASR_MODEL, copy)
    (copy / missing).unlink()
    found = tried(tmp_path, "recogniser", transcribe__model=str(copy))
    assert found.level == "wrong" and f"lacks {missing}" in found.said and "Convert" in found.remedy


def test_a_model_whose_weights_are_damaged_is_named(tmp_path):
    """Half of model.bin."""
    copy = tmp_path / "model"
    shutil.copytree(ASR_MODEL, copy)
    weights = (copy / "model.bin").read_bytes()
    (copy / "model.bin").write_bytes(weights[: len(weights) // 2])
    found = tried(tmp_path, "recogniser", transcribe__model=str(copy))
    assert found.level == "wrong" and "can't be loaded" in found.said and found.remedy


def test_a_recogniser_that_hears_something_else_is_named(tmp_path):
    """A clip with another text beside it: what was heard and what should have been."""
    clip = tmp_path / "clip.ogg"
    shutil.copy(CANARY, clip)
    clip.with_suffix(".txt").write_text("entirely different words that nobody has ever said in there at all")
    found = tried(tmp_path, "recogniser", transcribe__canary_audio=str(clip))
    assert found.level == "wrong" and "failed its test clip" in found.said and "driver" in found.remedy


def test_a_dimension_of_another_model_is_named(tmp_path):
    """The setting to change and to what."""
    found = tried(tmp_path, "embedding model", embed__dimensions=768)
    assert found.level == "wrong" and "384 dimensions" in found.said and "384" in found.remedy


def test_cuda_without_a_card_is_named_for_each_library(tmp_path):
    """CTranslate2 and torch are asked apart, each in its own process."""
    settings = {"transcribe__device": "cuda", "transcribe__compute_type": "float16"}
    assert "no CUDA device" in tried(tmp_path, "recogniser", **settings).said
    overrides = {"embed.device": "cuda"}
    around = Surroundings(load_settings("demo", overrides=overrides, env_file=None), Home(tmp_path))
    (found,) = gpu.torch(around)
    assert found.level == "wrong" and "embed.device" in found.said and "CUDA build" in found.remedy
    assert [each.level for each in gpu.ctranslate2(around)] == ["ok"]


# Processes of their own


def test_an_answer_is_heard_through_what_libraries_print(monkeypatch):
    """And the process knows no password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/d")
    assert ask(f"{TARGETS}:echo", {"a": 1}, limit_s=60) == {"question": {"a": 1}, "secrets": []}


def test_an_error_that_was_foreseen_arrives_as_it_was():
    """Code, reason and remedy."""
    with pytest.raises(ConfigError) as raised:
        ask(f"{TARGETS}:refuse", {}, limit_s=60)
    assert (raised.value.code, raised.value.reason, raised.value.remedy) == (
        "gone",
        "it can't be had",
        "Have another",
    )


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("crash", ("SIGSEGV", "libcudnn.so.9")),
        ("raise_something", ("exit code 1", "CUBLAS_STATUS_NOT_SUPPORTED")),
    ],
)
def test_a_crash_is_an_answer(target, says):
    """How it ended and its last words; this process goes on."""
    with pytest.raises(ConfigError) as raised:
        ask(f"{TARGETS}:{target}", {}, limit_s=60)
    assert raised.value.code == "crash" and all(words in raised.value.reason for words in says)


def test_a_hang_ends_with_its_time(tmp_path):
    """And its process with it."""
    mark = tmp_path / "pid"
    with pytest.raises(ConfigError) as raised:
        ask(f"{TARGETS}:hang", {"mark": str(mark)}, limit_s=10)
    assert raised.value.code == "timeout" and "no answer in 10 s" in raised.value.reason
    assert not psutil.pid_exists(int(mark.read_text()))


def test_a_process_ends_with_the_doctor(tmp_path):
    """Killed with -9, it can't tidy up: its child notices by itself."""
    mark = tmp_path / "pid"
    asking = f"from pipelines.doctor.child import ask; ask('{TARGETS}:hang', {{'mark': {str(mark)!r}}}, limit_s=300)"
    doctor = subprocess.Popen([sys.executable, "-c", asking], cwd=ROOT)
    try:
        child = psutil.Process(int(_appears(mark)))
    finally:
        os.kill(doctor.pid, signal.SIGKILL)
        doctor.wait()
    child.wait(timeout=30)


def _appears(mark: Path) -> str:
    assert until(lambda: mark.exists() and mark.stat().st_size > 0, 60, 0.05), "the child never began"
    return mark.read_text()
