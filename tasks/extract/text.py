"""Text of a page: folding, words, identity, similarity."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import regex
import rensa

from tasks.extract import limits

_INVISIBLE = ("\u200b", "\u2060", "\ufeff", "\u00ad")
"""Zero width space, word joiner, BOM, soft hyphen. ZWJ and ZWNJ stay: they are spelling in Persian and Hindi."""

_ASCII = bytes(range(0x80))
_APOSTROPHE = "\u2019".encode()
_WORD_SEPARATORS = bytes(
    ord(" ") if chr(byte).isascii() and not chr(byte).isalnum() and chr(byte) != "_" else byte for byte in range(256)
).lower()
_SPACELESS_LEAD_BYTES = frozenset({0xE0, 0xE1, *range(0xE3, 0xEA), 0xEF, 0xF0})

_PUNCTUATION = (
    re.compile(rb"\xc2[\x80-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf]"),  # U+0080–00BF without ª µ º
    re.compile(
        rb"\xe2(?:[\x80\x86-\xaf\xb8\xb9][\x80-\xbf]|\x81[\x80-\xaf]|\x82[\xa0-\xbf]|\x83[\x90-\xbf])"
    ),  # U+2000–2BFF, 2E00–2E7F
    re.compile(rb"\xe3\x80[\x80-\x84\x88-\xa0\xb0\xbd]"),  # U+3000–303D
    re.compile(rb"\xef(?:\xbc[\x81-\x8f\x9a-\xa0\xbb-\xbf]|\xbd[\x80\x9b-\xa5])"),  # fullwidth forms
    re.compile(
        rb"\xee..|\xef(?:[\x80-\xa3].|\xb8[\x80-\x8f])|\xf0\x9f..|\xf3[\xa0\xb0-\xbf]..|\xf4...", re.DOTALL
    ),  # icons of fonts (private use), emoji (U+1F000–1FFFF), variation selectors and tags
)

_SPACELESS = regex.compile(
    r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc]&&\p{L}]", regex.VERSION1
)

_SHINGLE = 5
_PERMUTATIONS = 128
_SEED = 42
"""Stored signatures are compared across runs: neither may change."""


def fold(text: str, limit: int = limits.VALUE) -> str:
    """``text`` with white space folded and invisible characters removed, at most ``limit`` characters."""
    if not text.isascii():
        for char in _INVISIBLE:
            if char in text:
                text = text.replace(char, "")
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[:limit]


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a text.

    Attributes:
        count: words; in scripts written without spaces two characters make one.
        spaceless: characters in those scripts (Chinese, Japanese, Thai, Lao, Khmer, Burmese).
        tokens: words in lower case as UTF-8, each spaceless character by itself.
    """

    count: int
    spaceless: int
    tokens: Sequence[bytes]


def words(text: str) -> Words:
    """A word is what stands between white space and punctuation; an apostrophe belongs to it."""
    encoded = text.encode("utf-8", "replace")
    beyond = encoded.translate(None, _ASCII)  # little on most pages: what it lacks need not be looked for in the text
    spaceless = 0
    if beyond:
        if (letters := beyond.decode()) != letters.casefold():
            text = text.casefold()
            encoded = text.encode("utf-8", "replace")
        if not _SPACELESS_LEAD_BYTES.isdisjoint(beyond):
            text, spaceless = _SPACELESS.subn(r" \g<0> ", text)
            encoded = text.encode("utf-8", "replace")
        encoded = encoded.replace(_APOSTROPHE, b"")
        for punctuation in _PUNCTUATION:
            if punctuation.search(beyond):
                encoded = punctuation.sub(b" ", encoded)
    tokens = encoded.translate(_WORD_SEPARATORS, b"'").split()
    return Words(len(tokens) - spaceless + (spaceless + 1) // 2, spaceless, tokens)


def minhash(tokens: Sequence[bytes]) -> tuple[int, ...]:
    """Signature of the 5-word shingles of a text; empty where it has fewer words."""
    if len(tokens) < _SHINGLE:
        return ()
    signature = rensa.RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    signature.update([*map(b" ".join, zip(*(tokens[start:] for start in range(_SHINGLE)), strict=False))])
    return tuple(signature.digest())


def content_hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
