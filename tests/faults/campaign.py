"""A campaign: faults one after another, the same command until it is through, and the comparison.

A round begins with an empty database. Faults strike its run; what ends the run is followed by the same
command again; when a run ends by itself with everything stored, the round's corpus is compared with that
of an undisturbed run and the next round begins, until every fault has struck.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.corpus_state import (
    CorpusState,
    differences,
    ledger_faults,
    n_slices_in_hand,
    read_corpus,
    read_ledger,
)
from tests.faults.faults import EXIT_CODES, PUTS_OFF, Fault, Kind
from tests.faults.processes import RunningCommand
from tests.faults.shop import Shop, keep_evidence
from tests.faults.strike import Striker
from tests.waiting import until

RUN_LIMIT_S = 400.0
AFTER_SIGNAL_S = 90.0
"""Within this time a run must have ended that was told to, or whose engine is gone."""
GONE_LIMIT_S = 90.0
"""Within this time what a killed driver started must be gone. Ray's agents are the last: they look for their raylet
every other second, and then try to tell a GCS that is gone, too."""
IN_HAND_LIMIT_S = 8.0
"""How long a fault that is to meet work in hand waits for a slice to be transcribed."""
MOST_RUNS = 25
"""In a round."""

WORKING = """
select exists (select from ingest_state where status = 'running' and stage is distinct from 'claimed'
               and run_id = (select max(run_id) from runs where finished_at is null))
