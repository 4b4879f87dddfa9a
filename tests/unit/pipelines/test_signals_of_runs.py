"""When a run may be interrupted."""

import signal
from contextlib import ExitStack

import pytest

from pipelines.signals import ENDING, interruptible, postponed


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_that_has_to_wait_comes_where_it_is_let_in(number: signal.Signals) -> None:
    """Not before: what is begun is then in the hands of whoever can end it."""
    done = []
    with ExitStack() as waiting, interruptible():
        waiting.enter_context(postponed())
        signal.raise_signal(number)
        done.append("begun")
        with pytest.raises(KeyboardInterrupt):
            waiting.close()
    assert done == ["begun"]


def test_handlers_are_those_of_before() -> None:
    """Whatever came."""
    before = [signal.getsignal(number) for number in ENDING]
    with postponed():
        assert [signal.getsignal(number) for number in ENDING] != before
    with pytest.raises(LookupError), postponed():
        signal.raise_signal(signal.SIGTERM)
        raise LookupError
    assert [signal.getsignal(number) for number in ENDING] == before
