"""Videos in, videos with vectors out: segments of several videos share a forward pass.

Owns: gathering, the one thread that talks to the model, and whose failure is whose. Doesn't know how
vectors are made (``TextModel``) or who calls.

``embed`` blocks, and is called from many threads at once. A gathering thread waits until a batch is
full or the first text has waited ``linger_s``, sorts what is there by length, and sends it through
the model batch by batch.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from actors.errors import EarmarkError, PermanentError, TransientError
from actors.rows import EmbeddedVideo, SegmentedVideo
from actors.text.batching import WINDOW_BATCHES, by_length, diagnose, seconds_to_wait
from actors.text.text_model import TextModel, Vectors, unit_vectors
from configs.settings import EmbedSettings

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Job:
    """A video on its way: filled in as its batches come back."""

    label: str
    texts: list[str]
    vectors: Vectors
    came_at: float
    n_missing: int
    taken: threading.Event = field(default_factory=threading.Event)
    """It waits no longer for others to share its batch."""
    done: "Future[Vectors]" = field(default_factory=Future)


_Place = tuple[_Job, int]
"""A text: its video, and which of its segments."""


class Embedder:
    """Turns segmented videos into embedded ones, many at a time.

    Args:
        on_batch: called with the number of texts of each forward pass that came back.
        lingering: entered by each caller's thread while its video waits for a batch to be taken into: nobody works
            on it then.
    """

    def __init__(
        self,
        model: TextModel,
        settings: EmbedSettings,
        on_batch: Callable[[int], None] = lambda n_texts: None,
        lingering: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._model, self._on_batch, self._lingering = model, on_batch, lingering
        self._batch_size = settings.batch_size
        self._linger_s = settings.linger_s
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._in_hand: list[_Job] = []
        self._stopped: EarmarkError | None = None
        self.n_batches = 0
        """Forward passes that came back."""
        self.n_texts = 0
        """Texts in them; over ``n_batches`` it is the mean batch."""
        # The model runs in an executor because its futures carry whatever the model raises.
        self._runner = ThreadPoolExecutor(1, thread_name_prefix="embed-model")
        # A daemon: an embedder that nobody closes must not keep its process alive.
        self._gatherer = threading.Thread(target=self._work, name="embed-gather", daemon=True)
        self._gatherer.start()

    @property
    def batch_size(self) -> int:
        """Most texts in a forward pass; less than the setting after the memory ran out."""
        return self._batch_size

    @property
    def n_waiting(self) -> int:
        """Texts that no pass has been planned for yet."""
        with self._changed:
            return sum(len(job.texts) for job in self._waiting)

    @property
    def stopped(self) -> EarmarkError | None:
        """Why it takes no more videos; ``device`` means that this process can't be used any longer."""
        return self._stopped

    def embed(self, video: SegmentedVideo) -> EmbeddedVideo:
        """The video with a vector for each segment; waits for them.

        Raises:
            TransientError: ``out_of_memory`` (not even one text fits), ``device`` (the GPU failed: this
                process can't go on) or ``stopped``.
            PermanentError: ``bad_vector``, or ``unexpected`` when the model can't take a text.
        """
        texts = [segment.text for segment in video.segments]
        vectors = np.empty((len(texts), self._model.dimensions), dtype=np.float32)
        job = _Job(video.video_id, texts, vectors, time.monotonic(), len(texts))
        if texts:
            with self._changed:
                if self._stopped:
                    raise _as_own(self._stopped)
                self._waiting.append(job)
                self._changed.notify_all()
            with self._lingering():
                job.taken.wait()
            vectors = job.done.result()
        return EmbeddedVideo(video, self._model.name, vectors)

    def close(self) -> None:
        """Stop: the batch in the model is finished, every video that isn't whole then fails."""
        self._stop(TransientError("the embedder was closed", code="stopped"))
        if threading.current_thread() is not self._gatherer:
            self._gatherer.join()
        self._runner.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stop(self, reason: EarmarkError) -> None:
        with self._changed:
            self._stopped = self._stopped or reason
            self._changed.notify_all()

    def _work(self) -> None:
        """The gathering thread. However it ends, nobody is left waiting."""
        try:
            while places := self._gather():
                lengths = [len(job.texts[index]) for job, index in places]
                batches = deque(
                    [places[position] for position in batch] for batch in by_length(lengths, self._batch_size)
                )
                while batches and not self._stopped:
                    batches.extendleft(reversed(self._run(batches.popleft())))
        finally:
            self._stop(TransientError("the embedder's thread ended", code="stopped"))
            with self._changed:
                left = [*self._in_hand, *self._waiting]
                self._waiting.clear()
            for job in left:
                if not job.done.done():
                    assert self._stopped is not None, "set above"
                    job.done.set_exception(_as_own(self._stopped))
                job.taken.set()

    def _gather(self) -> list[_Place]:
        """The texts of the next window, once there are enough or the first has waited; none at the end."""
        with self._changed:
            while not self._stopped:
                n_texts = sum(len(job.texts) for job in self._waiting)
                waited_s = time.monotonic() - self._waiting[0].came_at if self._waiting else 0.0
                left_s = (
                    seconds_to_wait(n_texts, self._batch_size, waited_s, self._linger_s) if n_texts else None
                )
                if left_s == 0.0:
                    return self._take()
                self._changed.wait(left_s)
            return []

    def _take(self) -> list[_Place]:
        """Whole videos, at least one, until they fill a window."""
        self._in_hand = []
        places: list[_Place] = []
        while self._waiting and len(places) < WINDOW_BATCHES * self._batch_size:
            job = self._waiting.popleft()
            self._in_hand.append(job)
            job.taken.set()
            places.extend((job, index) for index in range(len(job.texts)))
        return places

    def _run(self, batch: list[_Place]) -> list[list[_Place]]:
        """One forward pass; returns the batches to try instead where it failed for more than one video."""
        batch = [place for place in batch if not place[0].done.done()]
        if len(batch) > self._batch_size:
            return _split(batch, self._batch_size)
        if not batch:
            return []
        attempt = self._runner.submit(self._encode, [job.texts[index] for job, index in batch])
        error = attempt.exception()
        if error is not None:
            return self._after(error, batch)
        self.n_batches += 1
        self.n_texts += len(batch)
        self._on_batch(len(batch))
        for (job, index), vector in zip(batch, attempt.result(), strict=True):
            job.vectors[index] = vector
            job.n_missing -= 1
            if job.n_missing == 0:
                job.done.set_result(job.vectors)
        return []

    def _encode(self, texts: Sequence[str]) -> Vectors:
        return unit_vectors(self._model.encode_documents(texts), len(texts), self._model.dimensions)

    def _after(self, error: BaseException, batch: list[_Place]) -> list[list[_Place]]:
        """Decide what a failed pass means for the videos in it."""
        trouble = diagnose(error)
        if trouble == "out_of_memory":
            error.__traceback__ = None  # its frames hold the tensors that filled the memory
        if trouble == "device":
            self._stop(TransientError(f"the GPU failed: {_line(error)}", code="device"))
            return []  # the thread ends, and fails everything that waits
        if trouble == "out_of_memory" and len(batch) > 1:
            return self._halve(batch)
        jobs = list(dict.fromkeys(job for job, _ in batch))
        if len(jobs) > 1:
            _log.warning("a batch of %d videos failed (%s): trying them one by one", len(jobs), _line(error))
            return [[place for place in batch if place[0] is job] for job in jobs]
        jobs[0].done.set_exception(_verdict(error, trouble, jobs[0].label))
        return []

    def _halve(self, batch: list[_Place]) -> list[list[_Place]]:
        self._batch_size = max(1, len(batch) // 2)
        _log.warning("out of memory with %d texts: batches of %d from now on", len(batch), self._batch_size)
        self._model.release_memory()
        return _split(batch, self._batch_size)


def _split(batch: list[_Place], size: int) -> list[list[_Place]]:
    return [batch[first : first + size] for first in range(0, len(batch), size)]


def _verdict(error: BaseException, trouble: str, label: str) -> EarmarkError:
    """The error of one video, in its own words."""
    if isinstance(error, EarmarkError):
        return error
    if trouble == "out_of_memory":
        verdict: EarmarkError = TransientError(
            f"not even one segment of {label} fits into the memory beside what is there",
            code="out_of_memory",
            remedy="Set transcribe.actors lower, or choose a smaller embed.model",
        )
    else:
        verdict = PermanentError(
            f"the embedding model can't take a segment of {label}: {_line(error)}", code="unexpected"
        )
    verdict.__cause__ = error
    return verdict


def _as_own(error: EarmarkError) -> EarmarkError:
    """The same error as an object of its own: one that several threads raise grows a mixed traceback."""
    return type(error)(error.reason, code=error.code, remedy=error.remedy)


def _line(error: BaseException) -> str:
    return (next(iter(str(error).splitlines()), "") or type(error).__name__)[:300]
