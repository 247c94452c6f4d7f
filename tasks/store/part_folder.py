"""Where parts lie: files in the data folder."""

import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import polars as pl

from tasks.errors import StoreError

T = TypeVar("T")
R = TypeVar("R")

FACTS = "facts"
"""Folder of all parts."""


class PartFolder:
    """Parts by their paths relative to the data folder.

    Attributes:
        folder: the data folder, absolute.
        is_copy: the folder has only some of the parts, for a time.
    """

    is_copy = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def path(self, relative: str) -> Path:
        """The file of a part.

        Raises:
            StoreError: a path that leads out of the folder of all parts.
        """
        if not relative.startswith(f"{FACTS}/") or ".." in relative.split("/"):
            raise StoreError(f"{relative} is no part: parts lie in {self.folder / FACTS}")
        return self.folder / relative

    def add(self, relative: str, write: Callable[[BinaryIO], None]) -> int:
        """Adds what ``write`` writes, whole or not at all; returns its bytes.

        Raises:
            StoreError: naming the file that could not be written.
        """
        path = self.path(relative)
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp")
        try:
            _make_folder(path.parent)
            size = _write_synced(temporary, write)
            temporary.replace(path)
            _sync_folder(path.parent)
        except (OSError, pl.exceptions.PolarsError) as error:
            with suppress(OSError):
                temporary.unlink()
            raise StoreError(f"cannot write {path}: {error}: check the folder's rights and free space") from error
        return size

    def each(self, add: Callable[[T], R], of: Iterable[T]) -> list[R]:
        """What ``add`` returns for each, in order."""
        return list(map(add, of))

    def files(self, relative: Iterable[str]) -> list[Path]:
        """The parts as files that can be opened, in that order; one that is not there is found out by opening it.

        Raises:
            StoreError: they cannot be had.
        """
        return [self.path(one) for one in relative]

    def remove(self, relative: Iterable[str]) -> None:
        """Deletes parts; those that are gone already are as good."""
        for one in relative:
            self.path(one).unlink(missing_ok=True)

    def has(self, relative: str) -> bool:
        """True where the part, which the catalogue names, is there."""
        return self.path(relative).is_file()


def _write_synced(path: Path, write: Callable[[BinaryIO], None]) -> int:
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
        return file.seek(0, os.SEEK_END)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be synced there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
