"""The lists of pages, and the sites that have them."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tests.benchmarks.contenders import Work
from tests.docs_sites import DOCS, LARGE_DOCS, DocsSite, docs_sites

ListName = Literal["mixed", "java"]
LISTS = {"mixed": DOCS, "java": {"java": LARGE_DOCS["java"]}}
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 6))
COPIES = 5
"""Of rust-doc, which so has more than 100,000 pages: on as many hosts for a list, in as many folders for a crawl."""


@contextlib.contextmanager
def listed(folder: Path, name: ListName, pages: int | None = None) -> Iterator[Work]:
    """The first ``pages`` of a list, or all, while its sites are served."""
    with docs_sites(folder, LISTS[name], logged=False) as site:
        yield work(folder, site, spread(site.urls(), pages))


@contextlib.contextmanager
def many(folder: Path) -> Iterator[DocsSite]:
    """rust-doc several times."""
    names = ["rust", *(f"rust{number}" for number in range(2, COPIES + 1))]
    with docs_sites(folder, dict.fromkeys(names, LARGE_DOCS["rust"]), HOSTS, logged=False) as site:
        yield site


def on_hosts(site: DocsSite, pages: int) -> list[str]:
    """So many pages of rust-doc, in turn from each host.

    Raises:
        SystemExit: it has fewer.
    """
    first = f"//{site.hosts[0]}:"
    urls = [url.replace(first, f"//{host}:") for url in site.urls("rust") for host in site.hosts]
    if len(urls) < pages:
        raise SystemExit(f"rust-doc on {len(site.hosts)} hosts has {len(urls):,} pages, not {pages:,}")
    return urls[:pages]


def spread(urls: list[str], pages: int | None) -> list[str]:
    """So many of all, at equal distances."""
    if pages is None or pages >= len(urls):
        return urls
    return [urls[number * len(urls) // pages] for number in range(pages)]


def work(folder: Path, site: DocsSite, urls: list[str]) -> Work:
    """The list as a file."""
    path = folder / f"{len(urls)}.txt"
    path.write_text("\n".join(urls) + "\n")
    return Work(path, len(urls), site.start, tuple(f"{host}:{site.port}" for host in site.hosts))


def first_of(whole: Work, pages: int) -> Work:
    """Only its first pages."""
    path = whole.listed.with_name(f"first-{pages}.txt")
    path.write_text("".join(f"{url}\n" for url in whole.listed.read_text().split()[:pages]))
    return replace(whole, listed=path, pages=pages)
