"""Does a title or heading consist of a not-found phrase, in the page's language or in English."""

import re

from tasks.audit.length import folded
from tasks.audit.phrases import NOT_FOUND

MAX_TEXT = 300

_SEPARATORS = re.compile(r"\s+[-–—|·•»«:/]+\s+|[|·•»«]|:\s|[.!?…。！？]+(?:\s|$)|[()（）]")
_WORD = re.compile(r"\w+")
_CODES = frozenset({"404", "410"})
_ERRORS = frozenset(
    {"error", "http", "erreur", "fehler", "errore", "erro", "fout", "błąd", "ошибка", "помилка", "chyba", "fel", "fejl"}
    | {
        "feil",
        "virhe",
        "hata",
        "エラー",
        "错误",
        "錯誤",
        "오류",
        "خطأ",
        "שגיאה",
        "σφάλμα",
        "hiba",
        "eroare",
        "lỗi",
        "kesalahan",
    }
)
_NOISE = frozenset({"oops", "ooops", "whoops", "sorry", "hoppla", "ups", "oups", "ops", "uups", "oh", "no", "uh"})


def _normal(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


_PHRASES = {language: frozenset(map(_normal, phrases)) for language, phrases in NOT_FOUND.items()}
_ALL = frozenset().union(*_PHRASES.values())
_BY_LANGUAGE = {language: phrases | _PHRASES["en"] for language, phrases in _PHRASES.items()}


def looks_missing(text: str, language: str | None) -> bool:
    """True where ``text``, or a part of it between separators, is a not-found phrase and nothing else.

    Args:
        text: a title or heading.
        language: as declared by the page; every known one is tried where it is absent or unknown.
    """
    primary = (language or "").strip().lower().partition("-")[0]
    phrases = _BY_LANGUAGE.get(primary, _ALL)
    cut = folded(text[:MAX_TEXT])
    return any(_is_phrase(_normal(part), phrases) for part in (cut, *_SEPARATORS.split(cut)))


def _is_phrase(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    coded = not _CODES.isdisjoint(words)
    if coded and len(words) > 1 and _ERRORS.issuperset(word for word in words if word not in _CODES):
        return True
    bare = tuple(word for word in words if word not in _CODES and word not in _ERRORS)
    return words in phrases or bare in phrases or _quiet(bare) in phrases


def _quiet(words: tuple[str, ...]) -> tuple[str, ...]:
    """``words`` without the exclamations in front."""
    start = next((n for n, word in enumerate(words) if word not in _NOISE), len(words))
    return words[start:]
