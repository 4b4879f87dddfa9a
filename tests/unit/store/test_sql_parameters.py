"""SQL is never put together from values: all of it stands in files or in literals."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted(
    p for name in ("actors", "pipelines", "cluster", "configs") for p in (ROOT / name).rglob("*.py")
)
QUERIES = sorted((ROOT / "actors/store/queries").glob("*.sql"))
RUNS_SQL = {"execute", "executemany", "copy"}
NAMES = {"table", "index", "dim", "order"}
"""What ``psycopg.sql`` fills in: identifiers, a number, one of two fixed orders."""


def _statements(path: Path) -> Iterator[ast.expr]:
    """First arguments of everything that looks like running SQL."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_call and node.func.attr in RUNS_SQL and node.args:
            yield node.args[0]


def _is_put_together(statement: ast.expr) -> bool:
    """An f-string, a sum, a ``%`` or a ``.format`` of a plain string."""
    if isinstance(statement, ast.JoinedStr | ast.BinOp):
        return True
    if isinstance(statement, ast.Call) and isinstance(statement.func, ast.Attribute):
        on = statement.func.value
        is_composed = isinstance(on, ast.Call) and ast.unparse(on.func) == "sql.SQL"
        return statement.func.attr == "format" and not is_composed
    return False


def test_no_statement_is_put_together_from_text() -> None:
    """Neither f-strings nor sums, ``%`` or ``format`` reach a cursor; ``psycopg.sql`` alone composes names."""
    found = [(path, statement) for path in SOURCES for statement in _statements(path)]
    assert len(found) > 40
    assert [f"{path}: {ast.unparse(s)}" for path, s in found if _is_put_together(s)] == []


def _is_ours(argument: ast.expr) -> bool:
    """A statement of ``queries/`` or a literal, or a choice of two."""
    if isinstance(argument, ast.IfExp):
        return _is_ours(argument.body) and _is_ours(argument.orelse)
    return isinstance(argument, ast.Constant) or ast.unparse(argument).startswith("queries(")


def test_sql_is_composed_of_our_own_statements_only() -> None:
    """What ``sql.SQL`` takes for trusted text comes with the program."""
    found = [
        node.args[0]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sql.SQL"
    ]
    assert len(found) >= 7
    assert [ast.unparse(argument) for argument in found if not _is_ours(argument)] == []


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_statements_hold_parameters_and_known_names_only(path: Path) -> None:
    """``%(name)s`` for values, ``{table}`` and the like for names; no other way in."""
    text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
    assert set(re.findall(r"\{(\w+)\}", text)) <= NAMES
    assert not re.search(r"%(?!\(\w+\)s|%)", text)
