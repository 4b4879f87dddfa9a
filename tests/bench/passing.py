"""How fast a run passes over what is stored already. See ``--help``."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import psycopg

from actors.store.database import Database
from actors.store.embedded import ensure_server
from actors.store.migrations import migrate
from actors.store.vectors import ensure_model
from actors.text.models import embedding_name
from configs.home import HOME_VARIABLE, Home
from configs.load import load_settings
from configs.settings import Settings
from tests.bench.trial import temporary_home

ROOT = Path(__file__).parents[2]
LIMIT_S = 15.0
AT_100_000 = 100_000
FILL = """
    with run as (
      insert into runs (finished_at, outcome) values (clock_timestamp(), 'finished') returning run_id
    ),
    ids as (
      select n, substr(translate(encode(sha256(n::text::bytea), 'base64'), '+/', '-_'), 1, 11) as video_id
      from generate_series(1, %(n)s) n
    ),
    known as (
      insert into ingest_state (video_id, kind, url, title, status, stage, recipe, n_slices, decoded_s, run_id, finished_at,
                                meta, attempts, content_sha256)
      select video_id, 'video', 'https://www.youtube.com/watch?v=' || video_id, 'Talk ' || n, 'stored', 'stored', %(recipe)s, 1,
             600, run_id, clock_timestamp(), jsonb_build_object('title', 'Talk ' || n, 'duration_s', 600), 1,
             sha256(n::text::bytea)
      from ids cross join run returning video_id, run_id, title, url
    ),
    asked as (
      insert into run_videos (run_id, video_id, standing, recipe) select run_id, video_id, 'new', %(recipe)s from known
    )
    insert into sources (source_id, source_type, title, url, duration_s, recipe)
    select video_id, 'youtube', title, url, 600, %(recipe)s from known
"""
"""As a run of so many videos leaves them, but for their text: passing over reads none."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--ids", "n_ids", type=click.IntRange(min=1), default=AT_100_000, show_default=True)
@click.option("--keep", is_flag=True, help="Leave the home and say where it is.")
def main(n_ids: int, keep: bool) -> None:
    """Time `run.py ingest --from FILE` over ids that are all in the corpus of a real embedded database.

    The time is that of the whole process, from its start to its exit. Exit code 1: it took over 15 s for each
    100,000 ids, or did not pass all of them over.
    """
    settings = load_settings("demo", env_file=None)
    with temporary_home(keep) as home:
        _fill(home, settings, n_ids)
        took_s, code, document = _pass_over(home)
        if keep:
            click.echo(f"kept: {home.root}", err=True)
    passed = document.get("asked", {}).get("stored")
    click.echo(f"{n_ids} ids passed over in {took_s:.1f} s ({passed} stored already, exit {code})")
    allowed_s = LIMIT_S * max(1.0, n_ids / AT_100_000)
    sys.exit(0 if code == 0 and passed == n_ids and took_s <= allowed_s else 1)


def _fill(home: Home, settings: Settings, n_ids: int) -> None:
    url = ensure_server(home.database_dir)
    migrate(url)
    with Database(url) as database:
        ensure_model(database, embedding_name(settings.embed), settings.embed.dimensions)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, {"n": n_ids, "recipe": settings.recipe()})
        connection.execute("vacuum analyze")
        ids = connection.execute("select video_id from ingest_state order by video_id").fetchall()
    (home.root / "ids.txt").write_text("\n".join(video_id for (video_id,) in ids), encoding="ascii")


def _pass_over(home: Home) -> tuple[float, int, dict[str, dict[str, int]]]:
    command = [sys.executable, str(ROOT / "run.py"), "ingest", "--from", str(home.root / "ids.txt"), "--profile", "demo", "--json"]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EARMARK_")}
    began_at = time.monotonic()
    done = subprocess.run(
        command, cwd=home.root, env=environment | {HOME_VARIABLE: str(home.root)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    took_s = time.monotonic() - began_at
    if not done.stdout:
        click.echo(done.stderr[-2000:], err=True)
    return took_s, done.returncode, json.loads(done.stdout) if done.stdout else {}


if __name__ == "__main__":
    main()
