"""Tables of the catalogue that readers see beside the facts."""

import json
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import Connection, Table, select

from tasks.store import schema


@dataclass(frozen=True, slots=True)
class Shown:
    """A column shown to readers; TIMESTAMPs are seconds since the epoch in the catalogue."""

    name: str
    dtype: str
    doc: str


@dataclass(frozen=True, slots=True)
class CatalogueView:
    table: Table
    doc: str
    columns: tuple[Shown, ...]

    @property
    def name(self) -> str:
        return self.table.name


CATALOGUE_VIEWS = (
    CatalogueView(
        schema.runs,
        "One row for each run.",
        (
            Shown("run_id", "VARCHAR", "The run; sorts by time."),
            Shown("kind", "VARCHAR", "scan, batch or crawl."),
            Shown("project_id", "VARCHAR", "Project that its pages belong to."),
            Shown("user_id", "VARCHAR", "Who started it."),
            Shown("state", "VARCHAR", "running, completed, failed, interrupted or cancelled."),
            Shown("epoch", "INTEGER", "1, and one more for each time it was resumed."),
            Shown("total", "BIGINT", "Pages in its list; in a crawl, pages found so far."),
            Shown("linked", "BIGINT", "Pages shown from an earlier run."),
            Shown("errors", "BIGINT", "Issues of severity error."),
            Shown("warnings", "BIGINT", "Issues of severity warning."),
            Shown("notices", "BIGINT", "Issues of severity notice."),
            Shown("started_at", "TIMESTAMP", "UTC."),
            Shown("finished_at", "TIMESTAMP", "UTC; null while it runs."),
            Shown("first_request_at", "TIMESTAMP", "First request of the last epoch, UTC."),
            Shown("last_commit_at", "TIMESTAMP", "Last commit of the last epoch, UTC."),
            Shown("pages_per_second", "DOUBLE", "Pages fetched in the last epoch ÷ (last commit - first request)."),
            Shown("incomplete", "BOOLEAN", "Pages are left, or it says why it is incomplete."),
            Shown("incomplete_reason", "VARCHAR", "Why."),
            Shown("error", "VARCHAR", "Why it failed."),
            Shown("batch_id", "VARCHAR", "Identity of its list and fetch options."),
            Shown("options", "VARCHAR", "Its options, as JSON."),
            Shown("start_url", "VARCHAR", "Where a crawl began."),
            Shown("scope", "VARCHAR", "What a crawl covers: folder, host or domain."),
            Shown("limits", "VARCHAR", "max_pages and max_depth of a crawl, as JSON."),
        ),
    ),
    CatalogueView(
        schema.recommendations,
        "Advice on a page.",
        (
            Shown("run_id", "VARCHAR", "Run the advice is for."),
            Shown("page_id", "VARCHAR", "The page, as in pages."),
            Shown("url", "VARCHAR", "Address of the page as asked for."),
            Shown("rule", "VARCHAR", "Rule it answers."),
            Shown("priority", "VARCHAR", "high, medium or low."),
            Shown("title", "VARCHAR", "What to do, in a line."),
            Shown("message", "VARCHAR", "What to do and why."),
            Shown("source", "VARCHAR", "llm or rule."),
            Shown("created_at", "TIMESTAMP", "UTC."),
        ),
    ),
    CatalogueView(
        schema.notifications,
        "What people were told.",
        (
            Shown("run_id", "VARCHAR", "Run it is about."),
            Shown("user_id", "VARCHAR", "Who is told."),
            Shown("event", "VARCHAR", "Name of the event."),
            Shown("title", "VARCHAR", "One line."),
            Shown("message", "VARCHAR", "The text."),
            Shown("created_at", "TIMESTAMP", "UTC."),
            Shown("delivered_at", "TIMESTAMP", "UTC; null until then."),
        ),
    ),
)


def copy_catalogue(reader: Connection, connection: duckdb.DuckDBPyConnection, prefix: str = "") -> None:
    """Copies the catalogue's views into DuckDB, which cannot read the catalogue itself without an extension."""
    for view in CATALOGUE_VIEWS:
        rows = reader.execute(select(*(view.table.c[shown.name] for shown in view.columns))).mappings()
        text = json.dumps([dict(row) for row in rows])
        connection.execute(f"CREATE TABLE {prefix}{view.name} AS {_rows_of(view)}", [text])


def _rows_of(view: CatalogueView) -> str:
    fields: dict[str, Any] = {
        shown.name: "DOUBLE" if shown.dtype == "TIMESTAMP" else shown.dtype for shown in view.columns
    }
    listed = ", ".join(_expression(shown) for shown in view.columns)
    shape = json.dumps([fields])
    return f"SELECT {listed} FROM (SELECT unnest(from_json(?, '{shape}')) AS row)"  # noqa: S608 - names of our own


def _expression(shown: Shown) -> str:
    if shown.dtype == "TIMESTAMP":
        return f"make_timestamp((row.{shown.name} * 1000000)::BIGINT) AS {shown.name}"
    return f"row.{shown.name} AS {shown.name}"
