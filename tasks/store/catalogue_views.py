"""Tables of the catalogue that readers see beside the facts."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import Connection, Table, select

from tasks.store import schema

ROWS_AT_ONCE = 2000
"""Rows that are JSON in memory at a time: ten times as large as the rows are."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A column shown to readers; in the catalogue TIMESTAMPs are seconds since the epoch, lists are JSON text."""

    name: str
    dtype: str
    doc: str


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """A table as readers see it; ``published`` ones are in catalog.duckdb, for only runs change them."""

    table: Table
    doc: str
    columns: tuple[Shown, ...]
    published: bool = True

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
            Shown("linked", "BIGINT", "Pages shown from an earlier run without being asked for."),
            Shown("not_modified", "BIGINT", "Pages that did not change since an earlier run, whose facts are shown."),
            Shown("errors", "BIGINT", "Issues of severity error."),
            Shown("warnings", "BIGINT", "Issues of severity warning."),
            Shown("notices", "BIGINT", "Issues of severity notice."),
            Shown("started_at", "TIMESTAMP", "UTC."),
            Shown("finished_at", "TIMESTAMP", "UTC; null while it runs."),
            Shown("first_request_at", "TIMESTAMP", "First request of the last epoch, UTC."),
            Shown("last_commit_at", "TIMESTAMP", "Last commit of the last epoch, UTC."),
            Shown("pages_per_second", "DOUBLE", "Pages fetched in the last epoch ÷ (last commit - first request)."),
            Shown("incomplete", "BOOLEAN", "Pages are left, or `incomplete_reason` says why it is incomplete."),
            Shown("incomplete_reason", "VARCHAR", "Why; null where it is complete."),
            Shown("error", "VARCHAR", "Why it failed."),
            Shown("batch_id", "VARCHAR", "Identity of its list and fetch options."),
            Shown("options", "VARCHAR", "Its options, as JSON."),
            Shown("start_url", "VARCHAR", "Where a crawl began."),
            Shown("scope", "VARCHAR", "What a crawl covers: folder, host or domain."),
            Shown("earlier_run_id", "VARCHAR", "The last crawl of the same site, which a crawl is compared with."),
            Shown("limits", "VARCHAR", "max_pages and max_depth of a crawl, as JSON."),
        ),
    ),
    CatalogueView(
        schema.recommendations,
        "Advice on a page; a run's latest.",
        (
            Shown("id", "BIGINT", "Sorts as given."),
            Shown("run_id", "VARCHAR", "Run that analysed the page."),
            Shown("page_id", "VARCHAR", "The page, as in pages."),
            Shown("url", "VARCHAR", "Address of the page as asked for."),
            Shown("title", "VARCHAR", "What to do, in a line."),
            Shown("description", "VARCHAR", "What to do and why."),
            Shown("priority", "VARCHAR", "high, medium or low."),
            Shown("category", "VARCHAR", "What it is about."),
            Shown("findings", "VARCHAR[]", "Fingerprints of the issues it rests on."),
            Shown("rules", "VARCHAR[]", "Their rules."),
            Shown("proposed_title", "VARCHAR", "A title to use; empty where none is proposed."),
            Shown("proposed_description", "VARCHAR", "A meta description to use; the same."),
            Shown("proposed_json_ld", "VARCHAR", "A JSON-LD block to use; the same."),
            Shown("source", "VARCHAR", "llm or rules."),
            Shown("model", "VARCHAR", "Model that gave it; empty where none did."),
            Shown("template_version", "INTEGER", "Prompt template it was asked with; null where none was."),
            Shown("created_at", "TIMESTAMP", "UTC."),
        ),
    ),
    CatalogueView(
        schema.notifications,
        "What people were told.",
        (
            Shown("id", "BIGINT", "Sorts by time."),
            Shown("user_id", "VARCHAR", "Who is told."),
            Shown("title", "VARCHAR", "One line."),
            Shown("message", "VARCHAR", "The text."),
            Shown("type", "VARCHAR", "info, success, warning or error."),
            Shown("read", "BOOLEAN", "Marked as read."),
            Shown("created_at", "TIMESTAMP", "UTC."),
            Shown("run_id", "VARCHAR", "Run it is about; empty where it is about none."),
        ),
        published=False,
    ),
    CatalogueView(
        schema.requests,
        "Requests for work, each with the run that answers it.",
        (
            Shown("request_id", "VARCHAR", "Identity of the request; asking twice does the work once."),
            Shown("run_id", "VARCHAR", "Run that answers it."),
            Shown("flow", "VARCHAR", "Flow that does the work."),
            Shown("user_id", "VARCHAR", "Who asked."),
            Shown("origin", "VARCHAR", "local, api, webhook, trigger or outbox."),
            Shown("flow_run_id", "VARCHAR", "Prefect's id of the run; null where not known."),
            Shown("claimed_at", "TIMESTAMP", "UTC."),
            Shown("confirmed_at", "TIMESTAMP", "When its start was certain, UTC."),
            Shown("begun_at", "TIMESTAMP", "When its flow began to work, UTC."),
        ),
        published=False,
    ),
    CatalogueView(
        schema.outbox,
        "What is to be handed on: pushes, and requests for work.",
        (
            Shown("id", "BIGINT", "Sorts as made; sent along with a push."),
            Shown("key", "VARCHAR", "Identity: entered once."),
            Shown("kind", "VARCHAR", "push, or the name of a request event."),
            Shown("run_id", "VARCHAR", "Run that it follows from; empty where none."),
            Shown("state", "VARCHAR", "pending, delivered, refused or expired."),
            Shown("attempts", "INTEGER", "Tries that failed."),
            Shown("error", "VARCHAR", "Why the last try failed, or why it is never sent."),
            Shown("created_at", "TIMESTAMP", "UTC."),
            Shown("not_before", "TIMESTAMP", "When the next try is due, UTC; null for at once."),
            Shown("delivered_at", "TIMESTAMP", "UTC; null until then."),
        ),
        published=False,
    ),
    CatalogueView(
        schema.model_calls,
        "Calls of language models, with what was set aside for each and what it came to.",
        (
            Shown("id", "BIGINT", "Sorts by time."),
            Shown("run_id", "VARCHAR", "Run that asked."),
            Shown("page_id", "VARCHAR", "Page it was about."),
            Shown("day", "VARCHAR", "YYYY-MM-DD, UTC, that it counts for."),
            Shown("model", "VARCHAR", "Model that answered; empty until settled."),
            Shown("outcome", "VARCHAR", "How it ended; null where that is not known."),
            Shown("amount", "DOUBLE", "Dollars set aside; they count until it is settled."),
            Shown("cost", "DOUBLE", "Dollars it came to; null until settled."),
            Shown("prompt_tokens", "BIGINT", "Tokens sent."),
            Shown("completion_tokens", "BIGINT", "Tokens received."),
            Shown("reserved_at", "TIMESTAMP", "UTC."),
            Shown("settled_at", "TIMESTAMP", "UTC; null until then."),
        ),
    ),
)


