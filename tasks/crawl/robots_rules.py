"""Which rule of a robots.txt group decides about a path (RFC 9309, section 2.2.2)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_VERBATIM = "A-Za-z0-9/._~?&=+;,:@!()[\\]-"
"""What a normal path spells as itself. ``*`` and ``$`` are missing: in a path they are no wildcards."""

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_IS_NORMAL = re.compile(f"[{_VERBATIM}]*").fullmatch
_OTHER = re.compile(f"%([0-9A-Fa-f]{{2}})|[^{_VERBATIM}]")
_PATH = re.compile(r"(?:[^:/?#]+:)?(?://[^/?#]*)?([^?#]*(?:\?[^#]*)?)").match
_NO_RULE = 1
_KEY_LENGTH = 3
_FEW_KEYS = 100  # up to here looking for each is quicker than taking the path to pieces


@dataclass(frozen=True, slots=True)
class Rule:
    """An Allow or Disallow line; ``pattern`` as written, one character a byte."""

    allow: bool
    pattern: str


def path_of(url: str) -> str:
    """Path and query of ``url`` (or of a path) in the one spelling that rules are compared in."""
    found = _PATH(url)
    path = found[1] if found else ""
    if not path.startswith("/"):
        path = f"/{path}"
    if _IS_NORMAL(path):
        return path
    if not path.isascii():
        path = path.encode("utf-8", "surrogatepass").decode("latin-1")
    return _normal(path)


def _normal(text: str) -> str:
    """``text`` with unreserved characters spelled as themselves and others percent-encoded in upper case.

    The apostrophe is encoded too, as the URL standard does in queries.
    """
    return _OTHER.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    if found[1] is None:
        return f"%{ord(found[0]):02X}"
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


@dataclass(frozen=True, slots=True)
class _Wildcard:
    """A pattern with ``*``: literal ``parts`` in this order, the last at the end where it is ``anchored``."""

    rank: int
    parts: tuple[str, ...]
    anchored: bool

    @property
    def key(self) -> str:
        """A piece that every matching path has; empty where all parts are short."""
        longest = max(self.parts, key=len)
        return longest[-_KEY_LENGTH:] if len(longest) >= _KEY_LENGTH else ""

    def matches(self, path: str) -> bool:
        """Leftmost matches suffice: what remains for the later parts is then longest."""
        parts = self.parts
        if not path.startswith(parts[0]):
            return False
        at = len(parts[0])
        for part in parts[1:-1]:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        last = parts[-1]
        return path.endswith(last, at) if self.anchored else path.find(last, at) >= 0


class RuleSet:
    """The rules for one agent, ready to be asked.

    A rule's rank is twice the length of its pattern, one more for Allow: the longest wins, and Allow wins a tie.
    Rules without wildcard are looked up, others tried only on paths that have three characters in a row in common.
    """

    __slots__ = ("_exact", "_indexed", "_lengths", "_prefixes", "_unindexed", "blocks_all")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._prefixes: dict[str, int] = {}
        self._exact: dict[str, int] = {}
        wildcards: dict[_Wildcard, None] = {}
        widest_block, best_allow = 0, 0
        for allow, pattern in _patterns(rules):
            rank, parts, anchored = _compiled(allow=allow, pattern=pattern)
            if allow and pattern[0] in "/*":
                best_allow = max(best_allow, rank)
            elif not allow and _covers_all(parts, anchored=anchored):
                widest_block = max(widest_block, rank)
            if len(parts) > 1:
                wildcards[_Wildcard(rank, parts, anchored)] = None
            else:
                known = self._exact if anchored else self._prefixes
                known[parts[0]] = max(rank, known.get(parts[0], 0))
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)
        self._indexed: dict[str, list[_Wildcard]] = {}
        for wildcard in sorted(wildcards, key=lambda wildcard: wildcard.rank, reverse=True):
            self._indexed.setdefault(wildcard.key, []).append(wildcard)
        self._unindexed = self._indexed.pop("", [])
        self.blocks_all = widest_block > best_allow

    def allows(self, path: str) -> bool:
        """Whether ``path`` (as of ``path_of``) may be fetched."""
        best = max(self._literal(path), self._exact.get(path, _NO_RULE))
        best = _best(self._unindexed, path, best)
        for key in self._keys_in(path):
            best = _best(self._indexed[key], path, best)
        return bool(best & 1)

    def _keys_in(self, path: str) -> Iterable[str]:
        if len(self._indexed) < _FEW_KEYS:
            return [key for key in self._indexed if key in path]
        return {path[at : at + _KEY_LENGTH] for at in range(len(path) - _KEY_LENGTH + 1)} & self._indexed.keys()

    def _literal(self, path: str) -> int:
        for length in self._lengths:
            rank = self._prefixes.get(path[:length])
            if rank is not None:
                return rank
        return _NO_RULE


def _best(wildcards: list[_Wildcard], path: str, best: int) -> int:
    for wildcard in wildcards:
        if wildcard.rank <= best:
            return best
        if wildcard.matches(path):
            return wildcard.rank
    return best


def _patterns(rules: Iterable[Rule]) -> Iterable[tuple[bool, str]]:
    """Allow and pattern of each distinct rule that has one; allowing an index page allows its folder, as for Google."""
    for rule in dict.fromkeys(rules):
        if not rule.pattern:
            continue
        yield rule.allow, rule.pattern
        folder, slash, page = rule.pattern.rpartition("/")
        if rule.allow and slash and page.startswith("index.htm"):
            yield True, f"{folder}/$"


def _compiled(*, allow: bool, pattern: str) -> tuple[int, tuple[str, ...], bool]:
    """Rank, literal parts between the wildcards, and whether the last one ends the path."""
    anchored = pattern.endswith("$")
    literals = [_normal(part) for part in pattern.removesuffix("$").split("*")]
    length = sum(map(len, literals)) + len(literals) - 1 + anchored
    parts = (literals[0], *filter(None, literals[1:-1]), *literals[1:][-1:])
    return 2 * length + allow, parts, anchored


def _covers_all(parts: tuple[str, ...], *, anchored: bool) -> bool:
    """True for ``/``, ``*``, ``/*$`` and the like, which match every path."""
    open_ended = not anchored or (len(parts) > 1 and not parts[-1])
    return open_ended and "".join(parts) in {"", "/"}
