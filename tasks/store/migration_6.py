"""Version 6: the frontier lies in the order of its making.

By its key, a hash, each page of a commit was in a leaf of the file of its own, and so were its entries in the indexes.
"""

from sqlalchemy import Boolean, Column, Connection, Float, Index, Integer, MetaData, String, Table, Text, text


def frontier_in_order(connection: Connection) -> None:
    """SQLite alone keeps tables by their key, where asked."""
    if connection.dialect.name != "sqlite":
        return
    for index in ("frontier_work", "frontier_states", "frontier_order", "frontier_shown"):
        connection.exec_driver_sql(f"DROP INDEX {index}")
    connection.exec_driver_sql("ALTER TABLE frontier RENAME TO frontier_5")
    new = _frontier()
    new.create(connection)
    names = ", ".join(column.name for column in new.columns)
    connection.exec_driver_sql(
        f"INSERT INTO frontier ({names}) SELECT {names} FROM frontier_5 ORDER BY run_id, position"  # noqa: S608 - names of our own
    )
    connection.exec_driver_sql("DROP TABLE frontier_5")


def _frontier() -> Table:
    return Table(
        "frontier",
        MetaData(),
        Column("page_id", String, primary_key=True),
        Column("run_id", String, primary_key=True),
        Column("url", String, nullable=False),
        Column("position", Integer, nullable=False),
        Column("chunk", Integer),
        Column("state", String, nullable=False),
        Column("reason", String),
        Column("tries", Integer, nullable=False, server_default="0"),
        Column("not_before", Float),
        Column("holder", String),
        Column("lease_until", Float),
        Column("leases_lost", Integer, nullable=False, server_default="0"),
        Column("source_run_id", String, nullable=False),
        Column("part", String),
        Column("fetched_at", Float),
        Column("status", Integer),
        Column("errors", Integer, nullable=False, server_default="0"),
        Column("warnings", Integer, nullable=False, server_default="0"),
        Column("notices", Integer, nullable=False, server_default="0"),
        Column("found_by", String, nullable=False, server_default="list"),
        Column("depth", Integer),
        Column("redirects", Boolean, nullable=False, server_default="0"),
        Column("location", Text),
        Column("not_modified", Boolean, nullable=False, server_default="0"),
        Index("frontier_work", "run_id", "chunk", "state", "depth", "position"),
        Index("frontier_states", "run_id", "state", "reason"),
        Index("frontier_order", "run_id", "position"),
        Index(
            "frontier_shown",
            "source_run_id",
            "page_id",
            sqlite_where=text("source_run_id <> run_id"),
        ),
    )
