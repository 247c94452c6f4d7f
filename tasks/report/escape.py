"""Untrusted text made harmless where it leaves: terminal, Markdown, spreadsheet."""

import json
import re

# Controls, line and paragraph separators, invisible reordering of text, lone surrogates. Joiners and no-break
# spaces stay: real titles have them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS_NO_LINE = re.compile(f"(?![\t\n\r]){_UNSAFE.pattern}")
_SPACE = re.compile(r"[\t\n\r\f\v ]+")

# Entities, not backslashes: no Markdown dialect gives them a meaning of their own.
_MARKDOWN = str.maketrans({character: f"&#{ord(character)};" for character in "&<>|`[]()*_~#!\\{}\"'^$"})

# https://owasp.org/www-community/attacks/CSV_Injection, with the full-width forms some spreadsheets fold.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def terminal(text: str, limit: int = 0) -> str:
    """``text`` as one line without control characters; cut at ``limit`` characters where that is given."""
    line = _UNSAFE.sub(_escaped, _SPACE.sub(" ", text))
    return f"{line[: limit - 1]}…" if limit and len(line) > limit else line


def markdown(text: str, limit: int = 200) -> str:
    """``text`` as literal inline Markdown, safe inside a table cell; cut at ``limit`` characters."""
    return terminal(text, limit).translate(_MARKDOWN)


def cell(text: str) -> str:
    """``text`` as a CSV cell that no spreadsheet takes for a formula; plain numbers stay numbers."""
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def harmless(text: str) -> str:
    """``text`` with its lines and tabs, and no other control characters."""
    return _BREAKS_NO_LINE.sub(_escaped, text)


def json_text(written: str) -> str:
    """JSON with the same values, in which control characters are escaped."""
    return _UNSAFE.sub(_in_json, written)


def _in_json(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
