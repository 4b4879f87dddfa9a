"""One actor of a sweep: the real recogniser in a process of its own, over the same slices again and again.

Spoken to in lines: a question (JSON) on standard input, then ``go``, then the input's end, which ends it. It answers
in lines of JSON: ``ready``, one for each slice, or ``failed``. ``python -m pipelines.tuning_worker
NUMBER``.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TextIO

from actors.errors import EarmarkError
from actors.rows import Slice
from configs.settings import TranscribeSettings
from pipelines.wire import pack, unpack

ENDS_WITHIN_S = 60.0
"""A slice that is being decoded when nobody listens any more gets so long: a process that is killed in the middle
of its kernels may take others' down with it under MPS."""
WARM_UP = "warm-up.slice"
PATTERN = "slice-*.slice"


def put_down(slices: list[Slice], warm_up: Slice, folder: Path) -> None:
    """Write slices for workers to read."""
    (folder / WARM_UP).write_bytes(pack(warm_up)["payload"])
    for piece in slices:
        (folder / PATTERN.replace("*", f"{piece.ordinal:04d}")).write_bytes(pack(piece)["payload"])


def _take_up(folder: Path) -> tuple[list[Slice], Slice]:
    files = [*sorted(folder.glob(PATTERN)), folder / WARM_UP]
    *slices, warm_up = [unpack({"payload": file.read_bytes()}) for file in files]
    return slices, warm_up


def work(number: int, question: dict[str, Any], answers: TextIO, orders: TextIO) -> None:
    """Load, warm up, say so, and at ``go`` transcribe until the orders end."""

    def say(**answer: object) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        from actors.speech.transcribe import Transcriber

        began_at = time.monotonic()
        transcribe = Transcriber(TranscribeSettings(**question["settings"]), Path(question["models_dir"]))
        load_s = time.monotonic() - began_at
        slices, warm_up = _take_up(Path(question["slices"]))

        def hear(piece: Slice) -> None:
            # As the stage does where the source doesn't name the language.
            transcribe(piece, piece.language or transcribe.detect_language(piece))

        hear(warm_up)
        say(
            ready={
                "load_s": round(load_s, 2),
                "device": transcribe.device,
                "compute_type": transcribe.compute_type,
            }
        )
        if orders.readline().strip() != "go":
            return
        over = threading.Event()
        threading.Thread(target=_await_end, args=(orders, over), daemon=True).start()
        for piece in _around(slices, number):
            hear(piece)
            say(slice={"speech_s": round(piece.speech_s, 3), "at": time.monotonic()})
            if over.is_set():
                return
    except EarmarkError as error:
        say(failed={"message": error.reason, "code": error.code, "remedy": error.remedy})


def _around(slices: list[Slice], number: int) -> Iterator[Slice]:
    """Without end; each worker begins at a slice of its own, so that they don't march in step."""
    return cycle([*islice(cycle(slices), number % len(slices), number % len(slices) + len(slices))])


def _await_end(orders: TextIO, over: threading.Event) -> None:
    orders.read()
    over.set()
    time.sleep(ENDS_WITHIN_S)
    os._exit(1)


def _main() -> None:
    """Whatever libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    work(int(sys.argv[1]), json.loads(sys.stdin.readline()), answers, sys.stdin)


if __name__ == "__main__":
    _main()
