"""Pools against the card: what fits, what is cut, what is refused."""

import itertools
import math

import pytest

from cluster.capacity import Sum
from cluster.resources import (
    GIB,
    SOURCE_CPUS,
    DoesNotFit,
    Gpu,
    Hardware,
    TunedActors,
    asr_gib,
    embed_gib,
    plan_pools,
    voice_gib,
)
from configs.catalogue import profiles
from configs.load import load_settings
from pipelines.booking import booked, demand_room
from pipelines.ingest import line
from pipelines.progress import STAGES

RTX_5080 = Hardware(16, (Gpu("NVIDIA GeForce RTX 5080", 16 * GIB),))


@pytest.mark.parametrize(("profile", "n_transcribers"), [("balanced", 2), ("quality", 2), ("speed", 3)])
def test_a_16_gb_card_holds_two_workers_beside_the_large_embedder_and_three_beside_a_small_one(
    profile, n_transcribers
):
    """The measured memory, not the wish, decides; the shares never exceed the card."""
    pools = plan_pools(load_settings(profile), RTX_5080)
    assert pools.n_transcribers == n_transcribers
    shares = pools.n_transcribers * pools.transcribe_gpu_share + pools.embed_gpu_share
    assert pools.identify_gpu_share > 0 and shares + pools.identify_gpu_share <= 1.0


def test_a_pool_that_is_cut_is_said():
    """Four were asked for, two fit: the note names both numbers."""
    notes = plan_pools(load_settings("balanced"), RTX_5080).notes
    assert any("2 of 4 ASR workers" in note for note in notes)


def test_a_pool_that_fits_is_not_talked_about():
    """quality asks for two."""
    assert plan_pools(load_settings("quality"), RTX_5080).notes == ()


def test_two_cards_hold_twice_as_many():
    """The wish of four fits on two cards, two each, beside an embedder and a voice model on whichever it is."""
    pools = plan_pools(load_settings("balanced"), Hardware(16, RTX_5080.gpus * 2))
    assert (pools.n_transcribers, pools.transcribe_gpu_share) == (4, 0.375)


def test_cuda_without_a_card_is_refused_with_what_to_do():
    """Never a silent fall back to the CPU."""
    with pytest.raises(DoesNotFit, match="--device cpu"):
        plan_pools(load_settings("balanced"), Hardware(8))


def test_a_gpus_arithmetic_on_the_cpu_is_refused_before_anything_starts():
    """CTranslate2 would refuse it in every worker, once Ray is up; the message names the way out."""
    settings = load_settings(overrides={"transcribe.device": "cpu", "embed.device": "cpu"})
    with pytest.raises(DoesNotFit, match=r"float16 is for GPUs.*set transcribe\.compute_type to auto"):
        plan_pools(settings, Hardware(8))


def test_a_card_too_small_for_one_worker_is_refused_with_what_to_change():
    """8 GB leave too little beside the large embedder."""
    with pytest.raises(DoesNotFit, match=r"smaller embed\.model"):
        plan_pools(load_settings("balanced"), Hardware(8, (Gpu("RTX 3050", 8 * GIB),)))


def test_auto_says_what_it_took():
    """A choice that the user didn't make is told."""
    settings = load_settings(
        overrides={
            "transcribe.device": "auto",
            "embed.device": "auto",
            "identify.device": "auto",
            "transcribe.compute_type": "auto",
        }
    )
    pools = plan_pools(settings, Hardware(4))
    assert (pools.transcribe_device, pools.embed_device, pools.identify_device) == ("cpu", "cpu", "cpu")
    assert {"transcribe.device auto: cpu", "identify.device auto: cpu"} <= set(pools.notes)


@pytest.mark.parametrize(
    ("hardware", "overrides", "n"),
    [(Hardware(2), {}, 1), (Hardware(6), {}, 3), (Hardware(64), {}, 4), (Hardware(16), {"transcribe.cpu_threads": 4}, 2)],
)  # fmt: skip
def test_auto_actors_take_half_the_cores_where_nothing_was_tuned(hardware, overrides, n):
    """The other stages want the other half; and it is said that it is a guess."""
    settings = load_settings("demo", overrides={"transcribe.actors": "auto", **overrides})
    pools = plan_pools(settings, hardware)
    assert pools.n_transcribers == n
    assert f"transcribe.actors auto: {n}, not tuned here (`run.py tune` finds the best number)" in pools.notes


