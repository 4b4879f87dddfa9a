"""The database: can it be reached, can it serve us, is it of this version, are its vectors the model's.

The embedded one is started as any command does. Changes nothing else: what is missing is left to be said.
"""

from collections.abc import Iterator

from psycopg import sql

from actors.store.database import Database
from actors.store.first_contact import connect_once, target
from actors.store.migrations import pending, shipped
from actors.store.vectors import EmbeddingTable, active_model, models, n_missing
from actors.text.models import embedding_name
from configs.settings import EmbedSettings
from pipelines.corpus import database_url
from pipelines.doctor.finding import Finding, Surroundings, ok, warning, wrong

LIMIT_S = 120.0
"""The embedded one may have a log to replay."""
PATIENCE_S = 10.0


def database(around: Surroundings) -> Iterator[Finding]:
    """Raises ConfigError where it can't be reached or can't serve us: the findings after that are left out."""
    url = database_url(around.settings, around.home)
    facts = connect_once(url)
    where = "the embedded one" if around.settings.store.database_url is None else target(url)
    yield ok("database", f"{where}: Postgres {facts.postgres}, pgvector {facts.pgvector}")
    missing = pending(url)
    if len(missing) == len(shipped()):
        yield ok("schema", "none yet: the first command makes it")
        return
    if missing:
        yield warning(
            "schema", f"older than this Earmark: it lacks {', '.join(missing)}",
            "`run.py db migrate`; the next command that writes does it too, with a user that owns the database",
        )  # fmt: skip
        return
    yield ok("schema", f"up to date ({shipped()[-1].name})")
    with Database(url, pool_size=1, budget_s=PATIENCE_S) as opened:
        yield _vectors(opened, around.settings.embed)


def _vectors(database: Database, embed: EmbedSettings) -> Finding:
    """Whether the model of the settings is the one whose vectors are there."""
    name = embedding_name(embed)
    table = next((each for each in models(database) if each.name == name), None)
    if table is None:
        active = active_model(database)
        return ok("vectors", f"none of {name} yet" + (f"; search uses {active.name}" if active else ""))
    if table.dim != embed.dimensions and not _is_empty(database, table):
        return wrong(
            "vectors", f"those of {name} have {table.dim} dimensions, and embed.dimensions is {embed.dimensions}",
            f"Set embed.dimensions (EMBEDDING_DIMENSIONS) to {table.dim}, or name the model differently",
        )  # fmt: skip
    missing = n_missing(database, table)
    if missing:
        return warning(
            "vectors", f"{missing} segments have none of {name}", "`run.py reprocess --from embed` makes them"
        )
    return ok("vectors", f"every segment has one of {name} ({table.dim} dimensions)")


def _is_empty(database: Database, table: EmbeddingTable) -> bool:
    statement = sql.SQL("select not exists (select from {}) as empty").format(table.identifier)
    row = database.run(lambda connection: connection.execute(statement).fetchone())
    return bool(row and row["empty"])
