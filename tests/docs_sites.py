"""Documentation sites that nobody here wrote, as Debian packages have them, served on loopback by nginx."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.loopback import free_port, wait_for

DOCS = {
    "py": Path("/usr/share/doc/python3.11/html"),
    "pg": Path("/usr/share/doc/postgresql-doc-15/html"),
    "dj": Path("/usr/share/doc/python-django-doc/html"),
}
LARGE_DOCS = {
    "java": Path("/usr/share/doc/openjdk-17-jre-headless/api"),
    "rust": Path("/usr/share/doc/rust-doc/html"),
}
PACKAGES = {
    "py": "python3.11-doc",
    "pg": "postgresql-doc-15",
    "dj": "python-django-doc",
    "java": "openjdk-17-doc",
    "rust": "rust-doc",
}
START = "start.html"


@dataclass(frozen=True, slots=True)
class DocsSite:
    """Sites under way.

    Attributes:
        base: the first host's address; each site is a folder there.
        hosts: all of them, the same port for each.
        roots: folder of each site's files, by name; copies have names of their own.
        log: a line for each request, unless they are not counted.
    """

    base: str
    log: Path
    roots: dict[str, Path]
    hosts: tuple[str, ...] = ("127.0.0.1",)

    @property
    def host_port(self) -> str:
        return self.base.removeprefix("http://")

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    @property
    def start(self) -> str:
        """A page that links to each site."""
        return f"{self.base}/{START}"

    def urls(self, *names: str) -> list[str]:
        """All pages of the sites named, or of all."""
        return [
            f"{self.base}/{name}/{path.relative_to(self.roots[name])}"
            for name in names or self.roots
            for path in sorted(self.roots[name].rglob("*.html"))
        ]


@contextlib.contextmanager
def docs_sites(
    folder: Path, roots: dict[str, Path], hosts: Sequence[str] = ("127.0.0.1",), *, logged: bool = True
) -> Iterator[DocsSite]:
    """The sites on a free port of ``hosts``; ``folder`` takes nginx's files.

    Raises:
        SystemExit: nginx or a site is not installed.
    """
    if packages := missing(roots):
        raise SystemExit(f"not installed: apt-get install --no-install-recommends {' '.join(packages)}")
    port = free_port()
    listen = [f"{host}:{port}" for host in hosts]
    (folder / "nginx.conf").write_text(_configuration(folder, roots, listen, logged=logged))
    server = subprocess.Popen([_nginx(), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://{hosts[0]}:{port}/{START}")
        yield DocsSite(f"http://{hosts[0]}:{port}", folder / "access.log", dict(roots), tuple(hosts))
    finally:
        server.terminate()
        server.wait(10)


def missing(roots: dict[str, Path]) -> list[str]:
    """Debian packages that are not installed."""
    nginx = [] if _nginx() else ["nginx-light"]
    return nginx + [PACKAGES[name] for name, root in roots.items() if name in PACKAGES and not root.is_dir()]


def _nginx() -> str | None:
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def _configuration(folder: Path, roots: dict[str, Path], listen: list[str], *, logged: bool) -> str:
    links = "".join(f'<li><a href="/{name}/index.html">{name}</a>' for name in roots)
    start = f'<!doctype html><html lang="en"><title>Sites</title><h1>Sites</h1><ul>{links}</ul>'
    locations = "\n".join(f"location /{name}/ {{ alias {root}/; index index.html; }}" for name, root in roots.items())
    log = f"{folder}/access.log timed" if logged else "off"
    return f"""worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
        events {{ worker_connections 4096; }}
        http {{
          include /etc/nginx/mime.types;
          log_format timed '$msec $request_time $connection $request_uri';
          access_log {log};
          keepalive_requests 1000000;
          client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
          uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
          server {{
            {"".join(f"listen {address}; " for address in listen)} charset utf-8;
            location = /{START} {{ default_type text/html; return 200 '{start}'; }}
            {locations}
          }}
        }}"""
