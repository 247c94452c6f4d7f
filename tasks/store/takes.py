"""How a column gets its values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from operator import attrgetter
from typing import Any

import polars as pl

from tasks.model import Page, ScannedPage

Take = Callable[[Any], Any]


class Key(Enum):
    """Values that all rows of one page share; filled in without asking each row."""

    RUN = auto()
    PAGE = auto()
    URL = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of facts; ``doc`` says what it means and its unit, ``take`` reads it from a row's item.

    Structs are read as tuples in the order of their fields.
    """

    name: str
    dtype: pl.DataType
    doc: str
    take: Take | Key


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table of facts."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        return {column.name: column.dtype for column in self.columns}


@dataclass(frozen=True, slots=True)
class PageTable(FactTable):
    """Facts of single pages; ``items`` are its rows on one page."""

    items: Callable[[ScannedPage], Sequence[Any]]


TEXT = pl.String()
FLAG = pl.Boolean()
COUNT = pl.Int64()
SMALL = pl.Int32()
REAL = pl.Float64()
BYTES = pl.Binary()
TIME = pl.Datetime("us")
TEXTS = pl.List(pl.String())


def structs(**fields: pl.DataType) -> pl.List:
    return pl.List(pl.Struct(fields))


def dtype_of(dtype: Any) -> pl.DataType:
    """Polars gives the type of a field as a class or an instance."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def on_page(read: Callable[[Page], Any] | str) -> Take:
    """Reads from the page's facts; null where there are none."""
    read = attrgetter(read) if isinstance(read, str) else read

    def take(scanned: ScannedPage) -> Any:
        return None if scanned.page is None else read(scanned.page)

    return take


def each(field: str, *names: str) -> Take:
    """Reads a tuple of records of the page as tuples of ``names``."""
    read = attrgetter(*names)
    return on_page(lambda page: list(map(read, getattr(page, field))))


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def first(texts: Iterable[str]) -> str | None:
    return next(iter(texts), None)
