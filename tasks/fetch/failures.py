"""Why an attempt gave no usable answer: the HTTP client's exceptions as our reasons."""

import errno
import ssl

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError

from tasks.model import Reason
from tasks.urls import printable

MAX_DETAIL = 300

CLIENT_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
"""What aiohttp raises over what a server sends or fails to send."""

_BY_ERRNO = {
    errno.ECONNREFUSED: (Reason.CONNECT_REFUSED, "connection refused"),
    errno.EHOSTUNREACH: (Reason.CONNECT_REFUSED, "no route to the host"),
    errno.ENETUNREACH: (Reason.CONNECT_REFUSED, "no route to the network"),
    errno.ETIMEDOUT: (Reason.CONNECT_TIMEOUT, "no answer to the connection attempt"),
    errno.ECONNRESET: (Reason.RESET, "connection reset"),
    errno.ECONNABORTED: (Reason.RESET, "connection closed while connecting"),
    errno.EPIPE: (Reason.RESET, "connection closed by the server"),
}


class FetchError(httpx.TransportError):
    """An attempt without a usable answer.

    Attributes:
        reason: its class.
        detail: one line for people, free of resolved addresses and control characters.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = printable(detail, MAX_DETAIL)
        super().__init__(f"{reason}: {self.detail}")


class StaleConnection(FetchError):
    """A connection kept from an earlier request ended before any byte of the answer, which says nothing of the page."""


def failure(error: Exception, destination: str) -> FetchError:
    """``error``, raised by aiohttp while talking to ``destination`` (host:port), as one of ours."""
    reason, detail = _classify(error)
    return FetchError(reason, f"{destination}: {detail}")


def _classify(error: Exception) -> tuple[Reason, str]:  # noqa: C901, PLR0911 - a table, most specific class first
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Reason.DNS, error.os_error.strerror or "host name not found"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Reason.TLS, _tls_detail(error)
        case aiohttp.ConnectionTimeoutError():
            return Reason.CONNECT_TIMEOUT, "no connection in time"
        case aiohttp.ServerTimeoutError():
            return Reason.READ_TIMEOUT, "the server stopped sending"
        case aiohttp.ServerDisconnectedError():
            return Reason.RESET, "connection closed without an answer"
        case aiohttp.ClientPayloadError():
            return _payload(error)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Reason.BAD_URL, "not an address that can be requested"
        case aiohttp.ClientHttpProxyError():
            return Reason.BAD_RESPONSE, proxy_answered(error.status)
        case aiohttp.ClientProxyConnectionError():
            reason, detail = _system(error)
            return reason, f"the proxy: {detail}"
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return Reason.BAD_RESPONSE, f"not an HTTP answer: {_first_line(error)}"
        case OSError():
            return _system(error)
        case _:
            return Reason.BAD_RESPONSE, f"{type(error).__name__}: {error}"


def proxy_answered(status: int) -> str:
    return f"the proxy answers with status {status}"


def _system(error: OSError) -> tuple[Reason, str]:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if cause.errno in _BY_ERRNO:
        return _BY_ERRNO[cause.errno]
    if isinstance(cause, ConnectionResetError):  # asyncio's own, without a number, during the TLS handshake
        return Reason.RESET, "connection closed while connecting"
    if isinstance(error, aiohttp.ClientConnectorError):
        return Reason.CONNECT_REFUSED, "cannot connect"
    return Reason.RESET, "connection lost"


def _tls_detail(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, aiohttp.ClientError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate not valid: {cause.verify_message}"
    return f"TLS failed: {getattr(cause, 'reason', None) or 'handshake refused'}"


def _payload(error: aiohttp.ClientPayloadError) -> tuple[Reason, str]:
    if isinstance(error.__cause__, PayloadEncodingError):
        return Reason.TRUNCATED, "the body ends before its announced end"
    return Reason.BAD_RESPONSE, f"not an HTTP answer: {_first_line(error.__cause__)}"


def _first_line(error: BaseException | None) -> str:
    """The message without aiohttp's drawing of the offending bytes."""
    message = getattr(error, "message", None) or str(error)
    return str(message).partition("\n")[0].rstrip(":")
