"""Secrets inside of text: where they hide in URLs and connection strings, and how they are taken out.

Pure functions of text. Used wherever other people's words or addresses are kept, logged or shown.
"""

import re

_USER_PART = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#]*@")
_SECRET_PARAMETER = re.compile(
    r"(?i)(?<![\w-])((?:[\w-]*[_-])?(?:password|passwd|passphrase|pwd|token|secret|api_?key|auth|signature|sig|credential)"
    r"|[\w-]*(?:api|access)-?key)(\s*=\s*)('[^']*'|[^\s&;#'\"]+)"
)


def without_user(text: str) -> str:
    """The text, each URL in it without its ``user:password@``: what is left still leads there."""
    return _USER_PART.sub(r"\1", text)


def has_user(url: str) -> bool:
    """Whether the URL holds a user or a password."""
    return without_user(url) != url


def masked(text: str) -> str:
    """The text as it may be shown or kept: user parts, passwords and the secrets in queries (``token=``,
    ``access_token=``, ``api_key=``, ``X-Amz-Signature=`` …) replaced by ``***``."""
    return _SECRET_PARAMETER.sub(r"\1\2***", _USER_PART.sub(r"\1***@", text))
