"""The embedder under many callers: who shares a pass, whose vector is whose, whose failure is whose.

The model is a stand-in that counts passes and raises torch's own errors; the real one is tested in
tests/integration/test_text_sentence_model.py.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from actors.errors import EarmarkError, PermanentError, TransientError
from actors.rows import EmbeddedVideo, Segment, SegmentedVideo, VideoId, VideoMeta
from actors.text.embedder import Embedder
from actors.text.text_model import Vectors
from configs.settings import EmbedSettings

DIM = 16
LONG_S = 60.0
"""A linger that no test waits for: with it only a full batch goes."""


def vector_of(text: str) -> np.ndarray:
    """A vector that names its text."""
    raw = np.frombuffer(hashlib.sha512(text.encode()).digest(), dtype=np.uint8)[:DIM].astype(np.float32) + 1
    return raw / np.linalg.norm(raw)


class CountingModel:
    """Vectors that name their texts; passes can be held at a gate and made to fail."""

    name = "counting"
    dimensions = DIM

    def __init__(
        self, fail: Callable[[Sequence[str]], None] = lambda texts: None, *, held: bool = False
    ) -> None:
        self.passes: list[list[str]] = []
        self.n_released = 0
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self._fail = fail
        if not held:
            self.gate.set()

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        self.passes.append(list(texts))
        self.entered.release()
        assert self.gate.wait(30)
        self._fail(texts)
        return np.stack([vector_of(text) for text in texts])

    def release_memory(self) -> None:
        self.n_released += 1


def video(name: str, *texts: str) -> SegmentedVideo:
    segments = tuple(Segment(n, text, float(n), n + 1.0, 1) for n, text in enumerate(texts))
    return SegmentedVideo(VideoId(name), 1, VideoMeta(name, "https://example.org"), "en", segments)


def sized(name: str, n_segments: int) -> SegmentedVideo:
    """A video whose segments all differ, in text and in length."""
    return video(name, *(f"{name} {n} " + "x" * (7 * n % 31) for n in range(n_segments)))


def assert_right(done: EmbeddedVideo) -> None:
    """Each row is the vector of its own segment."""
    expected = np.stack([vector_of(segment.text) for segment in done.video.segments])
    np.testing.assert_allclose(done.vectors, expected, atol=1e-6)


@contextmanager
def running(
    model: CountingModel, batch_size: int = 8, linger_s: float = LONG_S, n_callers: int = 16
) -> Iterator[tuple[Embedder, Callable[[SegmentedVideo], "Future[EmbeddedVideo]"]]]:
    settings = EmbedSettings(batch_size=batch_size, linger_s=linger_s, dimensions=DIM)
    callers = ThreadPoolExecutor(n_callers)
    embedder = Embedder(model, settings)
    try:
        yield embedder, lambda one: callers.submit(embedder.embed, one)
    finally:
        model.gate.set()
        embedder.close()
        callers.shutdown()


def until(reached: Callable[[], bool]) -> None:
    """Wait for a state that other threads bring about; pytest's timeout ends a wait in vain."""
    while not reached():
        threading.Event().wait(0.001)


def failing_on(word: str, error: Callable[[], Exception]) -> Callable[[Sequence[str]], None]:
    def fail(texts: Sequence[str]) -> None:
        if any(word in text for text in texts):
            raise error()

    return fail


def at_most(n_texts: int) -> Callable[[Sequence[str]], None]:
    """A card that holds this many texts."""
    import torch

    def fail(texts: Sequence[str]) -> None:
        if len(texts) > n_texts:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {len(texts)} GiB.")

    return fail


def test_videos_share_a_pass() -> None:
    """Four videos of two segments fill one batch of eight: one pass, though nobody lingers."""
    model = CountingModel()
    with running(model) as (embedder, submit):
        waiting = [submit(sized(f"v{n}", 2)) for n in range(4)]
        for future in waiting:
            assert_right(future.result(30))
        assert (embedder.n_batches, embedder.n_texts) == (1, 8)
    assert len(model.passes) == 1


def test_a_video_that_waits_for_its_batch_to_fill_lingers_until_it_is_taken() -> None:
    """Nobody works on it until then; while the model has it, somebody does. Closing lets it go too."""
    inside, most = [], []

    @contextmanager
    def lingering() -> Iterator[None]:
        inside.append(threading.get_ident())
        most.append(len(inside))
        yield
        inside.remove(threading.get_ident())

    model = CountingModel(held=True)
    callers = ThreadPoolExecutor(4)
    with Embedder(
        model, EmbedSettings(batch_size=8, linger_s=LONG_S, dimensions=DIM), lingering=lingering
    ) as embedder:
        waiting = [callers.submit(embedder.embed, sized(f"v{n}", 2)) for n in range(3)]
        until(lambda: len(inside) == 3)
        assert model.passes == []
        waiting.append(callers.submit(embedder.embed, sized("last", 2)))
        assert model.entered.acquire(timeout=30)
        until(lambda: not inside)
        assert max(most) >= 3 and not any(future.done() for future in waiting)
        model.gate.set()
        for future in waiting:
            assert_right(future.result(30))
        left = callers.submit(embedder.embed, sized("left", 2))
        until(lambda: len(inside) == 1)
    assert isinstance(left.exception(30), TransientError) and not inside
    callers.shutdown()


def test_what_came_during_a_pass_goes_together_in_the_next() -> None:
    """While the model works the queue fills; twelve videos make few passes, not twelve."""
    model = CountingModel(held=True)
    with running(model, batch_size=64, linger_s=0.0) as (embedder, submit):
        first = submit(sized("first", 1))
        assert model.entered.acquire(timeout=30)
        waiting = [submit(sized(f"v{n}", 5)) for n in range(12)]
        until(lambda: embedder.n_waiting == 60)
        model.gate.set()
        for future in [first, *waiting]:
            assert_right(future.result(30))
    assert [len(batch) for batch in model.passes] == [1, 60]


