"""Pools against the card: what fits, what is cut, what is refused."""

import pytest

from cluster.resources import GIB, DoesNotFit, Gpu, Hardware, plan_pools
from configs.load import load_settings

RTX_5080 = Hardware(16, (Gpu("NVIDIA GeForce RTX 5080", 16 * GIB),))


@pytest.mark.parametrize(("profile", "n_transcribers"), [("balanced", 2), ("quality", 2), ("speed", 3)])
def test_a_16_gb_card_holds_two_workers_beside_the_large_embedder_and_three_beside_a_small_one(
    profile, n_transcribers
):
    """The measured memory, not the wish, decides; the shares never exceed the card."""
    pools = plan_pools(load_settings(profile), RTX_5080)
    assert pools.n_transcribers == n_transcribers
    assert pools.n_transcribers * pools.transcribe_gpu_share + pools.embed_gpu_share <= 1.0


def test_a_pool_that_is_cut_is_said():
    """Four were asked for, two fit: the note names both numbers."""
    notes = plan_pools(load_settings("balanced"), RTX_5080).notes
    assert any("2 of 4 ASR workers" in note for note in notes)


def test_a_pool_that_fits_is_not_talked_about():
    """quality asks for two."""
    assert plan_pools(load_settings("quality"), RTX_5080).notes == ()


def test_two_cards_hold_twice_as_many():
    """The wish of four fits on two cards, two each."""
    pools = plan_pools(load_settings("balanced"), Hardware(16, RTX_5080.gpus * 2))
    assert (pools.n_transcribers, pools.transcribe_gpu_share) == (4, 0.4)


def test_cuda_without_a_card_is_refused_with_what_to_do():
    """Never a silent fall back to the CPU."""
    with pytest.raises(DoesNotFit, match="--device cpu"):
        plan_pools(load_settings("balanced"), Hardware(8))


def test_a_card_too_small_for_one_worker_is_refused_with_what_to_change():
    """8 GB leave too little beside the large embedder."""
    with pytest.raises(DoesNotFit, match=r"smaller embed\.model"):
        plan_pools(load_settings("balanced"), Hardware(8, (Gpu("RTX 3050", 8 * GIB),)))


def test_auto_says_what_it_took():
    """A choice that the user didn't make is told."""
    settings = load_settings(overrides={"transcribe.device": "auto", "embed.device": "auto"})
    pools = plan_pools(settings, Hardware(4))
    assert (pools.transcribe_device, pools.embed_device) == ("cpu", "cpu")
    assert "transcribe.device auto: cpu" in pools.notes


def test_a_share_set_by_hand_bounds_the_pool():
    """Half a card each leaves room for one beside the embedder."""
    pools = plan_pools(load_settings(overrides={"transcribe.gpu_share": 0.5}), RTX_5080)
    assert (pools.n_transcribers, pools.transcribe_gpu_share) == (1, 0.5)
