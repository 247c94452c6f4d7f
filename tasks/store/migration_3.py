"""Version 3: claims with their flow, an outbox with tries, notifications, advice, model calls, projects, keys."""

import time

from sqlalchemy import Boolean, Column, Connection, Float, Index, Integer, MetaData, String, Table, Text, text


def services(connection: Connection) -> None:
    """Tables that no release wrote to are made anew; requests, outbox and projects keep their rows."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
    project = text("INSERT INTO projects (project_id, created_at) VALUES ('default', :now) ON CONFLICT DO NOTHING")
    connection.execute(project, {"now": time.time()})
    _new_tables().create_all(connection)


_STATEMENTS = (
    "DROP TABLE notifications",
    "DROP TABLE recommendations",
    "DROP TABLE prompt_templates",
    "ALTER TABLE projects ADD COLUMN owner VARCHAR DEFAULT 'local' NOT NULL",
    "ALTER TABLE projects ADD COLUMN site VARCHAR DEFAULT '' NOT NULL",
    """UPDATE projects SET owner = coalesce(
    (SELECT min(user_id) FROM runs WHERE runs.project_id = projects.project_id), 'local'
    ) WHERE project_id <> 'default'""",
    "ALTER TABLE outbox ADD COLUMN state VARCHAR DEFAULT 'pending' NOT NULL",
    "ALTER TABLE outbox ADD COLUMN attempts INTEGER DEFAULT '0' NOT NULL",
    "ALTER TABLE outbox ADD COLUMN not_before FLOAT",
    "ALTER TABLE outbox ADD COLUMN error TEXT",
    "UPDATE outbox SET state = 'delivered' WHERE delivered_at IS NOT NULL",
    "CREATE INDEX outbox_work ON outbox (state, id)",
    "ALTER TABLE requests ADD COLUMN flow VARCHAR DEFAULT '' NOT NULL",
    "ALTER TABLE requests ADD COLUMN user_id VARCHAR DEFAULT '' NOT NULL",
    "ALTER TABLE requests ADD COLUMN payload TEXT DEFAULT '{}' NOT NULL",
    "ALTER TABLE requests ADD COLUMN origin VARCHAR DEFAULT 'local' NOT NULL",
    "ALTER TABLE requests ADD COLUMN flow_run_id VARCHAR",
    "ALTER TABLE requests ADD COLUMN confirmed_at FLOAT",
    "ALTER TABLE requests ADD COLUMN begun_at FLOAT",
    "UPDATE requests SET confirmed_at = claimed_at, begun_at = claimed_at",
    "CREATE INDEX requests_waiting ON requests (user_id, begun_at, claimed_at)",
    "CREATE INDEX requests_unconfirmed ON requests (confirmed_at, claimed_at)",
)


def _new_tables() -> MetaData:
    new = MetaData()
    Table(
        "leases",
        new,
        Column("name", String, primary_key=True),
        Column("holder", String, nullable=False),
        Column("until", Float, nullable=False),
    )
    Table(
        "channels",
        new,
        Column("channel", String, primary_key=True),
        Column("sequence", Integer, nullable=False),
    )
    Table(
        "notifications",
        new,
        Column("id", Integer, primary_key=True),
        Column("key", String, nullable=False, unique=True),
        Column("user_id", String, nullable=False),
        Column("title", String, nullable=False),
        Column("message", Text, nullable=False),
        Column("type", String, nullable=False),
        Column("read", Boolean, nullable=False, server_default="0"),
        Column("created_at", Float, nullable=False),
        Column("run_id", String, nullable=False),
        Index("notifications_of_user", "user_id", "id"),
    )
    Table(
        "recommendations",
        new,
        Column("id", Integer, primary_key=True),
        Column("run_id", String, nullable=False),
        Column("page_id", String, nullable=False),
        Column("url", String, nullable=False),
        Column("title", String, nullable=False),
        Column("description", Text, nullable=False),
        Column("priority", String, nullable=False),
        Column("category", String, nullable=False),
        Column("findings", Text, nullable=False),
        Column("rules", Text, nullable=False),
        Column("proposed_title", Text, nullable=False),
        Column("proposed_description", Text, nullable=False),
        Column("proposed_json_ld", Text, nullable=False),
        Column("source", String, nullable=False),
        Column("model", String, nullable=False),
        Column("template_version", Integer),
        Column("created_at", Float, nullable=False),
        Index("recommendations_of_page", "page_id", "run_id"),
        Index("recommendations_of_run", "run_id"),
    )
    Table(
        "prompt_templates",
        new,
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("name", String, nullable=False),
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
    Table(
        "model_answers",
        new,
        Column("key", String, primary_key=True),
        Column("holder", String, nullable=False),
        Column("until", Float, nullable=False),
        Column("text", Text),
        Column("model", String, nullable=False),
        Column("created_at", Float, nullable=False),
    )
    Table(
        "model_calls",
        new,
        Column("id", Integer, primary_key=True),
        Column("key", String, nullable=False),
        Column("run_id", String, nullable=False),
        Column("page_id", String, nullable=False),
        Column("day", String, nullable=False),
        Column("model", String, nullable=False),
        Column("amount", Float, nullable=False),
        Column("cost", Float),
        Column("prompt_tokens", Integer, nullable=False, server_default="0"),
        Column("completion_tokens", Integer, nullable=False, server_default="0"),
        Column("outcome", String),
        Column("reserved_at", Float, nullable=False),
        Column("settled_at", Float),
        Index("model_calls_of_run", "run_id", "cost", "amount"),
        Index("model_calls_of_day", "day", "cost", "amount"),
    )
    Table(
        "api_keys",
        new,
        Column("key_id", String, primary_key=True),
        Column("user_id", String, nullable=False, index=True),
        Column("digest", String, nullable=False),
        Column("created_at", Float, nullable=False),
        Column("revoked_at", Float),
    )
    return new
