"""Secrets planted wherever one is given: none is found in the data, in Prefect's database, or in any output."""

import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.store import connect
from tests.loopback import free_port
from tests.world.prefect_world import prefect_world, until

pytestmark = pytest.mark.world

CANARIES = {
    name: f"canary{number}x7f3a9c2e51d8{number}"
    for number, name in enumerate(("pusher", "model", "webhook", "typed", "listed", "environment", "access", "cookie"))
}


class Gossip(BaseHTTPRequestHandler):
    """Refuses everything, and says in its error what it was sent, secrets included."""

    def do_POST(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        told = f'{{"error": {{"message": "bad credentials: {dict(self.headers)!r} {self.path}", "code": 401}}}}'
        content = (told.replace("'", "") + sent[:0]).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def gossip():
    with ThreadingHTTPServer(("127.0.0.1", 0), Gossip) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def world(tmp_path, docs_site, gossip):
    settings = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "SEO_ALLOW": docs_site.host_port,
        "SEO_LOG_JSON": "1",
        "SEO_MODEL_KEY": CANARIES["model"],
        "SEO_MODEL_URL": f"http://127.0.0.1:{gossip}/v1",
        "SEO_MODEL_ALLOW": f"127.0.0.1:{gossip}",
        "PUSHER_APP_ID": "1",
        "PUSHER_KEY": "public",
        "PUSHER_SECRET": CANARIES["pusher"],
        "PUSHER_HOST": "127.0.0.1",
        "PUSHER_PORT": str(gossip),
        "PUSHER_SSL": "false",
        "SEO_WEBHOOK_KEY": CANARIES["webhook"],
        "SEO_ACCESS_ORIGINS": f"http://{docs_site.host_port}",
        "SEO_ACCESS_TOKEN": CANARIES["access"],
        "SEO_ACCESS_COOKIES": f"sid={CANARIES['cookie']}",
    }
    with prefect_world(tmp_path, inherited={}, **settings) as world:
        yield world


def tables(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return "\n".join(database.iterdump())


def views(folder):
    with connect(folder) as facts:
        names = [
            name for (name,) in facts.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        ]
        return "\n".join(repr(facts.execute(f'SELECT * FROM "{name}"').fetchall()) for name in names)  # noqa: S608


def test_no_planted_secret_is_found_anywhere(world, docs_site, tmp_path):
    page, other, *_ = docs_site.urls("py")
    listed = tmp_path / "list.txt"
    listed.write_text(f"{page}\n{other}\nhttp://ann:{CANARIES['listed']}@{docs_site.host_port}/py/\n")
    outputs = [
        world.run("seo", "blocks", "access", "docs"),
        world.run("seo", "batch", listed, "--access", "docs", "--data", world.data),
        world.run("seo", "scan", page, "--data", world.data),
        world.run("seo", "scan", f"http://ann:{CANARIES['typed']}@{docs_site.host_port}/", "--data", world.data),
        world.run("seo", "batch", listed, "--analyze", "all", "--data", world.data),
        world.run("seo", "outbox", "send", "--data", world.data),
        world.run("seo", "notifications", "--data", world.data),
    ]
    assert [output.returncode for output in outputs if "scan" not in output.args] == [0] * 5, outputs
    world.environment["SEO_WEBHOOK_KEY"] = CANARIES["environment"][:12]
    outputs.append(world.run("seo", "api", "--port", free_port(), "--data", world.data, timeout=60))
    finished = {"filter": {"event": {"name": ["batch/finished"]}}}
    until(lambda: world.post("/events/filter", finished)["events"], what="the record of the batch")
    until(lambda: world.post("/logs/filter", {"limit": 200}), what="the runs' logs")
    places = {
        "output": "\n".join(output.stdout + output.stderr for output in outputs),
        "server's log": world.log("server"),
        "Prefect's database": tables(tmp_path / "home" / "prefect.db"),
        "catalogue": tables(world.data / "catalogue.sqlite"),
        "facts": views(world.data),
        "results": "\n".join(file.read_text() for file in (world.data / "results").rglob("*") if file.is_file()),
    }
    assert all(places.values()), [name for name, text in places.items() if not text]
    assert page in places["Prefect's database"]
    assert "Analysis Failed" in places["catalogue"]
    found = [
        (name, place) for place, text in places.items() for name, secret in CANARIES.items() if secret[:12] in text
    ]
    assert found == []
