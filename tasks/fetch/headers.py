"""A response's header fields, made harmless."""

from collections.abc import Iterable

MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024

_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))


class Headers:
    """Fields in order, names in lower case, values without control characters."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._fields = [(_text(name).lower(), _text(value)) for name, value in raw]

    def first(self, name: str) -> str | None:
        return next((value for key, value in self._fields if key == name), None)

    def joined(self, name: str) -> str | None:
        """All values of a list field as one."""
        return ", ".join(value for key, value in self._fields if key == name) or None

    @property
    def mime(self) -> str:
        return (self.first("content-type") or "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int:
        """Announced length of the body, bytes; 0 where none is."""
        value = self.first("content-length") or ""
        return int(value) if value.isdecimal() and len(value) < 20 else 0  # noqa: PLR2004 - longer than any real one

    def kept(self) -> tuple[tuple[str, str], ...]:
        """The first 100 fields within 64 KiB."""
        size = 0
        for count, (name, value) in enumerate(self._fields[:MAX_HEADERS]):
            size += len(name) + len(value)
            if size > MAX_HEADER_BYTES:
                return tuple(self._fields[:count])
        return tuple(self._fields[:MAX_HEADERS])


def _text(value: bytes) -> str:
    """UTF-8 where valid, as browsers read a Location, else one character a byte."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text if text.isprintable() else text.translate(_CONTROLS)
