"""A list of URLs as people keep them: one a line, a column of a table, or a sitemap."""

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from tasks.crawl.sitemap import parse_sitemap
from tasks.errors import BadUrl, InputError
from tasks.urls import MAX_URL_LENGTH, nameable, parse, printable

LONGEST_NAME = 2 * MAX_URL_LENGTH
"""Cut so, what is too long to be fetched stays so."""

MAX_BYTES = 256 * 1024 * 1024
SNIFFED_BYTES = 65536
HEADERS = ("url", "address", "loc", "link", "page", "urls", "uri", "page url", "final url")
"""Column names that hold addresses, in lower case, best first."""

_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_QUOTED = re.compile(r'"[^"]*"')
_NEWLINE = re.compile("\r\n|\n|\r")
GZIP = b"\x1f\x8b"
NO_DELIMITER = "\x1f"  # csv wants one
LAST_LINE = "\x1e"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no address; ``why`` is for people."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class UrlList:
    """What a list names, in its order.

    Attributes:
        urls: each address once; rejected entries stand as they can be named, as they become pages with a reason.
        rejected: entries of ``urls`` that cannot be fetched.
        duplicates: how many further lines repeated an address.
        faults: what is wrong with a sitemap file, in words.
    """

    urls: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    duplicates: int
    faults: tuple[str, ...] = ()


def read_list(source: str) -> UrlList:
    """The addresses in the file ``source``, or in standard input for ``-``: a list, a table or a sitemap.

    Raises:
        InputError: there is no such file, or not one address in it.
    """
    name = "standard input" if source == "-" else source
    data = _unzipped(_bytes(source), name)
    if data.startswith(GZIP):
        return _sitemap(data, name)
    text = _decoded(data, name)
    if text.lstrip().startswith("<"):
        return _sitemap(data, name)
    is_table = source.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    found = collect(entries(text, is_table=is_table))
    if not found.urls:
        raise InputError(f"no URLs in {printable(name)}: write one a line, or a CSV file with a column `url`")
    if len(found.rejected) == len(found.urls):
        first = found.rejected[0]
        raise InputError(f"no usable URL in {printable(name)}: line {first.line}: {first.why}")
    return found


def _sitemap(data: bytes, name: str) -> UrlList:
    """What a sitemap or feed names; an index names no pages, and its sitemaps may be anywhere."""
    shown, read = printable(name), parse_sitemap(data, "")
    if read.children:
        files = f"{len(read.children):,} sitemap{'' if len(read.children) == 1 else 's'}"
        raise InputError(
            f"{shown} is a sitemap index of {files} and names no page itself: "
            f"save one of those, such as {printable(read.children[0].loc)}, or crawl the site, which reads them all"
        )
    if not read.entries:
        why = f" ({read.errors[0]})" if read.errors else ""
        raise InputError(f"{shown} is no sitemap with addresses{why}: name one, or a list with one URL a line, or CSV")
    found = collect(enumerate((entry.loc for entry in read.entries), 1))
    return replace(found, faults=read.errors)


def collect(numbered: Iterable[tuple[int, str]]) -> UrlList:
    """``numbered`` entries parsed, each address once."""
    urls: dict[str, None] = {}
    rejected: list[Rejected] = []
    duplicates = 0
    for line, text in numbered:
        try:
            url = parse(text)
        except BadUrl as error:
            url = nameable(text, LONGEST_NAME)
            if url not in urls:
                rejected.append(Rejected(line, str(error)))
        if url in urls:
            duplicates += 1
        urls[url] = None
    return UrlList(tuple(urls), tuple(rejected), duplicates)