def test_auto_actors_on_a_card_are_as_many_as_fit_and_what_was_tuned_is_cut_like_a_wish():
    """Two beside the large embedder, however many a tuning without it found best."""
    settings = load_settings("balanced", overrides={"transcribe.actors": "auto"})
    assert plan_pools(settings, RTX_5080).n_transcribers == 2
    tuned = plan_pools(settings, RTX_5080, TunedActors(3, "the best of them"))
    assert tuned.n_transcribers == 2 and any("2 of 3 ASR workers" in note for note in tuned.notes)
    assert plan_pools(settings, RTX_5080, TunedActors(1, "the best")).n_transcribers == 1
    fixed = load_settings("balanced")
    assert plan_pools(fixed, RTX_5080, TunedActors(1, "the best")).n_transcribers == 2, (
        "who names a number gets it"
    )


def test_a_voice_model_on_a_card_that_is_not_there_is_refused_unless_nobody_is_to_be_told():
    """As for the others; with identification switched off its device is nobody's concern."""
    on_cpu = {"transcribe.device": "cpu", "embed.device": "cpu", "transcribe.compute_type": "auto"}
    with pytest.raises(DoesNotFit, match=r"identify\.device is cuda"):
        plan_pools(load_settings(overrides=on_cpu), Hardware(8))
    pools = plan_pools(load_settings(overrides={**on_cpu, "identify.enabled": False}), Hardware(8))
    assert (pools.identify_device, pools.identify_gpu_share) == (None, 0.0)


def test_voice_models_take_their_memory_from_the_recognisers():
    """Beside two of them one ASR worker fits where beside one there are two."""
    many = load_settings(overrides={"identify.actors": 2})
    pools = plan_pools(many, RTX_5080)
    assert (pools.n_transcribers, pools.n_identifiers) == (1, 2)
    (identify,) = (stage for stage in line(many, pools) if stage.name == "Identify")
    assert identify.min_actors == identify.max_actors == 2
    assert identify.num_gpus == pools.identify_gpu_share


def test_a_share_set_by_hand_bounds_the_pool():
    """Half a card each leaves room for one beside the embedder."""
    pools = plan_pools(load_settings(overrides={"transcribe.gpu_share": 0.5}), RTX_5080)
    assert (pools.n_transcribers, pools.transcribe_gpu_share) == (1, 0.5)


def test_the_line_has_the_stages_that_are_shown_in_its_order():
    """Displays, reports and dashboards go by names that nobody can ask a line for that isn't made yet."""
    settings = load_settings()
    assert tuple(stage.name for stage in line(settings, plan_pools(settings, RTX_5080))) == STAGES


CARDS = [(), *((Gpu("card", gib * GIB),) * n for n in (1, 2, 3, 4, 8) for gib in (12, 16, 24, 32, 80, 141))]
N_CPUS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)


def _starts(settings):
    """Cores, cards, pools and stages for every machine of the range that doesn't refuse these settings."""
    for n_cpus, gpus in itertools.product(N_CPUS, CARDS):
        try:
            pools = plan_pools(settings, Hardware(n_cpus, gpus))
        except DoesNotFit:
            continue
        yield n_cpus, gpus, pools, line(settings, pools)


@pytest.mark.parametrize("profile", profiles())
@pytest.mark.parametrize(
    "pool_sizes", [{}, {"prepare.actors": 32, "download.actors": 64, "store.writers": 4}]
)
def test_the_cpus_booked_at_the_start_leave_room_for_the_source(profile, pool_sizes):
    """A source that finds every CPU taken by actors waits for ever: true of every profile that ships, on
    1 to 64 cores, with 0 to 8 cards, also where pools were made large by hand."""
    n_checked = 0
    for n_cpus, gpus, _, stages in _starts(load_settings(profile, overrides=pool_sizes)):
        at_start = SOURCE_CPUS + sum(stage.initial_actors * stage.num_cpus for stage in stages)
        assert booked(stages).cpus == pytest.approx(at_start)
        demand_room(stages, Sum(max(n_cpus, math.ceil(at_start)), len(gpus)))
        kept = SOURCE_CPUS + sum(stage.min_actors * stage.num_cpus for stage in stages)
        assert kept <= at_start
        n_checked += 1
    assert n_checked >= len(N_CPUS)


