"""Addresses as the WHATWG URL standard reads them (https://url.spec.whatwg.org/)."""

import hashlib
from urllib.parse import urlsplit

import ada_url

from tasks.errors import BadUrl

MAX_URL_LENGTH = 8192
MAX_SHOWN_LENGTH = 2083


def resolve(base: str, href: str) -> str | None:
    """The absolute address that ``href`` means on a page at ``base``; None where it means none.

    Percent-encodings, letter case of the path, trailing slash and fragment stay as written.
    """
    try:
        return ada_url.join_url(base, href)
    except (ValueError, UnicodeError):
        return None


def address(url: str) -> str:
    """``url`` without its fragment: what is sent to a server."""
    return url.partition("#")[0]


def is_http(url: str | None) -> bool:
    return url is not None and url.startswith(("http://", "https://"))


def parse(text: str) -> str:
    """The fetchable address a person means by ``text``; ``example.com`` gets ``https://``.

    Raises:
        BadUrl: naming what is wrong and what to write instead.
    """
    shown = printable(text)
    text = text.strip()
    if not text:
        raise BadUrl("empty URL: write an address such as https://example.com/")
    if "://" not in text and not _has_scheme(text):
        text = f"https://{text}"
    try:
        url = ada_url.URL(text)
    except (ValueError, UnicodeError):
        raise BadUrl(f"not a URL: {shown}: write an address such as https://example.com/page") from None
    if url.protocol not in {"http:", "https:"}:
        raise BadUrl(f"cannot fetch {shown}: only http and https addresses are scanned")
    if url.username or url.password:
        raise BadUrl(f"{printable(without_userinfo(text))} carries a user name or password: leave it out")
    found = address(url.href)
    if len(found) > MAX_URL_LENGTH:
        raise BadUrl(f"URL of {len(found)} characters ({shown}): at most {MAX_URL_LENGTH} are fetched")
    return found


def _has_scheme(text: str) -> bool:
    """True for ``mailto:x``; false for ``localhost:8000`` and ``example.com:80/x``."""
    scheme, colon, rest = text.partition(":")
    port = rest.partition("/")[0].partition("?")[0]
    return bool(colon) and scheme.replace("-", "").replace("+", "").isalnum() and not port.isdigit()


def host_port(url: str) -> str:
    """``host:port`` with the scheme's default port written out; IPv6 in brackets."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_port(url)}"


def same_site(one: str, other: str) -> bool:
    """True where both addresses name the same host, whatever scheme and port."""
    return host(one) == host(other)


def url_key(url: str) -> str:
    """Identity of an address, 16 hex digits: scheme, host, path case, slash and query order all count."""
    return hashlib.blake2b(address(url).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def page_id(project_id: str, url: str) -> str:
    """Identity of a page in a project, the same in every run: 16 hex digits."""
    text = f"{project_id}\n{address(url)}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def without_userinfo(url: str) -> str:
    """``url`` with ``user:password@`` removed, for messages and logs."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def printable(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """``text`` safe for a terminal or a log line: control characters escaped, cut at ``limit``."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
