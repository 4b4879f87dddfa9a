"""Rows of the line ↔ JSON of the ledger. Pure; knows neither SQL nor connections."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from actors.credentials import masked
from actors.rows import Provenance, Utterance, VideoMeta, Word
from actors.store.storable import to_json


def meta_to_json(meta: VideoMeta) -> str:
    plain = asdict(meta)
    plain["url"] = masked(meta.url)
    plain["published_at"] = meta.published_at.isoformat() if meta.published_at else None
    return to_json(plain)


def meta_from_json(plain: dict[str, Any]) -> VideoMeta:
    published = plain.get("published_at")
    return VideoMeta(**{**plain, "published_at": datetime.fromisoformat(published) if published else None})


def utterances_to_json(utterances: Sequence[Utterance]) -> str:
    """Words become arrays ``[text, start_s, end_s, probability]``: half the size of objects."""
    return to_json(
        [
            {
                "text": spoken.text,
                "start_s": spoken.start_s,
                "end_s": spoken.end_s,
                "words": [[word.text, word.start_s, word.end_s, word.probability] for word in spoken.words],
                "avg_logprob": spoken.avg_logprob,
                "compression_ratio": spoken.compression_ratio,
                "no_speech_prob": spoken.no_speech_prob,
                "temperature": spoken.temperature,
                "flags": spoken.flags,
            }
            for spoken in utterances
        ]
    )


def utterances_from_json(plain: Sequence[dict[str, Any]]) -> tuple[Utterance, ...]:
    return tuple(
        Utterance(
            **{
                **spoken,
                "words": tuple(Word(*word) for word in spoken["words"]),
                "flags": tuple(spoken["flags"]),
            }
        )
        for spoken in plain
    )


def provenance_to_json(provenance: Provenance) -> str:
    return to_json(asdict(provenance))


def provenance_from_json(plain: dict[str, Any]) -> Provenance:
    return Provenance(**plain)
