"""Thousands of pages nobody here wrote, counted by others: documentation from Debian packages."""

from collections import Counter
from pathlib import Path

import pytest

from tasks.extract.page import extract
from tasks.extract.suspicion import is_suspicious
from tasks.model import Page, Response

pytestmark = pytest.mark.world

DOC = Path("/usr/share/doc")


def read(folder: str) -> dict[str, Page]:
    root = DOC / folder
    return {str(file.relative_to(root)): page(file) for file in sorted(root.rglob("*.html"))}


def page(file: Path) -> Page:
    body = file.read_bytes()
    text = body.decode("utf-8", "replace")
    return extract(
        Response(url=f"https://docs.example/{file.name}", status=200, body=body, text=text, encoding="utf-8")
    )


def test_postgresql():
    pages = read("postgresql-doc-15/html")
    assert len(pages) == 1169
    assert sum(not page.h1() for page in pages.values()) == 1154
    assert sum(page.lang is None for page in pages.values()) == 1169


def test_django():
    pages = read("python-django-doc/html")
    assert Counter(len(page.h1()) for page in pages.values())[2] == 689
    assert len(pages) == 692


def test_python():
    pages = read("python3.11/html")
    assert len(pages) == 530
    assert all(page.canonicals and page.canonicals[0].in_head for page in pages.values())
    assert sum(not page.h1() for page in pages.values()) == 2


def test_few_real_pages_are_suspicious():
    files = [file for folder in ("postgresql-doc-15", "python3.11") for file in (DOC / folder / "html").rglob("*.html")]
    suspicious = sum(is_suspicious(file.read_bytes()) for file in files)
    assert suspicious < len(files) / 100
