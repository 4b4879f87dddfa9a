"""How long ``reprocess --from identify`` takes for many videos: ``python -m tests.bench.relabel --help``.

Made-up talks of two or three people, one of whom is enrolled after they were stored. Ten talks are stored through the
ledger and copied by SQL; each copy is read, decided and written like a video of its own.
"""

import json
import os
import tempfile
import time
from pathlib import Path

import click

from actors.rows import RunId
from actors.store.conditions import Conditions
from actors.store.database import Database
from actors.store.embedded import ensure_server, stop_server
from actors.store.migrations import migrate
from actors.store.redo import choose
from actors.store.runs import RunRegistry
from actors.store.vectors import ensure_model
from actors.store.voices import save
from configs.load import load_settings
from pipelines.relabel import relabel_stored
from tests.enrolled import direction, profile, voice
from tests.made_talks import GAP_S, MODEL, PAUSE_S, WORD_S, WORDS, Shelf, Turn

DIM = 192
N_ORIGINALS = 10
SENTENCE_S = WORDS * (WORD_S + GAP_S) + PAUSE_S
COPIES = (
    """insert into ingest_state (video_id, kind, url, title, status, stage, recipe, edition, n_slices, decoded_s, meta, language)
       select video_id || '-' || n, kind, url, title, status, stage, recipe, edition, n_slices, decoded_s, meta, language
       from ingest_state, generate_series(2, {n}) n""",
    """insert into slices (video_id, recipe, edition, ordinal, n_slices, decoded_s, speech_s, language, utterances, provenance,
                           voice_model, voice_start_s, voice_end_s, voice_windows, voice_vectors, voice_dense, voice_reason)
       select video_id || '-' || n, recipe, edition, ordinal, n_slices, decoded_s, speech_s, language, utterances, provenance,
              voice_model, voice_start_s, voice_end_s, voice_windows, voice_vectors, voice_dense, voice_reason
       from slices, generate_series(2, {n}) n""",
    """insert into sources (source_id, source_type, title, url, duration_s, language, recipe, edition, provenance, n_words_collapsed)
       select source_id || '-' || n, source_type, title, url, duration_s, language, recipe, edition, provenance, n_words_collapsed
       from sources, generate_series(2, {n}) n""",
    """insert into segments (source_id, ordinal, text, start_s, end_s, n_words, speaker, speaker_score, speaker_margin, speaker_method)
       select source_id || '-' || n, ordinal, text, start_s, end_s, n_words, speaker, speaker_score, speaker_margin, speaker_method
       from segments, generate_series(2, {n}) n""",
)


def fill(database: Database, run_id: RunId, n_videos: int, minutes: float) -> None:
    """Store the talks, with nobody enrolled."""
    settings = load_settings("balanced", overrides={"identify.same_voice": 0.6}, env_file=None)
    shelf = Shelf(database, ensure_model(database, "bench", 16), run_id, settings)
    n_sentences = round(minutes * 60 / SENTENCE_S)
    host, guests = direction(1, DIM), [direction(seed, DIM) for seed in range(2, 6)]
    for number in range(N_ORIGINALS):
        turns, left = [], n_sentences
        while left > 0:
            who = host if len(turns) % 2 == 0 else guests[(number + len(turns)) % 2]
            turns.append(Turn(who, min(left, 12 + 3 * (len(turns) % 4))))
            left -= turns[-1].n_sentences
        shelf.put(f"talk{number}", turns, seed=number)
    for statement in COPIES:
        database.run(lambda c, s=statement: c.execute(s.format(n=n_videos // N_ORIGINALS)))
    database.run(lambda c: c.execute("analyze"))


def _cpu_s() -> float:
    """Of this process and of those that it started and that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--videos", type=click.IntRange(min=N_ORIGINALS), default=1_000, show_default=True, help="Stored videos."
)
@click.option("--minutes", type=float, default=10.0, show_default=True, help="Length of each.")
@click.option("--cpus", type=click.IntRange(min=1), default=2, show_default=True, help="Most processes.")
@click.option("--profile", "profiler", is_flag=True, help="Say where the time goes.")
def main(videos: int, minutes: float, cpus: int, profiler: bool) -> None:
    """Print seconds and videos a second, as JSON."""
    settings = load_settings("balanced", overrides={"identify.same_voice": 0.6}, env_file=None)
    place = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        url = ensure_server(place / "postgres")
        migrate(url)
        with Database(url, pool_size=2) as database, RunRegistry(url) as registry:
            fill(database, registry.open_run({}), videos, minutes)
            save(database, voice("Host", profile=profile("Host", direction(1, DIM), model=MODEL)))
            chosen = choose(database, Conditions())
            began_at, cpu_began_s = time.perf_counter(), _cpu_s()
            if profiler:
                import cProfile

                with cProfile.Profile() as seen:
                    done = relabel_stored(url, chosen, settings, write=True)
                seen.print_stats("tottime")
            else:
                done = relabel_stored(url, chosen, settings, write=True, n_cpus=cpus)
            wall_s, cpu_s = time.perf_counter() - began_at, _cpu_s() - cpu_began_s
    finally:
        stop_server(place / "postgres")
    click.echo(
        json.dumps(
            {"videos": len(chosen), "minutes_each": minutes, "wall_s": round(wall_s, 2), "cpu_s": round(cpu_s, 2),
             "videos_per_s": round(len(chosen) / wall_s, 1), "relabelled": done.n_relabelled,
             "segments": done.n_segments, "to_cut": len(done.to_cut)}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
