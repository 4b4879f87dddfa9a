"""Settings: which layer wins, and that what can't be meant is refused by name."""

import pytest

from configs.catalogue import SettingsError, profiles
from configs.home import home
from configs.listing import list_settings
from configs.load import SEED_VARIABLES, load_settings
from configs.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    """The developer's own environment and .env play no part."""
    import os

    for name in list(os.environ):
        if name.startswith("EARMARK_") or name in SEED_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_command_line_beats_environment_beats_env_file_beats_file_beats_profile(monkeypatch, tmp_path):
    """Each layer is taken away in turn and the next one shows."""
    config = tmp_path / "mine.yaml"
    config.write_text("transcribe: {beam_size: 3}\n")
    (tmp_path / ".env").write_text("EARMARK_TRANSCRIBE__BEAM_SIZE=4\n")
    monkeypatch.setenv("EARMARK_TRANSCRIBE__BEAM_SIZE", "6")

    def beam(**kwargs):
        return load_settings("balanced", config, **kwargs).transcribe.beam_size

    assert beam(overrides={"transcribe.beam_size": "7"}) == 7
    assert beam() == 6
    monkeypatch.delenv("EARMARK_TRANSCRIBE__BEAM_SIZE")
    assert beam() == 4
    (tmp_path / ".env").unlink()
    assert beam() == 3
    assert load_settings("balanced").transcribe.beam_size == 5


@pytest.mark.parametrize(
    ("variable", "value", "read", "expected"),
    [
        ("ASR_WORKERS", "3", lambda s: s.transcribe.actors, 3),
        ("BATCH_SIZE", "99", lambda s: s.embed.batch_size, 99),
        ("EMBEDDING_MODEL", "BAAI/bge-base-en-v1.5", lambda s: s.embed.model, "BAAI/bge-base-en-v1.5"),
        ("EMBEDDING_DIMENSIONS", "768", lambda s: s.embed.dimensions, 768),
        ("SEGMENT_MIN_CHARS", "700", lambda s: s.segment.min_chars, 700),
        ("SEGMENT_MAX_CHARS", "1500", lambda s: s.segment.max_chars, 1500),
        ("ASSUME_MONOLOGUE", "false", lambda s: s.identify.assume_monologue, False),
        (
            "DATABASE_URL",
            "postgresql://u:p@h/d",
            lambda s: s.store.database_url.get_secret_value(),
            "postgresql://u:p@h/d",
        ),
    ],
)
def test_the_seeds_environment_names_work(monkeypatch, variable, value, read, expected):
    """Somebody who moves from the system before keeps their environment."""
    monkeypatch.setenv(variable, value)
    assert read(load_settings()) == expected


@pytest.mark.parametrize(("value", "read"), [("auto", "auto"), ("3", 3), (3, 3)])
def test_recognisers_are_a_number_or_left_to_what_is_known_of_the_machine(value, read):
    """On every way in, and back out of what is kept of a run."""
    settings = load_settings(overrides={"transcribe.actors": value})
    assert settings.transcribe.actors == read
    assert settings.model_dump(mode="json")["transcribe"]["actors"] == read
    assert any(
        f"transcribe.actors = {read}   (1 to 512, or auto)" in line for line in list_settings(settings)
    )


def test_every_seed_variable_is_covered_above():
    """A name added to the table is tested too."""
    assert set(SEED_VARIABLES) == {
        "ASR_WORKERS", "BATCH_SIZE", "EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS",
        "SEGMENT_MIN_CHARS", "SEGMENT_MAX_CHARS", "ASSUME_MONOLOGUE", "DATABASE_URL",
    }  # fmt: skip


def test_profiles_say_what_the_seeds_tables_say():
    """Workers, batches, segments and models of each profile."""
    told = {}
    for name in ("speed", "balanced", "quality"):
        s = load_settings(name)
        told[name] = (
            s.transcribe.actors,
            s.embed.batch_size,
            s.embed.model,
            s.embed.dimensions,
            s.segment.min_chars,
            s.segment.max_chars,
        )
        assert (s.transcribe.model, s.transcribe.device, s.transcribe.compute_type) == (
            "distil-large-v3",
            "cuda",
            "float16",
        )
    assert told == {
        "speed": (6, 512, "BAAI/bge-base-en-v1.5", 768, 800, 1200),
        "balanced": (4, 384, "Alibaba-NLP/gte-Qwen2-1.5B-instruct", 1536, 1100, 1400),
        "quality": (2, 256, "Alibaba-NLP/gte-Qwen2-1.5B-instruct", 1536, 1100, 1400),
    }


def test_no_profile_named_means_balanced_and_the_environment_can_name_one(monkeypatch):
    """balanced is the default."""
    assert load_settings().transcribe.actors == 4
    monkeypatch.setenv("EARMARK_PROFILE", "quality")
    assert load_settings().transcribe.actors == 2
    assert load_settings("speed").transcribe.actors == 6


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            {"transcribe.bem_size": "5"},
            "there is no setting transcribe.bem_size; did you mean transcribe.beam_size?",
        ),
        ({"foo.bar": "5"}, "there is no setting foo"),
        (
            {"transcribe.beam_size": "50"},
            "setting transcribe.beam_size: Input should be less than or equal to 20 (given: '50'); allowed: ≥ 1 and ≤ 20",
        ),
        ({"prepare.actors": "-1"}, "setting prepare.actors"),
        ({"transcribe.device": "tpu"}, "allowed: one of auto, cpu, cuda"),
        (
            {"transcribe.actors": "many"},
            "transcribe.actors: should be a whole number or auto (given: 'many'); allowed: 1 to 512, or auto",
        ),
        ({"transcribe.actors": "0"}, "setting transcribe.actors: is too many or too few"),
        ({"embed.dimensions": "many"}, "setting embed.dimensions"),
        ({"segment.min_chars": "2000"}, "min_chars (2000) must not exceed max_chars (1400)"),
    ],
)
def test_a_setting_that_does_not_exist_or_is_out_of_range_is_refused_by_name(overrides, said):
    """The message holds the setting's name and what is allowed."""
    with pytest.raises(SettingsError) as refused:
        load_settings(overrides=overrides)
    assert said in str(refused.value)