def copy_catalogue(
    reader: Connection, connection: duckdb.DuckDBPyConnection, views: Iterable[CatalogueView], prefix: str = ""
) -> None:
    """Copies ``views`` into DuckDB, which cannot read the catalogue itself without an extension."""
    for view in views:
        names = [shown.name for shown in view.columns]
        columns = ", ".join(f"{shown.name} {shown.dtype}" for shown in view.columns)
        connection.execute(f"CREATE TABLE {prefix}{view.name} ({columns})")
        rows = reader.execute(select(*(view.table.c[name] for name in names)))
        for some in rows.partitions(ROWS_AT_ONCE):
            text = json.dumps([dict(zip(names, row, strict=True)) for row in some])
            connection.execute(f"INSERT INTO {prefix}{view.name} {_rows_of(view)}", [text])


def _rows_of(view: CatalogueView) -> str:
    fields: dict[str, Any] = {shown.name: _STORED.get(shown.dtype, shown.dtype) for shown in view.columns}
    listed = ", ".join(_expression(shown) for shown in view.columns)
    shape = json.dumps([fields])
    return f"SELECT {listed} FROM (SELECT unnest(from_json(?, '{shape}')) AS row)"  # noqa: S608 - names of our own


_STORED = {"TIMESTAMP": "DOUBLE", "VARCHAR[]": "VARCHAR"}
"""Types that the catalogue keeps otherwise: seconds, JSON text."""


def _expression(shown: Shown) -> str:
    if shown.dtype == "VARCHAR[]":
        return f"""from_json(row.{shown.name}, '["VARCHAR"]') AS {shown.name}"""
    if shown.dtype == "TIMESTAMP":
        return f"make_timestamp((row.{shown.name} * 1000000)::BIGINT) AS {shown.name}"
    return f"row.{shown.name} AS {shown.name}"
