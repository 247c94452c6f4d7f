"""A real server of the Pusher protocol, and two real clients that listen to it: pusher-js in Chromium, and Pysher."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pysher

from blocks import PusherChannel

FOLDER = Path(__file__).parent / "pusher"
SERVER = FOLDER / "node_modules" / "@soketi" / "soketi" / "bin" / "server.js"
PUSHER_JS = FOLDER / "node_modules" / "pusher-js" / "dist" / "web" / "pusher.js"
APP_ID, KEY, SECRET = "1001", "tea-key", "canary-pusher-secret"
SUBSCRIBED, REFUSED = "pusher:subscription_succeeded", "pusher:subscription_error"


def wait_until(happened, seconds=60.0, what="nothing happened"):
    give_up = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < give_up, what() if isinstance(what, Callable) else what
        time.sleep(0.02)
    return found


@dataclass
class Soketi:
    """The server; ``events_per_second`` is what it takes from publishers, -1 for any number.

    Without ``plain_errors`` its errors come with status 200, as this build sends them by itself.
    """

    port: int
    log: Path
    events_per_second: int = -1
    plain_errors: bool = True
    process: subprocess.Popen | None = None

    def start(self):
        assert SERVER.is_file(), "soketi is not installed: run .ci/worlds"
        environment = {
            **os.environ,
            "SOKETI_HOST": "127.0.0.1",
            "SOKETI_PORT": str(self.port),
            "SOKETI_METRICS_SERVER_PORT": "0",
            "SOKETI_DEFAULT_APP_ID": APP_ID,
            "SOKETI_DEFAULT_APP_KEY": KEY,
            "SOKETI_DEFAULT_APP_SECRET": SECRET,
            "SOKETI_DEFAULT_APP_MAX_BACKEND_EVENTS_PER_SEC": str(self.events_per_second),
        }
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                ["node", *(["-r", str(FOLDER / "plain_errors.js")] if self.plain_errors else []), str(SERVER), "start"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        wait_until(self.answers, what=lambda: f"soketi does not answer: {self.log.read_text()[-2000:]}")

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def answers(self):
        try:
            return self.channel().get_client().channels_info() is not None
        except OSError:
            return False

    def variables(self):
        """What a user sets."""
        return {
            "PUSHER_APP_ID": APP_ID,
            "PUSHER_KEY": KEY,
            "PUSHER_SECRET": SECRET,
            "PUSHER_HOST": "127.0.0.1",
            "PUSHER_PORT": str(self.port),
            "PUSHER_SSL": "false",
        }

    def channel(self, **changes):
        values = {"app_id": APP_ID, "key": KEY, "secret": SECRET, "host": "127.0.0.1", "port": self.port, "ssl": False}
        return PusherChannel(**{**values, **changes})

    def listeners(self, channel):
        info = self.channel().get_client().channel_info(channel, ["subscription_count"])
        return info.get("subscription_count", 0)


@dataclass
class Heard:
    """What a client heard, in order."""

    events: list[dict] = field(default_factory=list)

    def add(self, channel, event, data):
        self.events.append({"channel": channel, "event": event, "data": data})

    def of(self, channel, event=None):
        """Data of the events of ``channel``, the protocol's own left out."""
        return [
            heard["data"]
            for heard in list(self.events)
            if heard["channel"] == channel
            and (heard["event"] == event if event else not heard["event"].startswith("pusher"))
        ]

    def names(self, channel):
        return [heard["event"] for heard in list(self.events) if heard["channel"] == channel]


class PysherClient:
    """Pysher on some channels, signed for by ``authority``."""

    def __init__(self, soketi, channels, authority):
        self.heard = Heard()
        self._soketi, self._channels, self._authority = soketi, channels, authority
        self._pusher = None

    def connect(self):
        self._pusher = pysher.Pusher(
            KEY,
            secure=False,
            custom_host="127.0.0.1",
            port=self._soketi.port,
            auth_endpoint=self._authority,
            reconnect_interval=0.2,
        )
        self._pusher.connection.bind("pusher:connection_established", self._subscribe)
        self._pusher.connect()

    def close(self):
        self._pusher.disconnect(0.1)

    def _subscribe(self, _):
        for name in self._channels:
            try:
                channel = self._pusher.subscribe(name)
            except AssertionError:  # how Pysher says that nobody signed
                self.heard.add(name, REFUSED, None)
                continue
            channel.event_callbacks = _Everything(lambda event, data, name=name: self._add(name, event, data))

    def _add(self, channel, event, data):
        self.heard.add(channel, event, json.loads(data) if isinstance(data, str) else data)


class _Everything:
    """Pysher binds by event name: these callbacks take any."""

    def __init__(self, told):
        self._told = told

    def keys(self):
        return self

    def __contains__(self, _):
        return True

    def __getitem__(self, event):
        return [(lambda data: self._told(event, data), (), {})]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        files = {"/pusher.js": PUSHER_JS, "/": FOLDER / "listen.html"}
        path = self.path.partition("?")[0]
        if path not in files:
            self._answer(404, b"")
            return
        kind = "text/javascript" if path.endswith(".js") else "text/html"
        self._answer(200, files[path].read_bytes(), f"{kind}; charset=utf-8")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/seen":
            seen = json.loads(body)
            self.server.heard.add(seen["channel"], seen["event"], seen.get("data"))
            self._answer(204, b"")
            return
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if asked["channel_name"] not in self.server.signed:
            self._answer(403, b"{}")
            return
        signed = self.server.channel.get_client().authenticate(asked["channel_name"], asked["socket_id"])
        if asked["channel_name"] in self.server.forged:
            signed = {"auth": f"{KEY}:{'0' * 64}"}
        self._answer(200, json.dumps(signed).encode(), "application/json")

    def _answer(self, status, body, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Site(ThreadingHTTPServer):
    """A page that listens, and who signs subscriptions: those of ``signed``; of ``forged`` with a wrong signature."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, channel, signed, forged=()):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.channel, self.signed, self.forged = channel, {*signed, *forged}, forged
        self.heard = Heard()
        self.authority = f"http://127.0.0.1:{self.server_port}/pusher/auth"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@contextmanager
def browser(site, soketi, channels, folder):
    """Chromium with the page that listens to ``channels``; what it hears is in ``site.heard``."""
    asked = urlencode([("key", KEY), ("port", soketi.port), *(("channel", channel) for channel in channels)])
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: run .ci/worlds"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    process = subprocess.Popen(
        [
            *(chromium, *options, f"--user-data-dir={folder}", "--remote-debugging-port=0"),
            f"http://127.0.0.1:{site.server_port}/?{asked}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield site.heard
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
