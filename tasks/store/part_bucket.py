"""Where parts lie: objects of an S3 bucket, which the data folder keeps copies of."""

import math
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from tasks.errors import StoreError
from tasks.store.part_folder import FACTS, PartFolder, R, T

AT_ONCE = 16
RETRIES: Any = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}
REQUEST_SECONDS = 60
GIB = 2**30
CACHE_GIB = 20.0
KEPT_SECONDS = 3600.0
"""A copy that was asked for within so long is kept: a view may be open on it."""

TIDIED_SECONDS = 600.0
TIDIED_MARK = ".tidied"
"""File whose age says when copies were last looked through: most processes do not live for long."""

_CODE = re.compile(r"<Code>(\w{1,50})</Code>")


class PartBucket(PartFolder):
    """Parts of all machines. Those written or read here stay in the folder, up to ``SEO_CACHE_GB``.

    A part never changes: a copy of it is the part.

    Args:
        folder: the data folder, absolute.
        url: ``s3://bucket/prefix``; keys, region and endpoint are those of the AWS variables.

    Raises:
        StoreError: no such URL, or obstore is not installed.
    """

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url.rstrip("/")
        self._bucket = _opened(self.url)
        self._limit = _limit()

    is_copy = True

    def __str__(self) -> str:
        return self.url

    def add(self, relative: str, write: Callable[[BinaryIO], None]) -> int:
        size = super().add(relative, write)
        try:
            self._put(relative)
        except StoreError:
            with suppress(OSError):
                self.path(relative).unlink()
            raise
        self._tidy()
        return size

    def each(self, add: Callable[[T], R], of: Iterable[T]) -> list[R]:
        """The same, all at once: a bucket is far away, not busy."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(add, of))

    def put(self, relative: Iterable[str]) -> None:
        """Puts files of the folder into the bucket.

        Raises:
            StoreError: naming the one that could not be written.
        """
        self.each(self._put, relative)

    def sizes(self, before: float = math.inf) -> dict[str, int]:
        """Bytes of every part in the bucket, or of those put before then, seconds since the epoch.

        Raises:
            StoreError: it cannot be listed.
        """
        import obstore  # noqa: PLC0415 - an extra

        try:
            found = [one for some in obstore.list(self._bucket, FACTS) for one in some]
        except (OSError, obstore.exceptions.BaseError) as error:
            raise self._failed("list", FACTS, error) from error
        return {one["path"]: one["size"] for one in found if one["last_modified"].timestamp() < before}

    def files(self, relative: Iterable[str]) -> list[Path]:
        wanted = list(relative)
        missing = [one for one in dict.fromkeys(wanted) if not self._touch(one)]
        if missing:
            self.each(self._fetch, missing)
            self._tidy()
        return super().files(wanted)

    def remove(self, relative: Iterable[str]) -> None:
        import obstore  # noqa: PLC0415 - an extra

        gone = list(relative)
        if not gone:
            return
        try:
            obstore.delete(self._bucket, gone)
        except FileNotFoundError:  # as good
            pass
        except (OSError, obstore.exceptions.BaseError) as error:
            raise self._failed("delete", gone[0], error) from error
        super().remove(gone)

    def forget(self, relative: str) -> None:
        """Deletes the copy: it is fetched when it is asked for."""
        super().remove([relative])

    def has(self, relative: str) -> bool:  # noqa: ARG002 - what the catalogue names was put before
        return True

    def _put(self, relative: str) -> None:
        import obstore  # noqa: PLC0415 - an extra

        try:
            obstore.put(self._bucket, relative, self.path(relative))
        except (OSError, obstore.exceptions.BaseError) as error:
            raise self._failed("write", relative, error) from error

    def _touch(self, relative: str) -> bool:
        """Notes that the copy was asked for; False where there is none, or the empty file that a power cut leaves."""
        path = self.path(relative)
        try:
            os.utime(path)
            return path.stat().st_size > 0
        except FileNotFoundError:
            return False

    def _fetch(self, relative: str) -> None:
        import obstore  # noqa: PLC0415 - an extra

        path = self.path(relative)
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                for piece in obstore.get(self._bucket, relative):
                    file.write(piece)
            temporary.replace(path)
        except (OSError, obstore.exceptions.BaseError) as error:
            with suppress(OSError):
                temporary.unlink()
            raise self._failed("read", relative, error) from error

    def _failed(self, verb: str, relative: str, error: Exception) -> StoreError:
        cause, code = str(error).partition("\n")[0].partition(": <?xml")[0], _CODE.search(str(error))
        cause = f"{cause} {code[1]}" if code else cause
        return StoreError(
            f"cannot {verb} {self.url}/{relative}: {cause}: check SEO_FACTS_URL and the AWS variables, "
            f"and the rights and free space of {self.folder}"
        )

    def _tidy(self) -> None:
        """Deletes copies, those first that nobody asked for longest, where they are more than the limit."""
        now, mark = time.time(), self.folder / TIDIED_MARK
        tidied = _stat(mark)
        if tidied and abs(now - tidied.st_mtime) < TIDIED_SECONDS:
            return
        delete_oldest(self.folder / FACTS, self._limit, now - KEPT_SECONDS)
        with suppress(OSError):  # a full disk, which others then find as full
            mark.touch()


def delete_oldest(folder: Path, limit: float, before: float) -> None:
    """Deletes files unused since ``before``, seconds since the epoch, until ``limit`` bytes are left or none such."""
    found = [(stat.st_mtime, stat.st_size, path) for path in folder.rglob("*.parquet") if (stat := _stat(path))]
    size = sum(size for _, size, _ in found)
    for used, freed, path in sorted(found):
        if size <= limit or used >= before:
            return
        with suppress(OSError):
            path.unlink()
        size -= freed


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _limit() -> float:
    given = os.environ.get("SEO_CACHE_GB") or CACHE_GIB
    try:
        return float(given) * GIB
    except ValueError:
        raise StoreError(f"environment variable SEO_CACHE_GB={given!r} is no number") from None


def _opened(url: str) -> Any:
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra
        from obstore.store import S3Store  # noqa: PLC0415 - the same
    except ModuleNotFoundError as error:
        raise StoreError("facts on S3 need obstore: install seo-scan[s3]") from error
    # A server of one's own may speak plain HTTP, where its endpoint says so.
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    try:
        return S3Store.from_url(
            url,
            client_options={"allow_http": plain, "timeout": timedelta(seconds=REQUEST_SECONDS)},
            retry_config=RETRIES,
        )
    except (ValueError, BaseError) as error:
        raise StoreError(f"{url} cannot be used for facts: write s3://bucket/prefix") from error