@pytest.mark.parametrize("profile", [name for name in profiles() if name != "demo"])
@pytest.mark.parametrize("wanted", [{}, {"transcribe.actors": 256}])
def test_the_shares_fit_the_cards_however_ray_packs_them(profile, wanted):
    """The recognisers and the embedder find room on the cards, each whole on one; and no card gets more of
    them than its memory holds, though Ray knows shares alone and fills one card before the next."""
    settings, n_checked = load_settings(profile, overrides=wanted), 0
    for _, gpus, pools, stages in _starts(settings):
        shares = [stage.num_gpus for stage in stages for _ in range(stage.initial_actors) if stage.num_gpus]
        assert sum(shares) <= len(gpus) + 1e-9
        free = [1.0] * len(gpus)
        for share in sorted(shares):  # the worst order: the large one comes last
            card = next((n for n, left in enumerate(free) if left + 1e-9 >= share), None)
            assert card is not None, (gpus, shares)
            free[card] -= share
        most = min(pools.n_transcribers, math.floor(1 / pools.transcribe_gpu_share + 1e-9))
        beside = min(
            pools.n_transcribers,
            math.floor(
                (1 - pools.embed_gpu_share - pools.identify_gpu_share) / pools.transcribe_gpu_share + 1e-9
            ),
        )
        memory = gpus[0].memory_bytes / GIB
        assert most * asr_gib(settings) <= memory
        assert beside * asr_gib(settings) + embed_gib(settings) + voice_gib(settings) <= memory
        n_checked += 1
    assert n_checked >= len(N_CPUS)


def test_a_recogniser_of_our_own_machine_stays_loaded_in_a_lull():
    """Ray Data shrinks an idle pool to its least size, and a recogniser ended so is loaded again after it;
    on a cluster that others use too it may shrink."""
    for address, least in ((None, 2), ("auto", 1)):
        settings = load_settings("quality", overrides={"ray.address": address})
        stages = line(settings, plan_pools(settings, RTX_5080))
        (transcribe,) = (stage for stage in stages if stage.name == "Transcribe")
        assert (transcribe.min_actors, transcribe.initial_actors, transcribe.max_actors) == (least, 2, 2)


@pytest.mark.parametrize("gib", [16, 24, 32, 80])
@pytest.mark.parametrize("n_cards", [1, 2, 3, 8, 100])
def test_a_clusters_card_holds_whatever_ray_may_put_on_it(gib: int, n_cards: int) -> None:
    """Voice and embedding models grow with the cards there, and all of a kind may come to lie on one: what each books keeps
    them within its memory."""
    settings = load_settings("cluster")
    pools = plan_pools(settings, Hardware(256, (Gpu("card", gib * GIB),) * n_cards))
    assert (pools.n_identifiers, pools.n_embedders) == (math.ceil(n_cards / 2), math.ceil(n_cards / 8))
    assert pools.n_transcribers >= min(n_cards, 256)
    shares = (pools.transcribe_gpu_share, pools.identify_gpu_share, pools.embed_gpu_share)
    sizes = (asr_gib(settings), voice_gib(settings), embed_gib(settings))
    most = (pools.n_transcribers, pools.n_identifiers, pools.n_embedders)
    fits = [range(min(n, math.floor(1 / share)) + 1) for n, share in zip(most, shares, strict=True)]
    for mix in itertools.product(*fits):
        if sum(n * share for n, share in zip(mix, shares, strict=True)) <= 1 + 1e-9:
            assert sum(n * size for n, size in zip(mix, sizes, strict=True)) <= gib, mix


def test_on_a_cluster_what_waits_or_grows_with_backlog_begins_small() -> None:
    """And every pool is within the CPUs of a first node of eight."""
    settings = load_settings("cluster")
    stages = line(settings, plan_pools(settings, Hardware(256, (Gpu("card", 24 * GIB),) * 8, 1)))
    sizes = {stage.name: (stage.min_actors, stage.initial_actors, stage.max_actors) for stage in stages}
    assert (
        sizes["Prefilter"] == (2, 2, 32) and sizes["Assemble"] == (2, 2, 8) and sizes["Segment"] == (1, 1, 8)
    )
    assert sizes["Identify"] == (1, 1, 4) and sizes["Embed"] == (1, 1, 1)
    assert booked(stages).cpus <= 8
