"""Addresses in a text, however they are written, and whether the page names them."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache

from tasks.audit import all_rules
from tasks.urls import address, is_top_level

REMOVED = "[address removed]"

_ENDING = ".,;:!?)]}»”’…"
_REST = r"[^\s<>\"'“”`]"
# Letters of Chinese and Japanese stand beside a host without a space between.
_NO_LETTER = r"(?!(?![\u2e80-\U0010ffff])[^\W_])"
_HOST = rf"(?:[\w-]{{1,63}}\.){{1,30}}(?:xn--[a-z0-9-]+|[a-z]+|[^\W\d_a-z]+){_NO_LETTER}"
_IP = r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*"
_SCHEMES = (
    "about|blob|callto|data|facetime|file|ftp|geo|https?|javascript|magnet|mailto|sips?|skype|sms|tel|tg|urn|vbscript|"
    "view-source|whatsapp|wss?|xmpp"
)
_ADDRESS = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{0,30}}:[/\\]|(?<![a-z0-9])(?:{_SCHEMES}):|(?<![\w:/\\])[/\\]{{2}}){_REST}+"
    rf"|(?P<host>{_HOST})"
    rf"|(?<![\w.])(?P<ip>{_IP})(?![\w:])",
    re.IGNORECASE,
)
_FURTHER = re.compile(rf"\]?[:/?#\\]{_REST}*")
_MAILBOX = re.compile(r"[^\s<>()\[\]\"'“”`@]{0,64}@\Z")
_VOCABULARY = re.compile(r"(?:https?://)?(?:www\.)?schema\.org(?:/|$)", re.IGNORECASE)
_WORD = re.compile(rf"(?:[\w.+-]{{1,64}}@)?{_HOST}", re.IGNORECASE)
_IDEOGRAPHIC_STOP = re.compile("(?<=[^\\W\u2e80-\uffff])\u3002(?=\\w)")


class Named:
    """The addresses that a page names: it links there, or its own ``facts`` or our rules have the word."""

    def __init__(self, links: frozenset[str], facts: Iterable[str]) -> None:
        self._links = links
        self._words = rule_words() | _words(links) | _words(facts)

    def only(self, text: str) -> str:
        """``text`` without all other addresses."""
        pieces, end = [], 0
        for start, stop in self._foreign(text):
            pieces += [text[end:start], REMOVED]
            end = stop
        return "".join([*pieces, text[end:]])

    def _foreign(self, text: str) -> Iterator[tuple[int, int]]:
        shadow, places = _shadow(text)
        for start, stop in _addresses(shadow):
            if not self._has(shadow[start:stop]):
                yield places[start], places[stop - 1] + 1

    def _has(self, written: str) -> bool:
        if _VOCABULARY.match(written) or address(written) in self._links or written.lower() in self._words:
            return True
        bare = written.removesuffix("/")
        return _ascii(bare) in self._words or any(
            f"{scheme}://{written}" in self._links for scheme in ("https", "http")
        )


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    end = 0
    while found := _ADDRESS.search(text, end):
        start, stop = found.span()
        if found["host"]:
            stop = start + _length_of_host(found["host"])
        elif found["ip"]:
            stop = start + _length_of_ip(found["ip"])
        if stop == start:  # words with dots, a time
            end = found.end()
            continue
        if stop == found.end() and found.lastgroup and (further := _FURTHER.match(text, stop)):
            stop = further.end()
        if found.lastgroup and (mailbox := _MAILBOX.search(text, max(end, start - 65), start)):
            start = mailbox.start()
        stop = start + len(text[start:stop].rstrip(_ENDING))
        yield start, stop
        end = stop


def _length_of_host(dotted: str) -> int:
    """Of the longest beginning that is a host; a sentence may begin behind it, without a space."""
    labels = dotted.split(".")
    while len(labels) > 1 and not is_top_level(_ascii(labels[-1])):
        labels.pop()
    return len(".".join(labels)) if len(labels) > 1 else 0


def _length_of_ip(text: str) -> int:
    number = text.rstrip(_ENDING)
    try:
        ipaddress.ip_address(number)
    except ValueError:
        return 0
    return len(number)


def _ascii(name: str) -> str:
    """A host's name as it stands in addresses."""
    with suppress(UnicodeError):
        return name.lower().encode("idna").decode()
    return name.lower()


def _shadow(text: str) -> tuple[str, "list[int] | range"]:
    """``text`` as a browser reads names, and where each of its characters stands in ``text``."""
    if text.isascii():
        return text, range(len(text))
    read, places = [], []
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf":
            continue
        plain = unicodedata.normalize("NFKC", character)
        read.append(plain)
        places += [place] * len(plain)
    return _IDEOGRAPHIC_STOP.sub(".", "".join(read)), places


@cache
def rule_words() -> frozenset[str]:
    """Dotted words in the texts of our rules, such as schema.org."""
    return _words(f"{rule.summary}\n{rule.why}\n{rule.fix}" for rule in all_rules())


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))
