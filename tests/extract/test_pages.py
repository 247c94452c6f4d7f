"""Every folder of tests/pages is a page as served and the facts that must be read from it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tasks.extract import tags
from tasks.extract.page import extract
from tasks.extract.walk import _ENTER
from tasks.model import Hop, Page, Response

PAGES = Path(__file__).parents[1] / "pages"


def response(folder: Path) -> Response:
    file = folder / "headers.json"
    served = json.loads(file.read_text()) if file.exists() else {}
    body = (folder / "page.html").read_bytes()
    encoding = served.get("encoding", "utf-8")
    return Response(
        url=served.get("url", "https://shop.example/tea/"),
        status=served.get("status", 200),
        headers=tuple((name, value) for name, value in served.get("headers", [])),
        body=body,
        text=body.decode(encoding, "replace").removeprefix("\ufeff"),
        encoding=encoding.removesuffix("-sig"),
        hops=tuple(Hop(**hop) for hop in served.get("hops", [])),
    )


def facts(page: Page) -> dict[str, Any]:
    lengths = {"title_length": len(page.title or ""), "minhash_length": len(page.minhash)}
    return json.loads(json.dumps(asdict(page))) | lengths


def reduced(actual: Any, expected: Any) -> Any:
    """``actual`` without what ``expected`` does not speak of."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return {name: reduced(actual[name], value) for name, value in expected.items()}
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [reduced(*pair) for pair in zip(actual, expected, strict=True)]
    return actual


@pytest.mark.parametrize("folder", sorted(PAGES.iterdir()), ids=lambda folder: folder.name)
def test_facts(folder):
    expected = json.loads((folder / "expected.json").read_text())
    assert reduced(facts(extract(response(folder))), expected) == expected


def test_elements_are_told_by_numbers_that_hold_for_every_document():
    """The number of an unknown element is an address that another one has in the next document."""
    assert max(_ENTER) < 1_000 < min(tags.ids("tea-card text"))
