"""yt-dlp's words and exceptions lead to the right verdict."""

import json
from email.utils import formatdate
from http.client import HTTPMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import ContentTooShortError, DownloadError, ExtractorError, GeoRestrictedError, UserNotLive

from actors.errors import PermanentError, Rejected, SoftBlocked, TransientError
from actors.fetch.messages import BY_KIND, BY_STATUS, FIRST, LAST, classify

SAVED = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "ytdlp_messages.jsonl").read_text("utf-8").splitlines()
]
DOCUMENTED = {
    kind: {word.strip("`,.") for word in (kind.__doc__ or "").split("Codes:")[1].split()}
    for kind in (Rejected, PermanentError, TransientError)
}


@pytest.mark.parametrize("saved", SAVED, ids=lambda saved: saved["message"].split("] ")[-1][:60])
def test_a_saved_message_alone_gets_its_verdict(saved: dict[str, str]) -> None:
    """The message is enough: after retries inside a transfer yt-dlp's exception carries no cause."""
    verdict = classify(DownloadError(saved["message"], (None, None, None)), "a talk")
    assert (type(verdict).__name__, verdict.code) == (saved["error"], saved["code"])
    assert verdict.reason.startswith("a talk: ")
    assert "secret" not in str(verdict)
    assert "please report" not in str(verdict).lower()
    assert "\n" not in str(verdict)


def test_every_code_is_one_that_the_taxonomy_documents() -> None:
    """No rule invents a code that errors.py doesn't list."""
    kinds = {"rejected": Rejected, "permanent": PermanentError, "transient": TransientError}
    for rule in (*FIRST, *LAST, *BY_STATUS.values(), *BY_KIND.values()):
        if rule.verdict != "soft_blocked":
            assert rule.code in DOCUMENTED[kinds[rule.verdict]], rule


def _http_error(status: int, headers: dict[str, str] | None = None) -> DownloadError:
    message = HTTPMessage()
    for name, value in (headers or {}).items():
        message[name] = value
    response: Any = SimpleNamespace(status=status, reason="Reason", headers=message)
    error = HTTPError(response)
    return DownloadError("ERROR: [generic] x: Unable to download webpage", (HTTPError, error, None))


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, PermanentError, "forbidden"),
        (401, PermanentError, "forbidden"),
        (403, TransientError, "forbidden"),
        (404, PermanentError, "not_found"),
        (408, TransientError, "timeout"),
        (410, PermanentError, "not_found"),
        (416, TransientError, "file_changed"),
        (429, TransientError, "throttled"),
        (451, PermanentError, "geo_blocked"),
        (500, TransientError, "server_error"),
        (503, TransientError, "server_error"),
        (599, TransientError, "server_error"),
    ],
)
def test_a_status_behind_the_exception_is_found(status: int, kind: type, code: str) -> None:
    """The status counts where the message doesn't repeat it."""
    verdict = classify(_http_error(status))
    assert type(verdict) is kind
    assert verdict.code == code


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("17", 17, 17), (formatdate(usegmt=True), 0, 0), ("9999999", 86_400, 86_400), ("soon", 300, 300)],
)
def test_retry_after_is_honoured(value: str, low: float, high: float) -> None:
    """Seconds and dates are read, a day is the most, nonsense falls back to the rule's own delay."""
    verdict = classify(_http_error(429, {"Retry-After": value}))
    assert isinstance(verdict, TransientError)
    assert verdict.retry_after_s is not None
    assert low <= verdict.retry_after_s <= high


@pytest.mark.parametrize(
    ("cause", "kind", "code"),
    [
        (GeoRestrictedError("odd wording", countries=["DE"]), PermanentError, "geo_blocked"),
        (UserNotLive(video_id="x"), Rejected, "upcoming"),
        (ContentTooShortError(10, 20), TransientError, "truncated"),
        (TransportError("odd wording"), TransientError, "network"),
        (OSError(28, "odd wording"), TransientError, "disk_full"),
        (TransientError("ours", code="file_changed"), TransientError, "file_changed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_kind_of_a_cause_counts_where_words_fail(cause: Exception, kind: type, code: str) -> None:
    """Exceptions whose wording no table knows are told by their type; ours pass through."""
    verdict = classify(DownloadError("ERROR: odd", (type(cause), cause, None)))
    assert (type(verdict), verdict.code) == (kind, code)


def test_a_soft_block_is_never_a_verdict_on_the_video() -> None:
    """It is transient. How long to pause is the governor's business, unless the server names a time."""
    verdict = classify(ExtractorError("Sign in to confirm you're not a bot", expected=True))
    assert isinstance(verdict, SoftBlocked)
    assert isinstance(verdict, TransientError)
    assert verdict.retry_after_s is None


def test_a_redirect_loop_is_permanent() -> None:
    """yt-dlp reports it as an HTTP error of status 302."""
    response: Any = SimpleNamespace(status=302, reason="Found", headers=HTTPMessage())
    verdict = classify(ExtractorError("x", cause=HTTPError(response, redirect_loop=True)))
    assert (type(verdict), verdict.code) == (PermanentError, "unsupported")
