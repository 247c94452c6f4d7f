"""What a page costs: CPU, bytes, rows, task runs, growth of Prefect's database; from there to a million and a billion.

Starts a Prefect server on a new database, nginx with Debian's documentation sites (python3.11-doc, postgresql-doc-15,
python-django-doc), and scans them by ``seo batch``, as often as PAGES takes, each time under other addresses:

    python -m tests.benchmarks.scale_cost [PAGES] [--database postgresql] [--write]

``--write`` puts the tables into docs/scale.md.
"""

# ruff: noqa: S608, T201 - SQL of its own, and figures are what it is for

import argparse
import asyncio
import contextlib
import itertools
import os
import platform
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg
import httpx

from tasks.store import connect
from tasks.store.columns import PAGE_TABLES
from tasks.store.location import locate
from tasks.store.registry import live_parts
from tests.benchmarks.servers import DATABASES, SCRIPTS, Servers, cpu_seconds, servers, wait
from tests.loopback import free_port

DOCS = {
    "py": Path("/usr/share/doc/python3.11/html"),
    "pg": Path("/usr/share/doc/postgresql-doc-15/html"),
    "dj": Path("/usr/share/doc/python-django-doc/html"),
}
DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
SETTLED_SECONDS = 15.0
MILLION, BILLION = 10**6, 10**9


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run of ``pages`` took; CPU in seconds, sizes in bytes.

    Attributes:
        cpu, server_cpu: of the command with its processes; of Prefect's server.
        facts: bytes and rows by table. files: of facts. Live ones.
        catalogue: of catalogue.sqlite. prefect: growth of Prefect's database.
    """

    pages: int
    seconds: float
    cpu: float
    server_cpu: float
    facts: dict[str, tuple[int, int]]
    files: int
    catalogue: int
    task_runs: int
    prefect: int


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("pages", nargs="?", type=int, default=10_000, metavar="PAGES")
    arguments.add_argument("--database", choices=DATABASES, default="sqlite", help="of Prefect's server")
    arguments.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    wanted = arguments.parse_args()
    with servers(wanted.database) as prefect, _documentation() as host:
        cost = _measured(prefect, host, wanted.pages)
    text = _told(cost, wanted.database)
    print(text)
    if wanted.write:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")


@contextlib.contextmanager
def _documentation() -> Iterator[str]:
    """The host:port of nginx with the sites."""
    port = free_port()
    places = "\n".join(f"location /{name}/ {{ alias {path}/; }}" for name, path in DOCS.items())
    with tempfile.TemporaryDirectory() as folder:
        temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("fastcgi", "uwsgi", "scgi", "proxy"))
        Path(folder, "nginx.conf").write_text(
            f"""worker_processes 1; pid {folder}/pid; error_log {folder}/errors; daemon off; events {{}}
            http {{ include /etc/nginx/mime.types; access_log off; client_body_temp_path {folder}/body; {temporary}
              server {{ listen 127.0.0.1:{port}; {places} }} }}""",
            encoding="utf-8",
        )
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        server = subprocess.Popen([nginx, "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            wait(lambda: _is_up(f"http://127.0.0.1:{port}/py/index.html"), "nginx")
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _is_up(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def _addresses(host: str, count: int) -> list[str]:
    files = [f"http://{host}/{name}/{path.relative_to(folder)}" for name, folder in DOCS.items()
             for path in sorted(folder.rglob("*.html"))]  # fmt: skip
    copies = (f"{url}?copy={copy}" for copy in itertools.count() for url in files)
    return list(itertools.islice(copies, count))


def _measured(prefect: Servers, host: str, count: int) -> Cost:
    listed = prefect.folder / "listed.txt"
    listed.write_text("\n".join(_addresses(host, count)))
    size, server_cpu = _database_size(prefect), cpu_seconds(prefect.server)
    cpu, begun = _cpu_of_children(), time.monotonic()
    line = ("batch", listed, "--data", prefect.data, "--allow", host, "--rate", "0", "--concurrency", "32")
    subprocess.run([SCRIPTS / "seo", *line], env=prefect.environment, check=True, stdout=subprocess.DEVNULL)
    seconds, cpu = time.monotonic() - begun, _cpu_of_children() - cpu
    time.sleep(SETTLED_SECONDS)  # the server records what it was told
    data = Path(prefect.data)
    facts, files = _facts(data)
    return Cost(
        pages=count,
        seconds=seconds,
        cpu=cpu,
        server_cpu=cpu_seconds(prefect.server) - server_cpu,
        facts=facts,
        files=files,
        catalogue=sum(file.stat().st_size for file in data.glob("catalogue.sqlite*")),
        task_runs=httpx.post(f"{prefect.api}/task_runs/count", json={}).json(),
        prefect=_database_size(prefect) - size,
    )


def _facts(data: Path) -> tuple[dict[str, tuple[int, int]], int]:
    """Bytes and rows by table, and files in all, of parts that are live: merged ones lie there for another hour."""
    catalogue = locate(data).catalogue()
    with contextlib.closing(catalogue), catalogue.read() as reader:
        parts = live_parts(reader)
    sizes = {table: sum((data / path).stat().st_size for path in paths) for table, paths in parts.items()}
    with connect(data) as rows:
        counts = {one.name: rows.execute(f"SELECT count(*) FROM {one.name}").fetchall()[0][0] for one in PAGE_TABLES}
    return {name: (sizes.get(name, 0), count) for name, count in counts.items()}, sum(map(len, parts.values()))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _database_size(prefect: Servers) -> int:
    url = prefect.environment.get("PREFECT_SERVER_DATABASE_CONNECTION_URL")
    if url is not None:
        return asyncio.run(_postgresql_size(url.replace("+asyncpg", "")))
    file = prefect.folder / "home" / "prefect.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        pages, page = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    size: int = pages * page
    return size


async def _postgresql_size(url: str) -> int:
    database = await asyncpg.connect(url)
    try:
        size: int = await database.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await database.close()
    return size


def _told(cost: Cost, database: str) -> str:
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    facts = sum(size for size, _ in cost.facts.values())
    rows = sum(count for _, count in cost.facts.values())
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, Prefect {version('prefect')} on {database}"
    rate = f"{cost.pages / cost.seconds:,.0f} pages/s with the start of the command, server and site on one machine"
    each = f"A task run takes {_bytes(cost.prefect / cost.task_runs)} of Prefect's database, with its events, logs"
    lines = [
        f"{day}, {where}: {cost.pages:,} pages of documentation in one `seo batch`, {rate}.\n",
        "| | a page | a million | a billion |",
        "|---|--:|--:|--:|",
        _row(cost, "CPU of the run", cost.cpu, _time),
        _row(cost, "CPU of Prefect's server", cost.server_cpu, _time),
        _row(cost, "facts on disk", facts, _bytes),
        _row(cost, "rows of facts", rows, _number),
        _row(cost, "files of facts", cost.files, _number),
        _row(cost, "catalogue on disk", cost.catalogue, _bytes),
        _row(cost, "task runs", cost.task_runs, _number),
        _row(cost, "growth of Prefect's database", cost.prefect, _bytes),
        f"\n{each} and artifacts. The facts by table:\n",
        "| table | bytes a page | rows a page | a million pages | a billion |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, (size, count) in sorted(cost.facts.items(), key=lambda item: -item[1][0]):
        page = size / cost.pages
        cells = (name, f"{page:,.0f}", f"{count / cost.pages:,.2f}", _bytes(page * MILLION), _bytes(page * BILLION))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _row(cost: Cost, name: str, total: float, shown: Callable[[float], str]) -> str:
    each = total / cost.pages
    cells = (shown(each), shown(each * MILLION), shown(each * BILLION))
    return f"| {name} | {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    for unit, length in (("core-years", 365 * 86400), ("core-days", 86400), ("core-hours", 3600), ("s", 1)):
        if seconds >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds * 1000:,.2f} ms"


def _bytes(size: float) -> str:
    for unit, length in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if size >= length:
            return f"{size / length:,.1f} {unit}"
    return f"{size:,.0f} B"


def _number(count: float) -> str:
    for unit, size in (("billion", BILLION), ("million", MILLION)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f}" if count >= 100 else f"{count:,.4f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    main()
