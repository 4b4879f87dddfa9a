"""A table of vectors for each embedding model, and which of them search uses.

Owns: making those tables with their HNSW index (here and not in a migration: which models there are
is the user's choice). A model is told by its name and dimension. Doesn't know how vectors are made.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.rows import DictRow

from actors.errors import ConfigError
from actors.rows import VideoId
from actors.store.database import Conn, Database
from actors.store.sql import queries
from actors.store.storable import clean_text

_SLUG_CHARS = 30


@dataclass(frozen=True, slots=True)
class EmbeddingTable:
    """Where the vectors of one model lie."""

    id: int
    name: str
    """The model as settings name it."""
    dim: int
    table_name: str
    active: bool

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.table_name)


def table_name(name: str, dim: int) -> str:
    """A short, legible and unmistakable table name: ``emb_all_minilm_l6_v2_1f3a9c_384``."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower()).strip("_")
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:6]
    return f"emb_{slug[:_SLUG_CHARS]}_{digest}_{dim}"


def ensure_model(database: Database, name: str, dim: int) -> EmbeddingTable:
    """The table of a model, made if need be. The first model of a database becomes the active one.

    A table that was made for a wrong dimension and never used is made anew: a slip in the settings that the
    model itself refused binds nobody.

    Raises:
        ConfigError: the database holds vectors of this model with another dimension.
    """
    what = {"name": name, "dim": dim, "table_name": table_name(name, dim)}

    def ensure(connection: Conn) -> EmbeddingTable:
        connection.execute(queries("vectors")["take_turns"])
        row = connection.execute(queries("vectors")["by_name"], what).fetchone()
        if row is not None and row["dim"] != dim and _is_empty(connection, row["table_name"]):
            _drop(connection, row)
            row = None
        return EmbeddingTable(**(row or _create(connection, what)))

    found = database.run(ensure)
    if found.dim != dim:
        raise ConfigError(
            f"the database holds vectors of {name} with {found.dim} dimensions, and the settings say {dim}",
            remedy=f"Set EMBEDDING_DIMENSIONS={found.dim}, or name the model differently",
        )
    return found


def _create(connection: Conn, what: dict[str, Any]) -> DictRow:
    names = {"table": sql.Identifier(what["table_name"]), "dim": sql.Literal(what["dim"])}
    connection.execute(sql.SQL(queries("vectors")["create_table"]).format(**names))
    index = sql.Identifier(f"{what['table_name']}_hnsw")
    connection.execute(sql.SQL(queries("vectors")["create_index"]).format(**names, index=index))
    row = connection.execute(queries("vectors")["enter"], what).fetchone()
    assert row is not None
    return row


def _is_empty(connection: Conn, table: str) -> bool:
    statement = sql.SQL(queries("vectors")["is_empty"]).format(table=sql.Identifier(table))
    row = connection.execute(statement).fetchone()
    assert row is not None
    return bool(row["empty"])


def _drop(connection: Conn, row: DictRow) -> None:
    statement = sql.SQL(queries("vectors")["drop_table"]).format(table=sql.Identifier(row["table_name"]))
    connection.execute(statement)
    connection.execute(queries("vectors")["forget"], {"name": row["name"]})


def active_model(database: Database) -> EmbeddingTable | None:
    """The model that search uses; ``None``: nothing was ever embedded."""
    row = database.run(lambda connection: connection.execute(queries("vectors")["active"]).fetchone())
    return None if row is None else EmbeddingTable(**row)


def models(database: Database) -> list[EmbeddingTable]:
    """Every model that the database has a table for."""
    rows = database.run(lambda connection: connection.execute(queries("vectors")["all"]).fetchall())
    return [EmbeddingTable(**row) for row in rows]


def activate(database: Database, name: str) -> EmbeddingTable:
    """Let search use another model.

    Raises:
        ConfigError: no such model.
    """

    def switch(connection: Conn) -> EmbeddingTable:
        connection.execute(queries("vectors")["take_turns"])
        connection.execute(queries("vectors")["deactivate"])
        row = connection.execute(queries("vectors")["activate"], {"name": name}).fetchone()
        if row is None:
            known = (
                ", ".join(each["name"] for each in connection.execute(queries("vectors")["all"])) or "none"
            )
            raise ConfigError(f"the database has no vectors of {name}", remedy=f"It has those of: {known}")
        return EmbeddingTable(**row)

    return database.run(switch)


def prefer(database: Database, table: EmbeddingTable) -> EmbeddingTable:
    """Let search use ``table`` if it covers the corpus at least as well as the model in use; gives the
    one in use then."""
    active = active_model(database)
    if active is None or (
        active.id != table.id and n_missing(database, table) <= n_missing(database, active)
    ):
        return activate(database, table.name)
    return active


def n_missing(database: Database, table: EmbeddingTable) -> int:
    """Segments of the corpus that have no vector in ``table``."""
    statement = sql.SQL(queries("vectors")["missing"]).format(table=table.identifier)
    row = database.run(lambda connection: connection.execute(statement).fetchone())
    assert row is not None
    return int(row["n"])


def served_vectors(
    database: Database, table: EmbeddingTable, video_id: VideoId, texts: Sequence[str]
) -> dict[str, npt.NDArray[np.float32]]:
    """The vectors of those texts that segments of a stored video hold, shape ``(dim,)`` each, unit length."""
    statement = sql.SQL(queries("vectors")["of_texts"]).format(table=table.identifier)
    what = {"video_id": video_id, "texts": [clean_text(text) for text in texts]}
    rows = database.run(lambda connection: connection.execute(statement, what).fetchall())
    found = {row["text"]: row["embedding"].to_numpy().astype(np.float32) for row in rows}
    return {text: vector / np.linalg.norm(vector) for text, vector in found.items()}


def drop_model(database: Database, name: str) -> None:
    """Drop a model's vectors; their space is free at once.

    Raises:
        ConfigError: no such model, or it is the active one.
    """

    def drop(connection: Conn) -> None:
        connection.execute(queries("vectors")["take_turns"])
        row = connection.execute(queries("vectors")["by_name"], {"name": name}).fetchone()
        if row is None or row["active"]:
            raise ConfigError(
                f"the vectors of {name} can't be dropped: search uses them"
                if row
                else f"there are none of {name}",
                remedy="Activate another model first" if row else "",
            )
        _drop(connection, row)

    database.run(drop)
