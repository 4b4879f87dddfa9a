"""Words over windows, and the best sequence of speakers."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.voices.earshot import listen, slices_of
from actors.voices.smoothing import Timing, best_sequence

SMALL = st.integers(-20, 20).map(lambda n: n / 4)


@given(st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=6), st.data())
def test_no_other_sequence_is_better(rows: list[tuple[float, float, float]], data: st.DataObject) -> None:
    """Each of the up to 729 sequences was tried."""
    gains = np.array(rows)
    costs = np.array(
        [
            0.0,
            *data.draw(
                st.lists(
                    st.integers(0, 12).map(lambda n: n / 4), min_size=len(rows) - 1, max_size=len(rows) - 1
                )
            ),
        ]
    )

    def worth(sequence: tuple[int, ...]) -> float:
        changes = sum(costs[n] for n in range(1, len(sequence)) if sequence[n] != sequence[n - 1])
        return float(sum(gains[n, who] for n, who in enumerate(sequence)) - changes)

    found = tuple(best_sequence(gains, costs).tolist())
    assert worth(found) == max(worth(sequence) for sequence in product(range(3), repeat=len(rows)))


def timing(*words: tuple[float, float], utterances: list[int] | None = None) -> Timing:
    times = np.array(words)
    return Timing(times[:, 0], times[:, 1], np.array(utterances or [0] * len(words)))


def test_a_change_costs_less_where_people_change() -> None:
    """A silence, the end of an utterance, a pause inside of one, the middle of a phrase, in this order."""
    costs = timing((0, 1), (2, 3), (3, 4), (4.5, 5), (5, 6), utterances=[0, 0, 1, 1, 1]).change_costs()
    assert costs[0] == 0
    assert 0 < costs[1] < costs[2] < costs[3] < costs[4]


@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 12), st.floats(0.5, 4)), min_size=1, max_size=6),
)
def test_overlaps_are_those_of_the_times(
    gaps: list[tuple[float, float]], spans: list[tuple[float, float]]
) -> None:
    """Each word against each window, computed the slow way."""
    at, words = 0.0, []
    for pause, length in gaps:
        words.append((at + pause, at + pause + length))
        at = words[-1][1]
    windows = np.array(sorted((start, start + length) for start, length in spans))
    overlap = listen(timing(*words), windows).overlap_s.toarray()
    for word, window in product(range(len(words)), range(len(windows))):
        end = max(words[word][1], words[word][0] + 0.02)
        expected = min(end, windows[window][1]) - max(words[word][0], windows[window][0])
        assert overlap[word, window] == pytest.approx(max(0.0, expected), abs=1e-9)


def test_shares_of_a_window_are_of_its_speech() -> None:
    """Silence belongs to nobody; a window without words has no share."""
    heard = listen(timing((0, 1), (2, 3), (3, 4)), np.array([[0.0, 4.0], [1.0, 2.0], [2.5, 4.0]]))
    shares = heard.shares(np.array([0, 1, -1]), 2)
    assert shares == pytest.approx(np.array([[1 / 3, 1 / 3], [0, 0], [0, 1 / 3]]))


def test_a_word_lies_in_the_slice_of_its_middle() -> None:
    """Between two slices the nearer one within half a second, else none."""
    words = timing((1, 2), (9.9, 10.5), (10.7, 10.8), (14, 15), (19.5, 20.6), (30, 31))
    assert slices_of(words, [(0.0, 10.0), (11.0, 20.0)]).tolist() == [0, 0, 1, 1, 1, -1]
    assert slices_of(words, []).tolist() == [-1] * 6
