"""Real components, started by the tests themselves. A missing one is a failure, not a skip."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = {
    "py": Path("/usr/share/doc/python3.11/html"),
    "pg": Path("/usr/share/doc/postgresql-doc-15/html"),
    "dj": Path("/usr/share/doc/python-django-doc/html"),
}


@dataclass(frozen=True)
class DocsSite:
    """Documentation sites that nobody here wrote, on loopback; ``log`` has a line for each request."""

    base: str
    log: Path

    @property
    def host_port(self):
        return self.base.removeprefix("http://")

    def urls(self, *names):
        return [
            f"{self.base}/{name}/{path.relative_to(DOCS[name])}"
            for name in names or DOCS
            for path in sorted(DOCS[name].rglob("*.html"))
        ]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(url, seconds=30):
    for _ in range(int(seconds * 10)):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
                return answer.status
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")


@pytest.fixture(scope="session")
def docs_site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    locations = "\n".join(f"location /{name}/ {{ alias {path}/; index index.html; }}" for name, path in DOCS.items())
    (folder / "nginx.conf").write_text(
        f"""worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
        events {{ worker_connections 1024; }}
        http {{
          include /etc/nginx/mime.types;
          log_format timed '$msec $request_time $connection $request_uri';
          access_log {folder}/access.log timed;
          client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
          uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
          server {{ listen 127.0.0.1:{port}; charset utf-8; {locations} }}
        }}"""
    )
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    server = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/pg/stylesheet.css")
        yield DocsSite(f"http://127.0.0.1:{port}", folder / "access.log")
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def seo():
    """The command's path."""
    return str(Path(os.sys.executable).parent / "seo")


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory):
    return tmp_path_factory.mktemp("prefect-home")


@pytest.fixture(scope="session")
def environment(prefect_home):
    """Of a user who has configured nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SEO_", "COLUMNS"))}
    return {**kept, "PREFECT_HOME": str(prefect_home), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def served_environment(environment, prefect_api):
    """Of a user who has a Prefect server: commands start at once."""
    return {**environment, "PREFECT_API_URL": prefect_api}