def test_a_misspelt_environment_variable_is_refused_not_ignored(monkeypatch):
    """Otherwise the default would be used in silence."""
    monkeypatch.setenv("EARMARK_EMBED__LINGER", "1")
    with pytest.raises(SettingsError, match="did you mean EARMARK_EMBED__LINGER_S"):
        load_settings()


def test_a_list_of_names_can_be_given_wherever_a_setting_can(monkeypatch):
    """With commas on the command line and in the environment; nothing named means none."""

    def trusted(**overrides):
        return load_settings(overrides=overrides).embed.trust_remote_code

    assert trusted(**{"embed.trust_remote_code": "a/b"}) == ("a/b",)
    assert trusted(**{"embed.trust_remote_code": None}) == ()
    monkeypatch.setenv("EARMARK_EMBED__TRUST_REMOTE_CODE", "a/b, c/d")
    assert trusted() == ("a/b", "c/d")


def test_the_home_may_stand_in_the_env_file(monkeypatch, tmp_path):
    """As every other variable of ours, and the environment beats it; else state would lie elsewhere in
    silence."""
    (tmp_path / ".env").write_text(f"EARMARK_HOME={tmp_path / 'here'}\n")
    load_settings()
    assert home().root == tmp_path / "here"
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "there"))
    assert home().root == tmp_path / "there"


def test_an_unknown_profile_is_refused_with_those_that_exist():
    """All names are listed."""
    with pytest.raises(SettingsError) as refused:
        load_settings("fast")
    assert all(name in str(refused.value) for name in profiles())


@pytest.mark.parametrize(
    "text", ["transcribe: [1, 2]\n", "- a\n", "transcribe: {beam_size: [}\n", "transcibe: {}\n"]
)
def test_a_malformed_settings_file_is_refused_with_a_sentence(tmp_path, text):
    """Not with a traceback of pydantic or YAML."""
    config = tmp_path / "bad.yaml"
    config.write_text(text)
    with pytest.raises(SettingsError):
        load_settings(config_file=config)


def test_a_refused_database_url_is_not_repeated_in_the_message():
    """A password must not reach a terminal or a log."""
    with pytest.raises(SettingsError) as refused:
        load_settings(overrides={"store.database_url": {"hunter2": 1}})
    assert "hunter2" not in str(refused.value)


def test_secrets_are_masked_wherever_settings_are_shown():
    """In repr, dump and listing."""
    settings = load_settings(
        overrides={"store.database_url": "postgresql://u:hunter2@h/d", "download.proxy": "http://u:hunter2@p"}
    )
    shown = "\n".join([repr(settings), settings.model_dump_json(), *list_settings(settings)])
    assert "hunter2" not in shown


def test_the_recipe_changes_with_what_makes_a_slice_and_with_nothing_else():
    """Pools and devices may change between runs without redoing the corpus."""
    base = load_settings().recipe()
    for same in (
        {"transcribe.actors": 1},
        {"transcribe.device": "cpu"},
        {"identify.device": "cpu"},
        {"identify.batch_size": 7},
        {"identify.assume_monologue": False},
        {"identify.margin": 0.1},
        {"identify.model": "/somewhere/else/spkrec-ecapa-voxceleb"},
        {"embed.batch_size": 7},
        {"segment.min_chars": 500},
    ):
        assert load_settings(overrides=same).recipe() == base
    for other in (
        {"transcribe.model": "large-v3"},
        {"transcribe.beam_size": 1},
        {"prepare.vad_threshold": 0.4},
        {"identify.enabled": False},
        {"identify.model": "another/model"},
        {"identify.window_s": 2.0},
        {"identify.hop_s": 1.0},
        {"transcribe.language": "de"},
    ):
        assert load_settings(overrides=other).recipe() != base


def test_the_recipe_can_be_told_by_name():
    """Of two that differ, the settings that make the difference, and no others."""
    base = load_settings().recipe_settings()
    other = load_settings(overrides={"transcribe.beam_size": 1, "segment.min_chars": 500}).recipe_settings()
    assert {name for name in base if base[name] != other[name]} == {"transcribe.beam_size"}
    assert base.keys() == other.keys() and {"prepare.vad_threshold", "transcribe.model"} < base.keys()
    moved = load_settings(overrides={"transcribe.model": "/elsewhere/distil-large-v3"})
    assert moved.recipe_settings() == base


def test_a_model_directory_in_a_profile_is_relative_to_the_file():
    """The demo's model is found from any working directory."""
    from pathlib import Path

    assert (Path(load_settings("demo").transcribe.model) / "model.bin").is_file()


def test_every_setting_says_what_it_does():
    """Nothing is listed without a description."""
    for section in Settings.model_fields.values():
        for name, info in section.annotation.model_fields.items():
            assert info.description, name
