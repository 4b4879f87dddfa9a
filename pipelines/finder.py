"""Search as the commands offer it: the corpus's own embedding model, the database, and links."""

from types import TracebackType
from typing import Any, Self

from actors.errors import ConfigError
from actors.fetch.identity import link_at
from actors.store.database import Database
from actors.store.search import Filters, search
from actors.store.vectors import active_model
from configs.home import Home
from configs.settings import Settings
from pipelines.corpus import open_database


class Finder:
    """Answers queries; loads the model once.

    Raises:
        ConfigError: nothing has been stored yet, or the model that the corpus was embedded with can't
            be loaded here.
    """

    def __init__(self, settings: Settings, home: Home) -> None:
        home.keep_model_caches()
        self._database = Database(open_database(settings, home))
        table = active_model(self._database)
        if table is None:
            self._database.close()
            raise ConfigError("the corpus is empty", remedy="Put something into it with `run.py ingest`")
        from actors.text.sentence_model import SentenceModel

        self._table = table
        embed = settings.embed.model_copy(
            update={"model": table.name, "dimensions": table.dim, "device": "auto", "revision": None}
        )
        self._model = SentenceModel(embed, home.models_dir)

    def find(self, query: str, *, limit: int, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Hits as plain data, best first."""
        vector = self._model.encode_query(query)
        found = search(
            self._database, vector, query, self._table, filters=Filters(**(filters or {})), limit=limit
        )
        return [
            {
                "video_id": hit.video_id, "title": hit.title, "channel": hit.channel,
                "published_at": hit.published_at, "start_s": round(hit.start_s, 2), "end_s": round(hit.end_s, 2),
                "speaker": hit.speaker, "text": hit.text, "url": link_at(hit.url, hit.start_s), "score": hit.score,
            }
            for hit in found
        ]  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
