"""Addresses in a srcset: https://html.spec.whatwg.org/#parsing-a-srcset-attribute."""

import re

from tasks.extract import limits

_LEADING = re.compile(r"[\s,]*")
_ADDRESS = re.compile(r"\S*")
_DESCRIPTORS = re.compile(r"(?:[^,(]|\([^)]*\)?)*+,?")


def addresses(srcset: str) -> list[str]:
    found: list[str] = []
    position = 0
    while len(found) < limits.SRCSET_CANDIDATES:
        position = _match_end(_LEADING, srcset, position)
        end = _match_end(_ADDRESS, srcset, position)
        address = srcset[position:end]
        if not address:
            break
        found.append(address.rstrip(","))
        position = end if address.endswith(",") else _match_end(_DESCRIPTORS, srcset, end)
    return found


def _match_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
