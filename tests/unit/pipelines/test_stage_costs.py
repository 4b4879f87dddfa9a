"""Costs by tables: cards, cores, models, and how many share one."""

import pytest

from cluster.figures import CARDS, ORIGINS, STAGES, figures_for
from cluster.memory import card_budget
from cluster.resources import GIB, Gpu, Hardware, plan_pools
from configs.load import load_settings
from pipelines.ingest import line
from pipelines.stage_costs import HOUR_S, Machine, Mix, cost_of, model_name


def machine(profile="balanced", card="rtx5080", n_cards=1, n_cpus=16, mix=None, **overrides):
    settings = load_settings(
        profile, overrides={k.replace("__", "."): v for k, v in overrides.items()}, env_file=None
    )
    gpus = (Gpu(CARDS[card].name, round(CARDS[card].memory_gib * GIB)),) * n_cards if card else ()
    hardware = Hardware(n_cpus, gpus)
    return Machine(settings, hardware, plan_pools(settings, hardware), mix or Mix(0.5))


def speed(stage, of):
    """h/h of a stage's whole pool."""
    n = {spec.name: spec.max_actors for spec in line(of.settings, of.pools)}[stage]
    found = cost_of(stage, of)
    assert found is not None
    return n * HOUR_S / found.busy_s


def test_every_stage_of_the_line_has_a_figure():
    """A stage that is added and forgotten here would make the plan too kind."""
    of = machine()
    for spec in line(of.settings, of.pools):
        found = cost_of(spec.name, of)
        assert found is not None, spec.name
        assert found.busy_s > 0 and found.origin in ORIGINS and found.source


def test_every_figure_says_where_it_comes_from():
    """Measured here, elsewhere, or estimated, and from what."""
    for card in CARDS.values():
        for figure in (card.asr_one, card.asr_full, card.texts_per_s):
            assert figure.value > 0 and figure.origin in ORIGINS and figure.source
        assert card.asr_full.value >= card.asr_one.value
        assert figures_for(card.name) == (card, True)
    assert all(stage.source and stage.origin in ORIGINS for stage in STAGES.values())


def test_workers_share_a_card_up_to_what_it_can_do():
    """Two on an RTX 5080 reach its 150 h/h; a third would bring nothing, a second card doubles it."""
    assert speed("Transcribe", machine(transcribe__actors=1)) == pytest.approx(115)
    assert speed("Transcribe", machine(transcribe__actors=2)) == pytest.approx(150)
    assert speed("Transcribe", machine(n_cards=2)) == pytest.approx(300)
    assert speed("Transcribe", machine("speed")) == pytest.approx(150)


def test_models_and_beams_change_the_speed():
    """large-v3 is less than half as fast; one beam is a fifth faster."""
    full = speed("Transcribe", machine())
    assert speed("Transcribe", machine(transcribe__model="large-v3", transcribe__actors=2)) < full / 2
    assert speed("Transcribe", machine(transcribe__beam_size=1)) == pytest.approx(full * 1.2)


def test_an_unknown_model_is_estimated_cautiously():
    """Taken for a large one, and said to be an estimate."""
    of = machine(transcribe__model="somebody/whisper-mystery", transcribe__actors=2)
    found = cost_of("Transcribe", of)
    assert found is not None and found.origin == "estimated" and "unknown model" in found.source
    assert speed("Transcribe", of) < speed("Transcribe", machine())


def test_an_unknown_card_gets_the_most_cautious_figures():
    """And the plan says whose they are."""
    settings = load_settings("quality", env_file=None)
    hardware = Hardware(16, (Gpu("NVIDIA Titan Z", 24 * GIB),))
    found = cost_of("Transcribe", Machine(settings, hardware, plan_pools(settings, hardware), Mix(0.5)))
    assert found is not None and found.origin == "estimated" and "taken for the NVIDIA L4" in found.source


def test_a_figure_is_as_weak_as_the_weaker_it_is_made_of():
    """An A100's measured speed times an estimated factor is an estimate."""
    measured = cost_of("Transcribe", machine(card="a100", transcribe__actors=1))
    guessed = cost_of("Transcribe", machine(card="a100", transcribe__actors=1, transcribe__model="medium"))
    assert measured is not None and measured.origin == "measured elsewhere"
    assert guessed is not None and guessed.origin == "estimated"


def test_on_a_cpu_a_recogniser_takes_cores_and_no_card():
    """Two threads do twice as much with twice the cores."""
    one, two = (cost_of("Transcribe", machine("demo", None, transcribe__cpu_threads=n)) for n in (1, 2))
    assert one is not None and two is not None
    assert (one.gpu_s, two.busy_s) == (0.0, pytest.approx(one.busy_s / 2))
    assert one.core_s == pytest.approx(two.core_s)


def test_files_cost_their_fetchers_next_to_nothing():
    """Asking and fetching are for sources elsewhere; short videos are asked for more often."""
    web, files = machine(mix=Mix(0.5)), machine(mix=Mix(0.5, youtube=0.0))
    short = machine(mix=Mix(0.05))
    for stage in ("Prefilter", "Download"):
        assert speed(stage, files) > 10 * speed(stage, web) > 50 * speed(stage, short) / 10


@pytest.mark.parametrize(
    ("reference", "name"),
    [("distil-large-v3", "distil-large-v3"), ("Systran/faster-whisper-large-v3", "large-v3"),
     ("/models/distil-large-v3/", "distil-large-v3")],
)  # fmt: skip
def test_a_model_is_known_by_the_last_part_of_its_name(reference, name):
    """Hub id or directory."""
    assert model_name(reference) == name


@pytest.mark.parametrize(("profile", "n_asr", "used"), [("balanced", 2, 15.1), ("speed", 3, 15.6)])
def test_the_memory_of_a_16_gb_card_is_told_model_by_model(profile, n_asr, used):
    """The embedder is in it, which the seed's "4 workers = 8 to 12 GB" forgot."""
    of = machine(profile)
    budget = card_budget(of.settings, of.pools, of.hardware)
    assert budget is not None
    assert [(item.what.split()[0], item.n) for item in budget.items] == [
        ("ASR", n_asr), ("embedding", 1), ("voice", 1), ("kept", 1),
    ]  # fmt: skip
    assert budget.used_gib == pytest.approx(used, abs=0.05)
    assert 0 <= budget.free_gib == pytest.approx(budget.card_gib - budget.used_gib)


def test_without_a_card_there_is_no_budget():
    """Nothing to divide."""
    of = machine("demo", None)
    assert card_budget(of.settings, of.pools, of.hardware) is None
