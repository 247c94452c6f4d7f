"""Debian's PostgreSQL and an S3 server on loopback, for stores that several machines share."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.loopback import free_port, wait_for

BUCKET = "facts"


@dataclass(frozen=True)
class Servers:
    """A database and a bucket; ``variables`` are the environment of one empty store in them."""

    database: str
    endpoint: str

    def variables(self):
        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.database) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return {
            "SEO_CATALOGUE_URL": f"{self.database}?options=-csearch_path%3D{name}",
            "SEO_FACTS_URL": f"s3://{BUCKET}/{name}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "canary-of-the-bucket",
        }


@contextmanager
def servers(*, durable=False):
    """``durable`` has the database wait for its disk, as it does in earnest."""
    with postgresql(durable=durable) as database, s3() as endpoint:
        yield Servers(database, endpoint)


@contextmanager
def postgresql(*, durable=False):
    """The address of an empty database, as Debian's ``postgresql`` installs the server."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert programs, "no PostgreSQL: .ci/worlds installs it"
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, "postgres")
        port = free_port()
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync={'on' if durable else 'off'}"
        )

        def control(*arguments):
            command = [*user, str(programs[-1] / "pg_ctl"), "-D", f"{folder}/cluster", "-s", *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        # Its locale sorts otherwise than SQLite does: results must not depend on it.
        locale = "--locale=C.UTF-8 --locale-provider=icu --icu-locale=en"
        control("initdb", "-o", f"-U seo --auth=trust --encoding=UTF8 --no-sync {locale}")
        control("start", "-w", "-l", f"{folder}/log", "-o", options)
        try:
            yield f"postgresql://seo@127.0.0.1:{port}/postgres"
        finally:
            control("stop", "-m", "immediate")


@contextmanager
def s3():
    """The address of a server with one empty bucket."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{endpoint}/moto-api/", seconds=120)
        with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")):  # noqa: S310 - loopback
            yield endpoint
    finally:
        server.terminate()
        server.wait(10)
