"""Length of texts as people see it."""

import unicodedata

import regex

_GRAPHEME = regex.compile(r"\X")
_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Yi}\u3000-\u303F\uFF01-\uFF60]")


def folded(text: str) -> str:
    """``text`` with white space collapsed, as browsers and search results show it."""
    return " ".join(text.split())


def units(text: str) -> int:
    """Grapheme clusters, those of Chinese, Japanese and Korean counted twice."""
    if text.isascii():
        return len(text)
    # Composed, so that a Hangul syllable spelt in jamo is one character.
    composed = unicodedata.normalize("NFC", text)
    return len(_GRAPHEME.findall(composed)) + len(_WIDE.findall(composed))
