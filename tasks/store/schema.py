"""The catalogue's tables, at the newest schema version. Times are seconds since the epoch, UTC."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

METADATA = MetaData()

Long = Integer().with_variant(BigInteger(), "postgresql")
"""Where four bytes may be too few, which is what PostgreSQL gives an integer."""


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, String, nullable=False, **options)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


meta = Table(
    "meta",
    METADATA,
    _text("store_id", primary_key=True),
    Column("schema_version", Integer, nullable=False),
)

projects = Table(
    "projects",
    METADATA,
    _text("project_id", primary_key=True),
    Column("created_at", Float, nullable=False),
    _text("owner", server_default="local"),
    _text("site", server_default=""),
)

runs = Table(
    "runs",
    METADATA,
    _text("run_id", primary_key=True),
    _text("kind"),
    _text("project_id"),
    _text("user_id"),
    _text("batch_id", index=True),
    _text("recipe"),
    Column("epoch", Integer, nullable=False),
    _text("state"),
    Column("stop_requested", Boolean, nullable=False),
    Column("options", Text, nullable=False),
    _count("total"),
    _count("linked"),
    _count("errors"),
    _count("warnings"),
    _count("notices"),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("first_request_at", Float),
    Column("last_commit_at", Float),
    _count("fetched_before"),  # by earlier epochs
    Column("pages_per_second", Float),
    Column("incomplete", Boolean, nullable=False),
    Column("incomplete_reason", Text),
    Column("error", Text),
    Column("prefect_flow_run_id", String),
    Column("parent_pid", Integer),
    Column("start_url", Text),
    Column("scope", String),
    Column("limits", Text, nullable=False, server_default="{}"),
    _count("not_modified"),
    Column("earlier_run_id", String),  # the last crawl of the same site
    Column("parent_node", String),  # the machine of parent_pid
    Column("taken_at", Float, nullable=False, server_default="0"),  # when the present epoch began
    Column("parent_flow_run_id", String),  # Prefect's run of the present epoch; prefect_flow_run_id is of the first
    Column("seen_at", Float),  # the last sign of parent_pid
    Index("runs_newest", "started_at", "run_id"),
)

# Identity and freshness: what is known of a page across runs.
pages = Table(
    "pages",
    METADATA,
    _text("page_id", primary_key=True),
    _text("project_id"),
    _text("url"),
    _text("url_key"),
    _text("last_run_id"),
    Column("last_fetched_at", Float),
    Column("last_status", Integer),
    _text("recipe"),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("content_hash", String),  # of the body, where the server gave it a validator
)

# The state of each page in each run, in the order of its making: what is leased together lies together in the file. Its
# key begins with the page: SQLite would scan a whole run by one that begins with the run.
frontier = Table(
    "frontier",
    METADATA,
    _text("page_id", primary_key=True),
    _text("run_id", primary_key=True),
    _text("url"),
    Column("position", Integer, nullable=False),
    Column("chunk", Integer),
    _text("state"),
    Column("reason", String),
    _count("tries"),
    Column("not_before", Float),
    Column("holder", String),
    Column("lease_until", Float),
    _count("leases_lost"),
    _text("source_run_id"),
    Column("part", String),  # name of the parts with its facts, in source_run_id
    Column("fetched_at", Float),
    Column("status", Integer),
    _count("errors"),
    _count("warnings"),
    _count("notices"),
    Column("found_by", String, nullable=False, server_default="list"),
    Column("depth", Integer),
    Column("redirects", Boolean, nullable=False, server_default="0"),  # its facts are written when all is crawled
    Column("location", Text),
    Column("not_modified", Boolean, nullable=False, server_default="0"),  # its facts, in source_run_id, still hold
    Index("frontier_work", "run_id", "chunk", "state", "depth", "position").ddl_if(dialect="sqlite"),
    Index("frontier_states", "run_id", "state", "reason"),
    Index("frontier_order", "run_id", "position"),
    Index(
        "frontier_shown",  # pages whose facts are those of an earlier run
        "source_run_id",
        "page_id",
        sqlite_where=text("source_run_id <> run_id"),
        postgresql_where=text("source_run_id <> run_id"),
    ),
)

parts = Table(
    "parts",
    METADATA,
    _text("table_name", primary_key=True),
    _text("run_id", primary_key=True),
    _text("name", primary_key=True),
    _text("path"),
    Column("rows", Integer, nullable=False),
    Column("bytes", Long, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("step", String),  # of a run, that wrote it: its next part in the table replaces this one
    Column("merged_into", String),  # name of the live part that has its rows now
    Column("dead_at", Float),  # when it was first seen dead; its file stays for a while
)

hosts = Table(
    "hosts",
    METADATA,
    _text("host", primary_key=True),
    Column("next_departure", Float, nullable=False),
    Column("pause_until", Float, nullable=False),
    Column("crawl_delay", Float, nullable=False, server_default="0"),
    Column("open_until", Float, nullable=False, server_default="0"),
)

# What robots.txt said last, whichever run asked.
robots = Table(
    "robots",
    METADATA,
    _text("origin", primary_key=True),
    Column("status", Integer),
    Column("reason", String),
    Column("body", LargeBinary, nullable=False),
    Column("crawl_delay", Float),
    Column("fetched_at", Float, nullable=False),
)

host_holders = Table(
    "host_holders",
    METADATA,
    _text("host", primary_key=True),
    _text("holder", primary_key=True),
    Column("wanted", Integer, nullable=False),
    Column("granted", Integer, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index("host_holders_holder", "holder"),
)

# Who alone may do something, until when.
leases = Table(
    "leases",
    METADATA,
    _text("name", primary_key=True),
    _text("holder"),
    Column("until", Float, nullable=False),
)

outbox = Table(
    "outbox",
    METADATA,
    Column("id", Long, primary_key=True),
    _text("key", unique=True),
    _text("kind"),
    _text("run_id"),
    Column("payload", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("delivered_at", Float),
    _text("state", server_default="pending"),
    _count("attempts"),
    Column("not_before", Float),
    Column("error", Text),
    Index("outbox_work", "state", "id"),
)

# The last number given out on each channel.
channels = Table(
    "channels",
    METADATA,
    _text("channel", primary_key=True),
    Column("sequence", Integer, nullable=False),
)

requests = Table(
    "requests",
    METADATA,
    _text("request_id", primary_key=True),
    _text("run_id"),
    Column("claimed_at", Float, nullable=False),
    _text("flow", server_default=""),
    _text("user_id", server_default=""),
    Column("payload", Text, nullable=False, server_default="{}"),
    _text("origin", server_default="local"),
    Column("flow_run_id", String),
    Column("confirmed_at", Float),
    Column("begun_at", Float),
    Column("ended_as", String),
    Index("requests_waiting", "user_id", "begun_at", "claimed_at"),
    Index("requests_unconfirmed", "confirmed_at", "claimed_at"),
    Index("requests_of_run", "run_id", "claimed_at"),
    Index("requests_of_flow_run", "flow_run_id"),
)

notifications = Table(
    "notifications",
    METADATA,
    Column("id", Long, primary_key=True),
    _text("key", unique=True),
    _text("user_id"),
    _text("title"),
    Column("message", Text, nullable=False),
    _text("type"),
    Column("read", Boolean, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    _text("run_id"),
    Index("notifications_of_user", "user_id", "id"),
)

recommendations = Table(
    "recommendations",
    METADATA,
    Column("id", Long, primary_key=True),
    _text("run_id"),
    _text("page_id"),
    _text("url"),
    _text("title"),
    Column("description", Text, nullable=False),
    _text("priority"),
    _text("category"),
    Column("findings", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("proposed_title", Text, nullable=False),
    Column("proposed_description", Text, nullable=False),
    Column("proposed_json_ld", Text, nullable=False),
    _text("source"),
    _text("model"),
    Column("template_version", Integer),
    Column("created_at", Float, nullable=False),
    Index("recommendations_of_page", "page_id", "run_id"),
    Index("recommendations_of_run", "run_id"),
)

prompt_templates = Table(
    "prompt_templates",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("name"),
    Column("text", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Index(
        "prompt_templates_active",
        "active",
        unique=True,
        sqlite_where=text("active"),
        postgresql_where=text("active"),
    ),
)

# What a model answered; without a text, who is asking it, until when.
model_answers = Table(
    "model_answers",
    METADATA,
    _text("key", primary_key=True),
    _text("holder"),
    Column("until", Float, nullable=False),
    Column("text", Text),
    _text("model"),
    Column("created_at", Float, nullable=False),
)

# Dollars: the amount is reserved before the call and replaced by the cost after it.
model_calls = Table(
    "model_calls",
    METADATA,
    Column("id", Long, primary_key=True),
    _text("key"),
    _text("run_id"),
    _text("page_id"),
    _text("day"),
    _text("model"),
    Column("amount", Float, nullable=False),
    Column("cost", Float),
    _count("prompt_tokens"),
    _count("completion_tokens"),
    Column("outcome", String),
    Column("reserved_at", Float, nullable=False),
    Column("settled_at", Float),
    Index("model_calls_of_run", "run_id", "cost", "amount"),  # all that a sum needs
    Index("model_calls_of_day", "day", "cost", "amount"),
)

api_keys = Table(
    "api_keys",
    METADATA,
    _text("key_id", primary_key=True),
    _text("user_id", index=True),
    _text("digest"),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
)

# The same in PostgreSQL, where what has no depth would come last.
Index(
    "frontier_work",
    *(frontier.c[name] for name in ("run_id", "chunk", "state")),
    frontier.c.depth.nulls_first(),
    frontier.c.position,
).ddl_if(dialect="postgresql")

# PostgreSQL compares as its cluster's locale does, unless told otherwise.
for _table in METADATA.tables.values():
    for _column in _table.columns:
        if isinstance(_column.type, String):
            _column.type = _column.type.with_variant(type(_column.type)(collation="C"), "postgresql")
