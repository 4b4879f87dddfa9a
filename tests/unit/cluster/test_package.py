"""What travels with a job: all that runs and nothing beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from cluster.package import CODE, PROGRAM, ROOT, SETTINGS, SOURCES, parts, stage

SHIPPED_SECRET = "hunter2"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout in which a person has left what must stay."""
    for path in (
        PROGRAM, "actors/errors.py", "actors/store/queries/ledger.sql", "actors/speech/canary/canary.txt",
        "configs/demo/models/m/model.bin", "pipelines/ingest.py", "pipelines/page.html", "cluster/jobs.py",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("good")
    for path in (
        ".env", "cluster/.env", "cluster/secrets.yaml", "cluster/kuberay/secret.yaml", "configs/.cookies.txt",
        "tests/unit/test_x.py", "cookies.txt", "actors/__pycache__/errors.cpython-311.pyc", "data/corpus.sql",
        "configs/demo/speech/talk.ogg", "pipelines/notes.md", ".git/config", ".venv/lib/x.py", "earmark.egg-info/a.txt",
        "configs/cookies.txt", "configs/profiles/mine.yaml", "actors/list.json", "pipelines/state.bin", "pipelines/dump.sql",
        "actors/fetch/cookies.txt", "configs/demo/mine.yaml", "configs/demo/models/.token", "configs/demo/modelsets/a.json",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(SHIPPED_SECRET)
    (tmp_path / "configs" / "elsewhere.yaml").symlink_to(tmp_path / ".env")
    return tmp_path


def test_only_what_runs_travels(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither data, tests, caches nor hidden files, nor what is kept beside a cluster's files, nor settings, cookies and
    lists that lie among the code."""
    folder = tmp_path_factory.mktemp("package")
    stage(folder, {}, root=project)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {
        PROGRAM, "actors/errors.py", "actors/store/queries/ledger.sql", "actors/speech/canary/canary.txt",
        "configs/demo/models/m/model.bin", "pipelines/ingest.py", "pipelines/page.html", "cluster/jobs.py",
    }  # fmt: skip
    assert all(SHIPPED_SECRET not in (folder / path).read_text() for path in there)


def test_what_is_written_for_a_job_goes_along(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("package")
    written = {
        SOURCES: "https://example.org/a\n",
        SETTINGS: "embed: {}\n",
        "configs/profiles/cluster.yaml": "ray: {}\n",
    }
    stage(folder, written, root=project)
    assert {name: (folder / name).read_text() for name in written} == written


def test_everything_that_the_code_reads_travels() -> None:
    """Every file below the rooms that git keeps is code, a query, a model, or named here as left behind."""
    kept = subprocess.run(
        ["git", "ls-files", *CODE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    travels = {path.as_posix() for path in parts()}
    left = {
        path
        for path in kept
        if path not in travels
        and not path.startswith(("cluster/", "configs/demo/speech/", "configs/profiles/"))
    }
    assert left == set()


def test_the_program_starts_from_its_package_alone(tmp_path: Path) -> None:
    """Nothing that it imports at its start was left behind."""
    profile = "configs/profiles/demo.yaml"
    stage(tmp_path, {profile: (ROOT / profile).read_text()})
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import run; "
         "from configs.load import load_settings; print(run.__file__, load_settings('demo').transcribe.model)"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    program, model = done.stdout.split()
    assert program == str(tmp_path / "run.py")
    assert Path(model) == tmp_path / "configs/demo/models/whisper-tiny-espeak" and Path(model).is_dir()


def test_the_same_code_makes_the_same_package(tmp_path: Path) -> None:
    """Ray names a package by its content, and uploads it once."""
    from ray._private.runtime_env.packaging import get_uri_for_directory

    uris = set()
    for name in ("a", "b"):
        stage(tmp_path / name, {SOURCES: "@a\n"})
        uris.add(get_uri_for_directory(str(tmp_path / name), include_gitignore=True))
    assert len(uris) == 1
