"""A run's places on a node that isn't the driver's."""

from dataclasses import replace
from pathlib import Path

import pytest

from actors.rows import RunId
from configs.load import CONFIGS_DIR, load_settings
from pipelines.context import RunContext


def context(place: Path, **overrides: object) -> RunContext:
    return RunContext(
        run_id=RunId(1), settings=load_settings("demo", overrides=overrides), database_url="postgresql://u:hunter2@db/e",
        cache_dir=place / "cache", models_dir=place / "models", audio_dir=place / "audio", scoreboard=None,  # type: ignore[arg-type]
    )  # fmt: skip


def test_on_a_cluster_every_node_uses_its_own_home_and_its_own_copy_of_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's paths mean nothing there: neither its home nor where Ray unpacked the job for it."""
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "node"))
    monkeypatch.setenv("HF_HOME", "another")  # so that it is put back, also where it wasn't set
    monkeypatch.delenv("HF_HOME")
    drivers = Path("/drivers/package/configs")
    sent = context(Path("/drivers/home"), **{"ray.address": "auto", "embed.model": "/mnt/models/gte"})
    model = drivers / "demo/models/whisper-tiny-espeak"
    transcribe = sent.settings.transcribe.model_copy(update={"model": str(model)})
    sent = replace(
        sent, settings=sent.settings.model_copy(update={"transcribe": transcribe}), configs_dir=drivers
    )
    here = sent.here()
    assert (here.cache_dir, here.models_dir, here.audio_dir) == tuple(
        tmp_path / "node" / name for name in ("cache", "models", "audio")
    )
    assert here.models_dir.is_dir()
    assert here.settings.transcribe.model == str(CONFIGS_DIR / "demo/models/whisper-tiny-espeak")
    assert here.settings.embed.model == "/mnt/models/gte"  # mounted everywhere, as the settings say
    assert here.settings.recipe() == sent.settings.recipe()


def test_on_one_machine_the_places_are_the_drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "other"))
    told = context(tmp_path)
    assert told.here() is told


def test_its_repr_shows_no_secret(tmp_path: Path) -> None:
    """Ray shows the arguments of what it runs."""
    assert "hunter2" not in repr(context(tmp_path, **{"store.database_url": "postgresql://u:hunter2@db/e"}))
