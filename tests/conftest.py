"""For every test: no skip by accident, and hypothesis judges results, not this machine's speed."""

import signal

import pytest
from hypothesis import settings

settings.register_profile("earmark", deadline=None)
settings.load_profile("earmark")

# A shell hands an ignored Ctrl-C on to what it starts in the background; what tests start must hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)

LEGITIMATE_SKIPS = ("only root can start a server for somebody else",)

_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(known in reason for known in LEGITIMATE_SKIPS):
            _skipped.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that was skipped proves nothing: the run fails and names it."""
    if _skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for skipped in _skipped:
        terminalreporter.write_line(f"SKIPPED, which fails this run: {skipped}", red=True)
