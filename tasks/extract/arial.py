"""Widths in Arial, as search results are set in it.

Advance widths in 1/2048 em from Liberation Sans, which is metrically equal to Arial. Letters that are wide as their
base letter (é, ё, ế) are found by decomposition.
"""

import unicodedata
from functools import lru_cache

_EM = 2048
_DEFAULT = 1139
"""Of most lower-case letters and all digits."""

_BY_WIDTH = {
    342: "∕",
    384: "′",
    391: "'",
    455: "ijlłſιіј‘’‚‛",
    532: "|¦",
    561: "∫",
    569: " !,./:;I[\\]ft·ìíîïĩīĭıŧ·ΙІї∙",
    597: "ľ",
    682: "()-`r¡¨²³´¸¹΄‐‑“”„‹›",
    684: "{}ŀ",
    717: "•",
    725: "″",
    726: "▪▫◦",
    727: '"',
    747: "г",
    748: "º",
    758: "ª",
    768: "ť",
    786: "Ί",
    797: "*",
    809: "τ",
    819: "°",
    842: "ґ",
    896: "к",
    903: "ζ",
    909: "ĳ",
    913: "ε",
    917: "ξ",
    938: "т",
    939: "з",
    961: "^",
    987: "ς",
    1001: "Ґ",
    1012: "∂◊",
    1024: "JcksvxyzĸγκλνЈсухѕ↑↓↕",
    1045: "эє",
    1067: "чь",
    1075: "χ",
    1088: "в",
    1100: "¶",
    1109: "Гпя",
    1120: "υ",
    1124: "±÷√≈≠≤≥",
    1128: "Γ",
    1131: "¯нџ‗",
    1139: "#$0123456789?L_abdeghnopqu¢£¤¥§«»ðþđħĿŁŋηθοаеорђћ–†‡₣₤€",
    1140: "δ",
    1144: "и",
    1165: "ρ",
    1173: "бц",
    1178: "β",
    1180: "µμ",
    1184: "α",
    1193: "К",
    1195: "дл≡",
    1196: "+<=>~¬×−",
    1237: "ŉЗ■□○●◘◙",
    1251: "FTZ¿ßøŦΖΤТ",
    1253: "∆",
    1259: "ď",
    1264: "σ",
    1266: "Σ",
    1280: "ъ",
    1301: "У",
    1328: "φ",
    1331: "Ξ",
    1344: "БЛЬ",
    1365: "Ч",
    1366: "&ABEKPSVXYÞΑΒΕΚΡΥΧЅАВЕРХ",
    1367: "ΆЁ",
    1368: "ΔΛ",
    1370: "ж",
    1387: "Д",
    1408: "м",
    1413: "π",
    1460: "ψ∑∞",
    1472: "ЄЏИПЭы∩",
    1479: "CDHNRUwÐĐĦΗΝΠЍНСЯ",
    1481: "Ŋ",
    1505: "Ĳ",
    1509: "©®",
    1515: "Ц",
    1531: "Ω",
    1536: "ю",
    1541: "Ώ",
    1557: "Ф",
    1586: "Ό",
    1593: "GOQØΘΟО",
    1599: "ω",
    1606: "Έ",
    1621: "Ъ",
    1634: "Φ",
    1643: "ш",
    1664: "њ",
    1685: "фщ",
    1686: "∏",
    1706: "MmΜМ",
    1708: "¼½¾",
    1711: "Ψ",
    1716: "Ή",
    1749: "Ћ",
    1752: "Ύ",
    1771: "Ђ",
    1813: "Ы",
    1821: "%æ",
    1856: "љ",
    1877: "Ш",
    1891: "Ж",
    1920: "Щ",
    1933: "Wœ",
    2005: "∟",
    2027: "▲►▼◄",
    2048: "ÆŒ—―…‰™←→↔▬",
    2069: "ЊЮ",
    2079: "@",
    2165: "Љ",
    2197: "№",
    2240: "₧",
}
_WIDTHS = {char: width for width, chars in _BY_WIDTH.items() for char in chars}
_NO_WIDTH = frozenset({"Mn", "Me", "Cc", "Cf", "Zl", "Zp", "Sk"})
"""Marks, controls and modifiers (Sk: skin tones); those that stand alone are in the table."""


def pixels(text: str, size: float) -> int:
    """Width of ``text`` in Arial of ``size`` pixels, rounded."""
    return round(sum(map(_width, text)) * size / _EM)


@lru_cache(maxsize=4096)
def _width(char: str) -> int:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    category = unicodedata.category(char)
    if category in _NO_WIDTH:
        return 0
    if category == "Zs":
        return _WIDTHS[" "] if char != "\u3000" else _EM
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return _EM
    return _WIDTHS.get(unicodedata.normalize("NFD", char)[0], _DEFAULT)