"""
NOW_DUE = "update ingest_state set not_before = null where status = 'failed' and not permanent and not_before > now()"
LEFT = "select count(*) from ingest_state where status in ('pending', 'running') or (status = 'failed' and not permanent)"
PUT_OFF = "select count(*) from ingest_state where status = 'failed' and not permanent"

Say = Callable[[str], None]


@dataclass
class Round:
    """What became of one database."""

    number: int
    struck: list[Fault] = field(default_factory=list)
    exit_codes: list[int | None] = field(default_factory=list)
    n_in_hand: int = 0
    """Slices that were in hand at the moments of faults that may cost them, together."""
    n_twice: int = 0
    wall_s: float = 0.0
    wrong_ends: list[str] = field(default_factory=list)
    """Exit codes that should be others, and runs that never ended."""
    wrong_corpus: list[str] = field(default_factory=list)
    wrong_ledger: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    """Processes, folders."""

    @property
    def differences(self) -> list[str]:
        return [*self.wrong_ends, *self.wrong_corpus, *self.wrong_ledger, *self.left_over]


class Campaign:
    """Plays rounds until every fault has struck."""

    def __init__(self, shop: Shop, seed: int, say: Say, logs: Path) -> None:
        self._shop, self._say, self._logs = shop, say, logs
        self._rng = random.Random(seed)
        self._n_databases = 0

    def undisturbed(self) -> CorpusState:
        """The corpus of a run that nothing happens to."""
        calm = Round(0)
        url = self._new_database()
        self._run_once(calm, url, deque())
        expected = read_corpus(url)
        self._judge(calm, url, expected)
        if calm.differences:
            raise RuntimeError(f"the undisturbed run went wrong: {calm.differences}; see {self._logs}")
        self._say(f"undisturbed: {len(expected.sources)} videos, {len(expected.segments)} segments, {calm.wall_s:.0f} s")  # fmt: skip
        return expected

    def play(self, faults: Sequence[Fault], expected: CorpusState) -> list[Round]:
        queue, rounds = deque(faults), []
        while queue:
            played = self._round(len(rounds) + 1, queue, expected)
            rounds.append(played)
            if not played.struck:
                played.wrong_ends.append(f"no moment came for {[str(fault) for fault in queue]}")
                break
        return rounds

    def _round(self, number: int, queue: deque[Fault], expected: CorpusState) -> Round:
        played = Round(number)
        url = self._new_database()
        for _ in range(MOST_RUNS):
            self._run_once(played, url, queue)
            with psycopg.connect(url) as connection:
                if connection.execute(LEFT).fetchone() == (0,):
                    break
                connection.execute(NOW_DUE)  # waiting is another test's subject
        self._judge(played, url, expected)
        return played

    def _judge(self, played: Round, url: str, expected: CorpusState) -> None:
        until(lambda: read_ledger(url).n_connections == 0, GONE_LIMIT_S)
        ledger = read_ledger(url)
        played.n_twice = ledger.n_begun - ledger.n_begun_slices
        played.wrong_corpus += differences(expected, read_corpus(url))
        played.wrong_ledger += ledger_faults(ledger, self._shop.n_videos, played.n_in_hand)
        played.left_over += self._shop.leftovers()
        if played.differences:
            keep_evidence(self._logs / f"round-{played.number}", played.differences)
        self._say(
            f"round {played.number}: {len(played.struck)} faults, exit codes {played.exit_codes}, {played.wall_s:.0f} s; "
            f"{ledger.n_begun_slices} slices, {played.n_twice} transcribed again, {played.n_in_hand} in hand at the "
            f"faults; {len(played.differences) or 'no'} differences"
        )
        for difference in played.differences:
            self._say(f"  DIFFERENCE {difference}")

    def _run_once(self, played: Round, url: str, queue: deque[Fault]) -> None:
        """Start the command, disturb it, see it end."""
        n_run = len(played.exit_codes) + 1
        run = self._shop.start(url, self._logs / f"round-{played.number}" / f"run-{n_run}")
        try:
            self._see_through(run, n_run, played, url, queue)
        finally:
            run.kill_everything()  # nothing to do, unless this campaign itself was ended

    def _see_through(
        self, run: RunningCommand, n_run: int, played: Round, url: str, queue: deque[Fault]
    ) -> None:
        struck: list[Fault] = []
        self._disturb(run, played, url, queue, struck)
        last = struck[-1] if struck else None
        ended_by = last.kind if last and last.ends_run else None
        code = run.wait(AFTER_SIGNAL_S if ended_by else RUN_LIMIT_S)
        played.exit_codes.append(code)
        played.wall_s += run.age_s
        if code is None:
            played.wrong_ends.append(f"run {n_run} didn't end after {last}; see {run.err}")
            run.kill_everything()
            run.wait(GONE_LIMIT_S)
        orphans = run.orphans(GONE_LIMIT_S)
        played.left_over += [f"run {n_run} left a process behind: {title}" for title in orphans]
        if code is None or ended_by is not None:
            played.n_in_hand += n_slices_in_hand(url)
        if code is not None and code not in (allowed := self._allowed(url, struck, ended_by)):
            words = run.err.read_text(encoding="utf-8", errors="replace").strip()[-500:]
            played.wrong_ends.append(f"run {n_run} ended with {code}, not {allowed}, after {last}: {words}")

    def _allowed(self, url: str, struck: Sequence[Fault], ended_by: Kind | None) -> set[int]:
        if ended_by is not None:
            return {EXIT_CODES[ended_by]}
        with psycopg.connect(url) as connection:
            put_off = connection.execute(PUT_OFF).fetchone() != (0,)
        return {1} if put_off and any(fault.kind in PUTS_OFF for fault in struck) else {0}

    def _disturb(
        self, run: RunningCommand, played: Round, url: str, queue: deque[Fault], struck: list[Fault]
    ) -> None:
        """Strike until the run has ended, or nothing is left that could strike it."""
        striker = Striker(self._shop, url, self._rng)
        n_missed = 0
        while n_missed < len(queue):
            fault = queue[0]
            if not self._await_moment(fault, run, url):
                return
            before = n_slices_in_hand(url)
            met = striker(fault, run)
            if met is None:  # nothing there to strike: a later one first
                queue.rotate(-1)
                n_missed += 1
                continue
            n_missed = 0
            queue.popleft()
            struck.append(fault)
            played.struck.append(fault)
            at_s = run.age_s
            if fault.costs_slices and not fault.ends_run:
                played.n_in_hand += max(before, n_slices_in_hand(url))
            self._say(
                f"fault {fault.number} in round {played.number}, run {len(played.exit_codes) + 1}, at {at_s:.1f} s: "
                f"{fault}{f' ({met})' if met else ''}; {before} slices in hand"
            )
            if fault.ends_run:
                return

    def _await_moment(self, fault: Fault, run: RunningCommand, url: str) -> bool:
        """Whether the moment came before the run ended."""
        if fault.starting and run.age_s < fault.delay_s:
            time.sleep(fault.delay_s - run.age_s)
        else:
            until(lambda: run.exit_code is not None or _is_working(url), RUN_LIMIT_S)
            time.sleep(fault.delay_s)
            if fault.on_work and fault.costs_slices:
                until(lambda: run.exit_code is not None or n_slices_in_hand(url) > 0, IN_HAND_LIMIT_S, 0.05)
        return run.exit_code is None

    def _new_database(self) -> str:
        self._n_databases += 1
        return self._shop.database.new_database(f"round_{self._n_databases}")


def _is_working(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        return connection.execute(WORKING).fetchone() == (True,)
    return False
