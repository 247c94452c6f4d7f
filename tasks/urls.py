"""Addresses as the WHATWG URL standard reads them (https://url.spec.whatwg.org/)."""

import hashlib
import re
from functools import cache, lru_cache
from urllib.parse import urlsplit

import ada_url
from publicsuffixlist import PublicSuffixList

from tasks.errors import BadUrl

MAX_URL_LENGTH = 8192
MAX_SHOWN_LENGTH = 2083

_C0_CONTROLS_AND_SPACE = "".join(map(chr, range(0x21)))
_BREAKS = re.compile(r"[\t\n\r]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d+(?:[/\\?#]|$))", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"[^/\\?#]*:(\d+)(?:[/\\?#]|$)", re.ASCII)
_USERINFO = re.compile(
    r"\A((?:(?:https?|wss?|ftp):|[^/\\?#@]*:(?=[/\\]{2}))?[/\\]*)[^/\\?#]*@", re.IGNORECASE | re.ASCII
)
_RELATIVE = re.compile(r"\.{0,2}[/\\](?![/\\])")
_TO_LAST_AT = re.compile(r"\A((?:[a-z][a-z0-9+.-]*:[/\\]+)?).*@", re.IGNORECASE | re.ASCII | re.DOTALL)
_NO_USERINFO = re.compile(r"(?:mailto|sips?|xmpp|acct):", re.IGNORECASE | re.ASCII)
_LOOPBACK = re.compile(r"(?:(?:.+\.)?localhost\.?|127(?:\.\d+){3}|\[::1\])(?::\d+)?", re.ASCII)


def resolve(base: str, href: str) -> str | None:
    """The absolute address that ``href`` means on a page at ``base``; None where it means none.

    Percent-encodings, letter case of the path, trailing slash and fragment stay as written.
    """
    try:
        return ada_url.join_url(base, href)
    except (ValueError, UnicodeError):
        return None


def absolute(text: str) -> str | None:
    """The address ``text`` is by itself, without its fragment; None where it is relative or no address."""
    try:
        return address(ada_url.normalize_url(text))
    except (ValueError, UnicodeError):
        return None


def address(url: str) -> str:
    """``url`` without its fragment: what is sent to a server."""
    return url.partition("#")[0]


def is_http(url: str | None) -> bool:
    return url is not None and url.startswith(("http://", "https://"))


HTTP_ONLY = r"^(?!\s*(?![Hh][Tt][Tt][Pp][Ss]?:)[A-Za-z][A-Za-z0-9+.-]*://)"
"""What of ``parse`` a JSON schema can say: no other scheme."""


def parse(text: str) -> str:
    """The fetchable address a person means by ``text``.

    Without a scheme it gets ``https://``; ``http://`` where the host is loopback or a port other than 443 is given.

    Raises:
        BadUrl: naming what is wrong and what to write instead.
    """
    shown = nameable(text) if "@" in text else printable(text)
    text = _without_ignored(text)
    if not text:
        raise BadUrl("empty URL: write an address such as https://example.com/")
    if _RELATIVE.match(text):
        raise BadUrl(f"{shown} names no host: write the whole address, such as https://example.com/page")
    try:
        url = ada_url.URL(_with_scheme(text))
    except (ValueError, UnicodeError):
        raise BadUrl(f"not a URL: {shown}: write an address such as https://example.com/page") from None
    if url.protocol not in {"http:", "https:"}:
        raise BadUrl(f"cannot fetch {shown}: only http and https addresses are scanned")
    if url.username or url.password:
        raise BadUrl(f"{shown} carries a user name or password: leave it out")
    found = address(url.href)
    if len(found) > MAX_URL_LENGTH:
        raise BadUrl(f"URL of {len(found)} characters ({shown[:200]}…): at most {MAX_URL_LENGTH} are fetched")
    return found


def _without_ignored(text: str) -> str:
    """``text`` without what the standard leaves out of an address before it reads it."""
    return _BREAKS.sub("", text.strip(_C0_CONTROLS_AND_SPACE))


def _with_scheme(text: str) -> str:
    return text if _has_scheme(text) else f"{_usual_scheme(text)}://{text}"


def _has_scheme(text: str) -> bool:
    """True for ``mailto:x@y``; false for ``localhost:8000``, ``example.com:80/x`` and ``user:password@host``."""
    scheme = _SCHEME.match(text)
    return scheme is not None and without_userinfo(text).startswith(scheme[0])


def _usual_scheme(text: str) -> str:
    port = _PORT.match(text)
    if port:
        return "https" if int(port[1]) == 443 else "http"  # noqa: PLR2004 - the port of https
    return "http" if is_loopback(re.split(r"[/\\?#]", text, maxsplit=1)[0].lower()) else "https"


def is_loopback(host_port: str) -> bool:
    """True for a host, with or without port, that names this machine; in lower case, IPv6 in brackets."""
    return bool(_LOOPBACK.fullmatch(host_port))


def host_port(url: str) -> str:
    """``host:port`` with the scheme's default port written out; IPv6 in brackets."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def host(url: str) -> str:
    """Name or address without port, in lower case; empty where there is none."""
    return urlsplit(url).hostname or ""


def origin(url: str) -> str:
    """``scheme://host:port``, the port always written."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_port(url)}"


def same_site(one: str, other: str) -> bool:
    """True where both addresses name the same host, whatever scheme and port."""
    return host(one) == host(other)


def same_domain(one: str, other: str) -> bool:
    """True where both addresses belong to the same registrable domain, whatever scheme and port."""
    return registrable_domain(host(one)) == registrable_domain(host(other))


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str:
    """``example.co.uk`` of ``www.example.co.uk``, by https://publicsuffix.org/ with its private section.

    A host that belongs to nobody's domain (an IP address, ``localhost``, a public suffix) stands for itself.
    """
    if ":" in host or host[-1:].isdigit():  # https://url.spec.whatwg.org/#ends-in-a-number-checker
        return host
    return _public_suffixes().privatesuffix(host) or host


@lru_cache(maxsize=4096)
def is_top_level(label: str) -> bool:
    """Whether names of hosts end so, by the same list; IDNs as ``xn--``."""
    return _public_suffixes().publicsuffix(f"a.{label}", accept_unknown=False) is not None


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def url_key(url: str) -> str:
    """Identity of an address, 16 hex digits: scheme, host, path case, slash and query order all count."""
    return hashlib.blake2b(address(url).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def page_id(project_id: str, url: str) -> str:
    """Identity of a page in a project, the same in every run: 16 hex digits."""
    text = f"{project_id}\n{address(url)}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def without_userinfo(url: str) -> str:
    """``url`` with ``user:password@`` removed, for messages and logs; however badly it is written."""
    url = _without_ignored(url)
    return url if _NO_USERINFO.match(url) else _USERINFO.sub(r"\1", url)


def nameable(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """``text``, an address or not, for messages and records: printable, cut, without what may be a password.

    Where ``text`` is not fetchable, its uncut name is not either.
    """
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in _BREAKS.sub("", text).strip())
    shown = text
    if "@" in text and not _NO_USERINFO.match(text):
        shown = _USERINFO.sub(r"\1…@", text)
        if not _is_fetchable(without_userinfo(shown)):
            shown = _TO_LAST_AT.sub(r"\1…@", shown)
    return printable(shown, limit)


def _is_fetchable(text: str) -> bool:
    full = _with_scheme(text)
    return is_http(full.lower()) and ada_url.check_url(full)


def printable(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """``text`` safe for a terminal or a log line: control characters escaped, cut at ``limit``."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text[: limit + 1]
    )
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
