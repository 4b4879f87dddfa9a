"""What is put before a text so that a model knows whether it is a document or a question.

Owns: which prompt is used for which model. Knows no model's code.

A model trained with prompts finds worse without them, and without an error: the prompts that it
brings in its own files come first, then this table for those that name theirs only in their card.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompts:
    """Put before the text as they stand; empty for none."""

    document: str = ""
    query: str = ""


_BGE_EN = Prompts(query="Represent this sentence for searching relevant passages: ")
_BGE_ZH = Prompts(query="为这个句子生成表示以用于检索相关文章：")
_E5 = Prompts(document="passage: ", query="query: ")
_NOMIC = Prompts(document="search_document: ", query="search_query: ")

KNOWN: Mapping[str, Prompts] = {
    # Model cards of BAAI/bge-*-v1.5, section "Model List", column "query instruction for retrieval".
    **{f"baai/bge-{size}-en-v1.5": _BGE_EN for size in ("small", "base", "large")},
    **{f"baai/bge-{size}-zh-v1.5": _BGE_ZH for size in ("small", "base", "large")},
    # Model cards of intfloat/*e5*: "each input text should start with query: or passage:".
    **{f"intfloat/e5-{size}{version}": _E5 for size in ("small", "base", "large") for version in ("", "-v2")},
    **{f"intfloat/multilingual-e5-{size}": _E5 for size in ("small", "base", "large")},
    # Model cards of nomic-ai/nomic-embed-text-*, section "Task instruction prefixes".
    **{f"nomic-ai/nomic-embed-text-{version}": _NOMIC for version in ("v1", "v1.5")},
}
"""By hub id in lower case; a local copy is known by its directory's name too."""


def prompts_for(
    location: str, own: Mapping[str, str], *, document: str | None = None, query: str | None = None
) -> Prompts:
    """The prompts to use with a model.

    Args:
        location: hub id or directory of the model.
        own: prompts in the model's own files, as sentence-transformers gives them.
        document: a user's wish that goes before all, ``""`` for none.
        query: likewise.
    """
    known = _known(location)
    own_document = next((own[name] for name in ("document", "passage", "corpus") if own.get(name)), "")
    has_own = any(own.values())
    return Prompts(
        document=document if document is not None else own_document if has_own else known.document,
        query=query if query is not None else own.get("query", "") if has_own else known.query,
    )


def _known(location: str) -> Prompts:
    name = location.lower().rstrip("/")
    by_directory = {hub_id.rpartition("/")[2]: prompts for hub_id, prompts in KNOWN.items()}
    return KNOWN.get(name) or by_directory.get(name.replace("\\", "/").rpartition("/")[2]) or Prompts()
