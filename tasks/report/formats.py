"""Rows for other programs: JSON, JSON lines and CSV, written as they come."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, TextIO

from tasks.report.escape import cell, harmless, json_text

Machine = Literal["json", "jsonl", "csv"]

PAGE_COLUMNS = {
    "run_id": "run that lists the page",
    "url": "address asked for",
    "final_url": "address that answered, after redirects",
    "status": "HTTP status of the final answer; empty where there was none",
    "outcome": "page state: completed, failed, skipped or quarantined",
    "reason": "why it failed or was skipped",
    "redirects": "number of redirects followed",
    "title": "first title",
    "meta_description": "first meta description",
    "canonical": "first canonical, resolved",
    "h1": "first h1 that has text",
    "lang": "language of the html element",
    "word_count": "words of the main text",
    "html_length": "decoded body, bytes",
    "links": "number of links",
    "images": "number of images",
    "errors": "number of issues of severity error",
    "warnings": "number of issues of severity warning",
    "notices": "number of issues of severity notice",
    "rules": "rules that failed, separated by spaces",
}
"""Columns of a page object in CSV, each with its meaning."""


def write(rows: Iterable[Mapping[str, Any]], form: Machine, out: TextIO, columns: Sequence[str] = ()) -> None:
    """Writes ``rows`` to ``out`` one by one.

    Args:
        rows: plain values; in CSV, nested ones become JSON text.
        form: ``jsonl`` is one object a line, ``json`` one array, ``csv`` a header and one line a row.
        out: text stream; only ASCII is written unless it takes UTF-8. To a terminal no control characters are.
        columns: header of the CSV; needed there.
    """
    ascii_only = (getattr(out, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
    if form == "csv":
        _write_csv(rows, out, columns)
    elif form == "jsonl":
        out.writelines(_json(row, ascii_only=ascii_only) + "\n" for row in rows)
    else:
        lead = "[\n"
        for row in rows:
            out.write(lead + _json(row, ascii_only=ascii_only))
            lead = ",\n"
        out.write("[]\n" if lead == "[\n" else "\n]\n")


def page_row(page: Mapping[str, Any]) -> dict[str, Any]:
    """A page object as one flat row of ``PAGE_COLUMNS``."""
    facts = page["facts"]
    severities = [issue["severity"] for issue in page["issues"]]
    flat = {
        "canonical": next(iter(facts["canonicals"]), None),
        "redirects": len(page["redirects"]),
        "links": len(facts["links"]),
        "images": len(facts["images"]),
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "notices": severities.count("notice"),
        "rules": " ".join(dict.fromkeys(issue["rule"] for issue in page["issues"])),
    }
    return {name: flat[name] if name in flat else page.get(name, facts.get(name)) for name in PAGE_COLUMNS}


def _write_csv(rows: Iterable[Mapping[str, Any]], out: TextIO, columns: Sequence[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    shown = harmless if out.isatty() else str
    writer.writerow([cell(shown(name)) for name in columns])
    for row in rows:
        writer.writerow([_cell(row.get(name), shown) for name in columns])


def _cell(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return cell(shown(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return value
    text = _json(value, ascii_only=False)
    return cell(shown(json.loads(text)) if text.startswith('"') else text)


def _json(value: Any, *, ascii_only: bool) -> str:
    form: Any = {"ensure_ascii": ascii_only, "default": _plain, "separators": (",", ":")}
    try:
        written = json.dumps(value, allow_nan=False, **form)
    except (ValueError, TypeError):  # NaN, or a key that is no text: a query can give both
        written = json.dumps(_finite(value), **form)
    return json_text(written)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value  # times without a zone are UTC
        return f"{moment.replace(tzinfo=None).isoformat()}Z"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
