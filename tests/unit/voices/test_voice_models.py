"""Which voice model is meant, what is missing of it, and what its file may have made."""

from pathlib import Path

import pytest

from actors.errors import ConfigError
from actors.voices.models import (
    HYPERPARAMETERS,
    ModelUnavailable,
    local_model,
    refuse_foreign_code,
    voice_model_name,
)
from configs.identify import IdentifySettings

SHIPPED = Path(__file__).parents[3] / "configs" / "demo" / "models" / "ecapa-tiny-espeak"


@pytest.mark.parametrize(
    ("model", "revision", "name"),
    [
        ("speechbrain/spkrec-ecapa-voxceleb", None, "spkrec-ecapa-voxceleb"),
        ("/models/spkrec-ecapa-voxceleb/", None, "spkrec-ecapa-voxceleb"),
        ("speechbrain/spkrec-ecapa-voxceleb", "0f99f2d", "spkrec-ecapa-voxceleb@0f99f2d"),
    ],
)
def test_a_clone_has_the_name_of_its_original(model: str, revision: str | None, name: str) -> None:
    """Profiles made with one are good for the other; another revision is another model."""
    assert voice_model_name(IdentifySettings(model=model, revision=revision)) == name


def test_the_shipped_model_is_whole_and_a_hub_id_is_no_directory() -> None:
    """Nothing is asked of a hub for that."""
    assert local_model(str(SHIPPED)) == SHIPPED
    assert local_model("speechbrain/spkrec-ecapa-voxceleb") is None


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """A directory that isn't there, and one without the weights. The line goes on without it."""
    with pytest.raises(ModelUnavailable, match="no directory /no/such/place"):
        local_model("/no/such/place")
    (tmp_path / HYPERPARAMETERS).write_text("sample_rate: 16000\n")
    with pytest.raises(ModelUnavailable, match=r"lacks embedding_model\.ckpt"):
        local_model(str(tmp_path))


def test_the_shipped_models_file_is_accepted() -> None:
    """It is made of speechbrain's parts alone, as the published ones are."""
    refuse_foreign_code((SHIPPED / HYPERPARAMETERS).read_text(), "ecapa-tiny-espeak")


@pytest.mark.parametrize(
    "line",
    [
        "x: !apply:os.system ['true']",
        "x: !new:subprocess.Popen\n    args: ['true']",
        "x: !name:speechbrain.utils.superpowers.run_shell",
        "x: !new:speechbrain.utils.superpowers.run_shell",
        "x: !include:other.yaml",
        "x: !!python/object/apply:os.system ['true']",
        "x: {y: [!apply:os.system ['true']]}",
    ],
)
def test_a_file_that_would_run_something_else_is_refused(line: str) -> None:
    """HyperPyYAML calls whatever a file names, and a model comes from the network."""
    with pytest.raises(ConfigError, match="would run code") as caught:
        refuse_foreign_code(f"sample_rate: 16000\n{line}\n", "someone/else")
    assert caught.value.code == "foreign_code" and not isinstance(caught.value, ModelUnavailable)


def test_a_file_that_is_no_yaml_is_a_damaged_model() -> None:
    """As any other file that broke off."""
    with pytest.raises(ModelUnavailable, match="can't be read"):
        refuse_foreign_code("a: [1, 2\nb: }", "someone/else")
