"""How an outside system proves that an event is its own: HMAC-SHA256 over its time and the raw body."""

import hashlib
import hmac
import time

SECONDS = 300
"""How far a request's time may be from ours."""

TIME_HEADER = "X-Seo-Timestamp"
SIGNATURE_HEADER = "X-Seo-Signature"
_PREFIX = "sha256="


class NotSigned(Exception):
    """The request is not provably the sender's, or not of now."""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature header's value, ``sha256=`` and 64 hex digits; ``timestamp`` as in its header, seconds."""
    signed = f"{timestamp}.".encode() + body
    return _PREFIX + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(secret: str, timestamp: str | None, signature: str | None, body: bytes, now: float | None = None) -> None:
    """Checks both headers of a request.

    Raises:
        NotSigned: saying what to send instead, and nothing about the secret.
    """
    if not timestamp or not signature:
        raise NotSigned(f"send the headers {TIME_HEADER} and {SIGNATURE_HEADER}: docs/http.md says how to sign")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):  # noqa: PLR2004 - 30,000 years
        raise NotSigned(f"{TIME_HEADER} is not seconds since the epoch")
    if abs((time.time() if now is None else now) - int(timestamp)) > SECONDS:
        raise NotSigned(f"{TIME_HEADER} is more than {SECONDS} seconds away from this server's time")
    # bytes: compare_digest raises for text beyond ASCII
    if not hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode("utf-8", "replace")):
        raise NotSigned(f"{SIGNATURE_HEADER} does not fit the body and {TIME_HEADER}")