def entries(text: str, *, is_table: bool = False) -> Iterator[tuple[int, str]]:
    """(line number, entry) of each line that is neither empty nor a comment (``#``).

    A text is a table where ``is_table`` says so, its first line is a header with an address column, or that line
    cannot be one address or is quoted.

    Raises:
        InputError: a table that cannot be read.
    """
    lines = _NEWLINE.split(text)
    first = next((line for line in lines if _counts(line)), "")
    delimiter = _delimiter(first)
    header = [name.strip().lower() for name in _cells(first, delimiter)]
    named = next((header.index(name) for name in HEADERS if name in header), None)
    if named is None and not (_is_quoted(first) or (delimiter and (is_table or _is_no_address(first)))):
        yield from ((number, line.strip()) for number, line in enumerate(lines, 1) if _counts(line))
        return
    yield from _column(text, delimiter or NO_DELIMITER, named)


def _column(text: str, delimiter: str, named: int | None) -> Iterator[tuple[int, str]]:
    reader = csv.reader(chain(io.StringIO(text, newline=""), [LAST_LINE]), delimiter=delimiter)
    column, header_read, begin, end = named, False, 0, 0
    try:
        for row in reader:
            if row == [LAST_LINE]:
                return
            begin, end = end, reader.line_num
            if not _counts("".join(row)):
                continue
            if column is None:
                column = _address_column(row)
            is_header = not header_read and (named is not None or column is None)
            header_read = True
            if not is_header:
                yield reader.line_num, _cell(row, column)
    except csv.Error as error:
        raise InputError(f"line {reader.line_num} is no CSV ({error}): write one URL a line instead") from None
    raise InputError(f"line {begin + 1} has a quote that is never closed: close it, or write one URL a line instead")


def _cell(row: list[str], column: int | None) -> str:
    """The address cell; where no row has shown which that is, the whole row."""
    if column is None:
        return " ".join(row).strip()
    return row[column].strip() if column < len(row) else ""


def _address_column(row: list[str]) -> int | None:
    """The first cell with a scheme, else the first that looks like a host name with a dot."""
    cells = [cell.strip() for cell in row]
    with_scheme = (n for n, cell in enumerate(cells) if "://" in cell and _parses(cell))
    bare = (n for n, cell in enumerate(cells) if re.match(r"[^\s/.]+\.[^\s\d]", cell) and _parses(cell))
    return next(with_scheme, next(bare, None))


def _parses(text: str) -> bool:
    try:
        parse(text)
    except BadUrl:
        return False
    return True


def _counts(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def _delimiter(line: str) -> str:
    """The first of the usual ones outside quotes; empty where there is none."""
    bare = _QUOTED.sub("", line)
    return next((character for character in bare if character in _DELIMITERS), "")


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"') for cell in (line.split(delimiter) if delimiter else [line])]


def _is_quoted(line: str) -> bool:
    """As spreadsheets quote values; a quote without its other half is none of theirs."""
    return line.lstrip().startswith('"') and '"' not in _QUOTED.sub("", line)


def _is_no_address(line: str) -> bool:
    return bool(re.search(r'[\s"]', line.strip()))


def _bytes(source: str) -> bytes:
    if source == "-":
        return _bounded(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    path = Path(source)
    try:
        with path.open("rb") as file:
            return _bounded(file.read(MAX_BYTES + 1), source)
    except FileNotFoundError:
        hint = f" (to scan that page: seo scan {printable(source)})" if "://" in source else ""
        raise InputError(f"no such file: {printable(source)}{hint}") from None
    except IsADirectoryError:
        raise InputError(f"{printable(source)} is a folder: name a file with one URL a line") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot read {printable(source)}: {reason}") from None


def _unzipped(data: bytes, name: str) -> bytes:
    """What a gzip file holds; a broken one stays, for what can be read of a sitemap."""
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return _bounded(file.read(MAX_BYTES + 1), name)
    except (EOFError, OSError, zlib.error):
        return data


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise InputError(f"{printable(name)} is larger than {MAX_BYTES // 2**20} MiB: split it")
    return data


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if _BINARY.search(data, 0, SNIFFED_BYTES):
        raise InputError(f"{printable(name)} is no text file: name a file with one URL a line, or CSV")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
