"""What goes wrong while voices are listened to costs a name and nothing else: the ways in which the system before
this one failed open, on a real line with a real database."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_run import Ended

from actors.store.database import Database
from actors.voices.identify import NO_MODEL, OFF
from pipelines.voiceless import FAILED, KILLS

pytestmark = pytest.mark.timeout(300)

MODEL = Path(__file__).parents[2] / "configs" / "demo" / "models" / "ecapa-tiny-espeak"


def voices(database: Database) -> dict[str, tuple[str | None, int]]:
    """Of each video's slice: the reason why it has no vectors, and how many windows it has."""
    query = "select video_id, voice_reason, cardinality(voice_windows) / 2 as n from slices"
    rows = database.run(lambda connection: connection.execute(query).fetchall())
    return {row["video_id"]: (row["voice_reason"], row["n"]) for row in rows}


def served(database: Database) -> dict[str, tuple[str, str | None, str | None]]:
    """Text, speaker and method of each video."""
    query = "select source_id, text, speaker, speaker_method from segments"
    rows = database.run(lambda connection: connection.execute(query).fetchall())
    return {row["source_id"]: (row["text"], row["speaker"], row["speaker_method"]) for row in rows}


def unknown(name: str, reason: str) -> tuple[str, None, str]:
    """All of a video's text, of nobody, and why."""
    return f"slice 0 of {name}", None, f"unknown: {reason}"


@pytest.mark.long
@pytest.mark.parametrize(
    ("harmful", "reason", "told"),
    [
        pytest.param(("identify-raises-1", "identify-raises-2"), FAILED, (f"{FAILED} (LookupError", 1), id="breaks"),
        pytest.param(("identify-kills", "identify-hangs"), KILLS, (KILLS, 2), id="kills"),
    ],
)  # fmt: skip
def test_what_breaks_or_kills_the_voice_model_keeps_its_text_and_costs_its_neighbours_nothing(
    drive: Callable[..., Ended],
    database: Database,
    harmful: tuple[str, ...],
    reason: str,
    told: tuple[str, int],
) -> None:
    """An exception in the middle; a crash each time, and a call that never returns: all is stored with the reason,
    nobody is named, the run ends well and says what it lacks, each thing once."""
    names = ["fine-0", *harmful, "fine-1"]
    ended = drive(
        names, variant="with voices", settings={"watchdog.row_s": 15.0, "watchdog.row_s_per_audio_s": 0.0}
    )
    assert {row.status for row in ended.by_id.values()} == {"stored"}, ended.said
    assert (ended.exit_code, ended.left) == (0, [])
    heard = voices(database)
    assert {name: heard[name] for name in harmful} == dict.fromkeys(harmful, (reason, 0))
    assert all(heard[name][0] is None and heard[name][1] > 0 for name in ("fine-0", "fine-1"))
    found = served(database)
    assert all(found[name] == unknown(name, reason) for name in harmful)
    assert {name: text for name, (text, _, _) in found.items()} == {
        name: f"slice 0 of {name}" for name in names
    }
    words, n_times = told
    assert ended.said.count(f"Some speech has no speaker: {words}") == n_times


def broken(tmp_path: Path) -> Path:
    """A model whose weights broke off half-way."""
    directory = Path(shutil.copytree(MODEL, tmp_path / "broken"))
    weights = directory / "embedding_model.ckpt"
    weights.write_bytes(weights.read_bytes()[:400_000])
    return directory


@pytest.mark.parametrize(
    "missing",
    [pytest.param(True, id="missing"), pytest.param(False, id="broken off", marks=pytest.mark.long)],
)
def test_without_a_voice_model_everything_is_stored_and_nobody_is_named(
    drive: Callable[..., Ended], database: Database, tmp_path: Path, missing: bool
) -> None:
    """The run says so once, loudly, with the model's name and what to do."""
    model = tmp_path / "nowhere" if missing else broken(tmp_path)
    ended = drive(["a", "b"], variant="with voices", settings={"identify.model": str(model)})
    assert {row.status for row in ended.by_id.values()} == {"stored"}, ended.said
    assert ended.exit_code == 0
    assert voices(database) == dict.fromkeys(("a", "b"), (NO_MODEL, 0))
    assert served(database) == {name: unknown(name, NO_MODEL) for name in ("a", "b")}
    assert ended.said.count("NOBODY IS IDENTIFIED") == 1
    assert str(model) in ended.said and "reprocess --from prepare" in ended.said


@pytest.mark.long
def test_identification_that_is_switched_off_says_so_at_each_slice(
    drive: Callable[..., Ended], database: Database
) -> None:
    """Nothing is loaded for it."""
    ended = drive(["a"], variant="with voices", settings={"identify.enabled": False})
    assert ended.exit_code == 0, ended.said
    assert voices(database) == {"a": (OFF, 0)}
    assert served(database) == {"a": unknown("a", OFF)}
    assert "NOBODY" not in ended.said


@pytest.mark.long
@pytest.mark.parametrize("fault", ["no card", "deaf"])
def test_a_device_that_is_not_there_and_a_model_that_hears_nothing_right_are_refused(
    drive: Callable[..., Ended], tmp_path: Path, fault: str
) -> None:
    """Before any video is touched: never a silent fall back to a CPU, never vectors that mean nothing."""
    if fault == "no card":
        settings, code, words = {"identify.device": "cuda"}, "config", "identify.device is cuda"
    else:
        settings, code, words = {"identify.model": str(deaf(tmp_path))}, "canary", "failed its test clips"
    ended = drive(["a"], variant="with voices", settings=settings)
    assert (ended.exit_code, ended.code) == (2, code), ended.said
    assert words in ended.reason
    assert {row.status for row in ended.by_id.values()} == {"pending"}
    assert ended.left == []


def deaf(tmp_path: Path) -> Path:
    """A model that loads, and whose weights are noise."""
    import torch

    directory = Path(shutil.copytree(MODEL, tmp_path / "deaf"))
    torch.manual_seed(1)
    weights = torch.load(directory / "embedding_model.ckpt")
    noise = {
        name: torch.randn_like(value) * 0.1 if value.is_floating_point() and "running" not in name else value
        for name, value in weights.items()
    }
    torch.save(noise, directory / "embedding_model.ckpt")
    return directory
