"""``tune``: a short sweep over the recogniser's settings on this machine, with real audio.

Gathers (hardware, sample, what is asked), has ``sweep.py`` say what comes next and a crew measure it, and keeps each
result at once: Ctrl-C loses the measurement under way and nothing else.
"""

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from actors.errors import ConfigError, EarmarkError
from actors.store.database import Database
from actors.store.tunings import Tuning, TuningKey, keep_tuning, kept_tunings
from cluster import mps
from cluster.hardware import find_hardware
from cluster.resources import CPU_COMPUTE_TYPES, Hardware
from configs.home import home
from configs.settings import Settings
from pipelines import tune_words
from pipelines.corpus import open_database
from pipelines.demo import SPEECH_DIR
from pipelines.demo_feed import CONTENT_TYPES
from pipelines.outcome import hardware_document
from pipelines.printing import answer
from pipelines.sample import Sample, packed, take_sample
from pipelines.stage_costs import model_name
from pipelines.sweep import Asked, Combination, Result, Site, combinations, dials, following, left_out
from pipelines.tuned import device_of, plain, result_of
from pipelines.tuning_crew import Job, Performance, perform
from pipelines.tuning_worker import put_down


@dataclass(frozen=True, slots=True)
class Bench:
    """What every combination is measured with."""

    settings: Settings
    hardware: Hardware
    site: Site
    models_dir: Path
    sample: Sample
    seconds: float


def run_tune(settings: Settings, asked: Asked, audio: Sequence[Path], seconds: float, as_json: bool) -> int:
    """Sweep, print the results best first, and keep them; gives the exit code: 1 where nothing could be measured,
    130 where it was cut short.

    Raises:
        ConfigError: what is asked can't be had on this machine.
        EarmarkError: a file can't be listened to; the database.
    """
    hardware, recogniser = find_hardware(), settings.transcribe
    site = _site(settings, hardware, asked)
    own = Combination(1, settings.prepare.slice_max_clips, recogniser.beam_size, recogniser.compute_type)
    order = combinations(dials(asked, own, site, recogniser.cpu_threads), site)
    if not order:
        raise ConfigError(
            "there is nothing to measure: one process a card has nobody to share it with",
            remedy="Name more --actors, or leave out --mps",
        )
    place = home()
    place.create()
    place.keep_model_caches()
    sample = take_sample(audio or _shipped(), settings, place.models_dir)
    bench = Bench(settings, hardware, site, place.models_dir, sample, seconds)
    with Database(open_database(settings, place), pool_size=1) as database:
        for line in tune_words.beginning(model_name(recogniser.model), site, sample, len(order), seconds):
            click.echo(line, err=True)
        tunings, interrupted = _sweep(bench, order, database)
    results = [result_of(each) for each in tunings]
    document = tune_words.document(list(map(plain, tunings)), results, own, interrupted=interrupted)
    if not interrupted:
        document["left_out"] = [
            tune_words.named(combination) | {"why": why} for combination, why in left_out(order, results)
        ]
    answer(document, tune_words.told, as_json)
    if interrupted:
        return 130
    return 0 if document["best"] else 1


def list_tunings(settings: Settings, as_json: bool) -> int:
    """Print what was measured before, by machine and model; gives the exit code."""
    with Database(open_database(settings, home()), pool_size=1) as database:
        kept = [plain(each) for each in kept_tunings(database)]
    answer({"tunings": kept}, tune_words.told_of_kept, as_json)
    return 0


def _sweep(bench: Bench, order: Iterable[Combination], database: Database) -> tuple[list[Tuning], bool]:
    """What was measured, and whether it was cut short."""
    tunings: list[Tuning] = []
    results: list[Result] = []
    try:
        for combination in following(order, results):
            tunings.append(_tuning(bench, combination, database))
            results.append(result_of(tunings[-1]))
            click.echo(tune_words.progress(results[-1]), err=True)
    except KeyboardInterrupt:
        return tunings, True
    return tunings, False


def _tuning(bench: Bench, combination: Combination, database: Database) -> Tuning:
    """One measurement, kept; what can't be done is one too."""
    recogniser = bench.settings.transcribe
    key = TuningKey(
        hardware_document(bench.hardware), model_name(recogniser.model), bench.site.device,
        combination.compute_type, combination.beam, combination.batch, recogniser.cpu_threads,
        combination.actors, combination.mps,
    )  # fmt: skip
    try:
        done = _performance(bench, combination)
    except (EarmarkError, mps.MpsTrouble) as error:
        return keep_tuning(database, key, None, str(error), {"code": getattr(error, "code", "mps")})
    figures = {
        "in_effect": done.compute_type, "seconds": done.seconds, "slices": done.n_slices, "load_s": done.load_s,
        "card_bytes": done.card_bytes, "speech_s": round(bench.sample.speech_s, 1),
    }  # fmt: skip
    speed = round(done.speech_s_per_s * bench.sample.audio_per_speech, 2)
    return keep_tuning(database, key, speed, None, figures)


def _performance(bench: Bench, combination: Combination) -> Performance:
    recogniser = bench.settings.transcribe.model_copy(
        update={
            "device": bench.site.device, "beam_size": combination.beam, "compute_type": combination.compute_type
        }
    )  # fmt: skip
    windows, on_card = bench.sample.windows, bench.site.device == "cuda"
    slices = packed(windows, combination.batch)
    with tempfile.TemporaryDirectory(prefix="em-tune-") as folder:
        # A card must have held a whole batch before the clock runs; for a CPU one window is warm-up enough.
        put_down(slices, slices[0] if on_card else windows[0], Path(folder))
        job = Job(
            recogniser, combination.actors, Path(folder), bench.models_dir, bench.seconds,
            cards=_cards(bench.site.n_cards) if on_card else (),
        )  # fmt: skip
        if not on_card:
            return perform(job)
        with mps.shared(combination.mps) as variables:
            return perform(job, variables)


def _cards(n_cards: int) -> list[str]:
    """The cards as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:n_cards] if named else [str(index) for index in range(n_cards)]


def _site(settings: Settings, hardware: Hardware, asked: Asked) -> Site:
    """Where the sweep takes place.

    Raises:
        ConfigError: a card, its arithmetic or MPS is asked for and isn't there.
    """
    device = device_of(settings, hardware)
    if device == "cuda" and not hardware.gpus:
        raise ConfigError(
            "transcribe.device is cuda and this machine shows no NVIDIA GPU",
            code="does_not_fit",
            remedy="Use --device cpu, or --profile demo to try it out",
        )
    if (
        device == "cpu"
        and not asked.compute_types
        and settings.transcribe.compute_type not in CPU_COMPUTE_TYPES
    ):
        raise ConfigError(
            f"transcribe.compute_type {settings.transcribe.compute_type} is for GPUs",
            code="does_not_fit",
            remedy="Use --device cpu, or set transcribe.compute_type to auto, int8 or float32",
        )
    can_mps = device == "cuda" and mps.can_be_had()
    if asked.mps and not can_mps:
        raise ConfigError(
            f"MPS can't be had here: it takes an NVIDIA card and {mps.CONTROL}",
            code="does_not_fit",
            remedy="Leave out --mps, or install the driver's programs",
        )
    return Site(device, hardware.n_cpus, len(hardware.gpus), can_mps)


def _shipped() -> list[Path]:
    """The demo's talks."""
    return sorted(file for file in SPEECH_DIR.iterdir() if file.suffix in CONTENT_TYPES)