def test_a_lone_video_goes_after_the_linger() -> None:
    """Nobody else comes, the batch isn't full, and it goes all the same."""
    model = CountingModel()
    with running(model, batch_size=1000, linger_s=0.01) as (_, submit):
        assert_right(submit(sized("alone", 3)).result(30))
    assert len(model.passes) == 1


def test_a_long_video_spans_batches_and_keeps_its_order() -> None:
    """100 segments in passes of eight, sorted by length on the way, come back as they went in."""
    model = CountingModel()
    with running(model) as (embedder, submit):
        assert_right(submit(sized("long", 100)).result(30))
        assert embedder.n_batches == 13
    lengths = [len(text) for batch in model.passes for text in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_many_callers_at_once_each_get_their_own_vectors() -> None:
    """Sixteen threads and 200 videos of 0 to 20 segments."""
    model = CountingModel()
    with running(model, batch_size=32, linger_s=0.001) as (embedder, submit):
        waiting = [submit(sized(f"v{n}", n % 21)) for n in range(200)]
        for future in waiting:
            done = future.result(30)
            if done.video.segments:
                assert_right(done)
            assert done.vectors.shape == (len(done.video.segments), DIM) and done.model == "counting"
        assert embedder.n_texts == sum(n % 21 for n in range(200))


def test_out_of_memory_halves_the_batch_and_remembers() -> None:
    """torch's own error: batches of 16 become 8, 4, 3 …, all vectors come, and later videos start small."""
    model = CountingModel(at_most(3))
    with running(model, batch_size=16, linger_s=0.0) as (embedder, submit):
        assert_right(submit(sized("first", 16)).result(30))
        assert embedder.batch_size == 2 and model.n_released == 3
        model.passes.clear()
        assert_right(submit(sized("second", 7)).result(30))
    assert [len(batch) for batch in model.passes] == [2, 2, 2, 1]


def test_a_text_that_never_fits_fails_as_transient() -> None:
    """Down to one text and still no room: the card may be freer later, so the video is put off."""
    model = CountingModel(at_most(0))
    with running(model, linger_s=0.0) as (_, submit), pytest.raises(TransientError) as caught:
        submit(sized("v", 5)).result(30)
    assert caught.value.code == "out_of_memory"


def test_a_bad_text_fails_its_own_video_only() -> None:
    """In a batch of four videos one text upsets the model: three are embedded, one is named."""
    model = CountingModel(failing_on("poison", lambda: IndexError("index out of range in self")))
    with running(model) as (_, submit):
        good = [submit(sized(f"v{n}", 2)) for n in range(3)]
        bad = submit(video("bad", "fine", "poison"))
        for future in good:
            assert_right(future.result(30))
        with pytest.raises(PermanentError, match="bad: index out of range") as caught:
            bad.result(30)
        assert caught.value.code == "unexpected"
        assert isinstance(caught.value.__cause__, IndexError)


def test_a_vector_of_nothing_never_leaves() -> None:
    """A model that returns NaN for one text fails that video, and no row without a vector is made."""

    class Overflowing(CountingModel):
        def encode_documents(self, texts: Sequence[str]) -> Vectors:
            vectors = super().encode_documents(texts)
            vectors[[text == "overflow" for text in texts]] = np.nan
            return vectors

    with running(Overflowing()) as (_, submit):
        good, bad = submit(sized("good", 7)), submit(video("bad", "overflow"))
        assert_right(good.result(30))
        with pytest.raises(PermanentError) as caught:
            bad.result(30)
        assert caught.value.code == "bad_vector"


def test_a_dead_gpu_stops_everything_at_once() -> None:
    """After a failed kernel no pass can succeed: all fail as transient, none is blamed, none waits."""
    import torch

    model = CountingModel(
        failing_on("v", lambda: torch.AcceleratorError("CUDA error: device-side assert triggered"))
    )
    with running(model) as (embedder, submit):
        waiting = [submit(sized(f"v{n}", 2)) for n in range(5)]
        errors = [future.exception(30) for future in waiting]
        assert all(isinstance(error, TransientError) and error.code == "device" for error in errors)
        assert embedder.stopped is not None and embedder.stopped.code == "device"
        with pytest.raises(TransientError, match="the GPU failed"):
            embedder.embed(sized("later", 1))
    assert len(model.passes) == 1


def test_closing_under_load_ends_every_call() -> None:
    """With a pass in the model and others waiting: what was in the pass is whole, the rest fails."""
    model = CountingModel(held=True)
    with running(model, batch_size=4, linger_s=0.0) as (embedder, submit):
        first = submit(sized("first", 4))
        assert model.entered.acquire(timeout=30)
        waiting = [submit(sized(f"v{n}", 3)) for n in range(10)]
        closing = threading.Thread(target=embedder.close)
        closing.start()
        until(lambda: embedder.stopped is not None)
        model.gate.set()
        closing.join(30)
        assert not closing.is_alive()
        assert_right(first.result(30))
        errors = [future.exception(30) for future in waiting]
        assert all(isinstance(error, TransientError) and error.code == "stopped" for error in errors)
        with pytest.raises(EarmarkError, match="closed"):
            embedder.embed(sized("late", 1))
    assert len(model.passes) == 1


def test_closing_twice_is_harmless() -> None:
    """An actor's end and a context manager may both close."""
    embedder = Embedder(CountingModel(), EmbedSettings(dimensions=DIM))
    embedder.close()
    embedder.close()
