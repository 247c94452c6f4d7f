"""Where a store is: a data folder, or for several machines a database and a bucket with the folder as their cache."""

import os
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import StoreError
from tasks.store.catalogue import Catalogue
from tasks.store.catalogue_file import FILE_NAME, CatalogueFile
from tasks.store.catalogue_server import CatalogueServer
from tasks.store.part_bucket import PartBucket
from tasks.store.part_folder import PartFolder

CATALOGUE_URL = "SEO_CATALOGUE_URL"
FACTS_URL = "SEO_FACTS_URL"


@dataclass(frozen=True, slots=True)
class Location:
    """The parts of a store.

    Attributes:
        folder: the data folder, absolute.
        catalogue_url: the database of the catalogue; None for a file in the folder.
        facts_url: the bucket of the facts; None for the folder itself.
    """

    folder: Path
    catalogue_url: str | None = field(default=None, repr=False)
    facts_url: str | None = None

    def catalogue(self) -> Catalogue:
        """The catalogue, not looked at yet.

        Raises:
            StoreError: the URL is none of a catalogue, or what it needs is not installed.
        """
        if self.catalogue_url is None:
            return CatalogueFile(self.folder / FILE_NAME)
        return CatalogueServer(self.catalogue_url)

    def exists(self) -> bool:
        """False where nothing was ever stored.

        Raises:
            StoreError: the database cannot be reached.
        """
        with closing(self.catalogue()) as catalogue:
            return catalogue.exists

    def parts(self) -> PartFolder:
        """Where the facts lie.

        Raises:
            StoreError: the URL is none of a bucket, or what it needs is not installed.
        """
        return PartFolder(self.folder) if self.facts_url is None else PartBucket(self.folder, self.facts_url)


def data_folder(data: Path | str | None = None) -> Path:
    """``data``, else ``SEO_DATA``, else ``./data``; absolute."""
    return Path(data or os.environ.get("SEO_DATA") or "data").expanduser().absolute()


def moved_mark(folder: Path) -> Path:
    """The file that says where the folder's store went."""
    return folder / "moved-to"


def locate(data: Path | str | None = None, *, moved: bool = False) -> Location:
    """The store of ``data``, and of ``SEO_CATALOGUE_URL`` and ``SEO_FACTS_URL`` where they are set.

    Raises:
        StoreError: facts in a bucket, and a catalogue that only this machine has; or a folder whose store went
            elsewhere, unless ``moved`` ones are looked for.
    """
    catalogue, facts = (os.environ.get(name) or None for name in (CATALOGUE_URL, FACTS_URL))
    if facts and not catalogue:
        raise StoreError(f"{FACTS_URL} is set without {CATALOGUE_URL}: who shares facts shares the catalogue too")
    folder = data_folder(data)
    if catalogue is None and not moved and (mark := moved_mark(folder)).exists():
        raise StoreError(
            f"the store of {folder} went to {' and '.join(mark.read_text(encoding='utf-8').split())}: set "
            f"{CATALOGUE_URL} and {FACTS_URL}, or delete {mark} to use the folder as it was then"
        )
    return Location(folder, catalogue, facts)
