"""Pages in a real Chromium: what it makes of them, how far they get, and that the rules' samples are true."""

import asyncio
import json
import os
import ssl
import subprocess
import time
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tasks.audit import all_rules, audit
from tasks.extract.page import extract
from tasks.fetch import chromium
from tasks.fetch.connection import Resolver
from tasks.fetch.fetcher import Fetcher
from tasks.fetch.render import Renderer
from tasks.model import FetchFailure, FetchOptions, Outcome, Reason, Rendered, RenderOptions, Response
from tasks.scan.chunk import ChunkJob
from tasks.scan.crawl import CrawlChunk
from tasks.scan.records import begin_crawl
from tasks.scan.settings import CrawlRules, ScanSettings
from tasks.store import Store, new_run_id
from tests.world.rendering import canaries, rendered

pytestmark = pytest.mark.world

RULES = [rule for rule in all_rules() if rule.needs_browser]
RULES_BY_ID = {rule.id: rule for rule in RULES}


def outcomes(site, snapshot, path):
    raw = Response(
        url=snapshot.document.url if snapshot.behaviour.led_to is None else site.url(path),
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"),),
        text=site.pages[path],
        encoding="utf-8",
    )
    seen = Rendered(page=extract(snapshot.document), behaviour=snapshot.behaviour)
    return {result.rule: result.outcome for result in audit(raw, extract(raw), rendered=seen).results}


async def test_samples_of_the_rules_are_what_a_browser_makes_of_them(site):
    site.pages = {"/teas": "<title>Teas</title>"}
    for rule in RULES:
        site.pages[f"/{rule.id}/bad"] = rule.bad.html
        site.pages[f"/{rule.id}/good"] = rule.good.html
    paths = [path for path in site.pages if path != "/teas"]
    found = dict(zip(paths, await rendered(site, *paths), strict=True))
    for rule in RULES:
        for path, sample, expected in (
            (f"/{rule.id}/bad", rule.bad, Outcome.FAIL),
            (f"/{rule.id}/good", rule.good, Outcome.PASS),
        ):
            snapshot = found[path]
            assert outcomes(site, snapshot, path)[rule.id] is expected, path
            assert snapshot.behaviour.errors == sample.behaviour.errors, path
            assert snapshot.behaviour.settled, path
            if sample.behaviour.small_text is not None:
                assert snapshot.behaviour.small_text == sample.behaviour.small_text
    assert found["/js-redirect/bad"].behaviour.led_to == site.url("/teas")


APP = """<!doctype html><html lang="en"><head><title>Loading</title>
<link rel="canonical" href="/app"><link rel="stylesheet" href="/style.css"></head>
<body><div id="app">Loading</div><img src="/cup.png" alt="A cup"><script src="/app.js"></script></body></html>"""
SCRIPT = """fetch("/teas.json").then(answer => answer.json()).then(teas => {
  document.title = teas.title;
  document.querySelector("#app").innerHTML = "<main><h1>" + teas.title + "</h1><p>" + teas.text + "</p></main>"
    + "<a href='/sencha'>Sencha</a><a href='https://example.org/'>Elsewhere</a>";
  history.pushState({}, "", "/app/teas");
})"""


async def test_raw_and_rendered_facts_stand_side_by_side(site):
    site.pages = {
        "/app": APP,
        "/app.js": (200, {"Content-Type": "text/javascript"}, SCRIPT),
        "/style.css": (200, {"Content-Type": "text/css"}, "p { font-size: 11px } h1, a { font-size: 20px }"),
        "/teas.json": (200, {"Content-Type": "application/json"}, '{"title": "Our teas", "text": "Green and black"}'),
    }
    (snapshot,) = await rendered(site, "/app")
    page = extract(snapshot.document)
    assert page.title == "Our teas"
    assert page.h1() == ["Our teas"]
    assert page.url == site.url("/app/teas")
    assert page.word_count == 6
    assert [(link.url, link.internal) for link in page.links] == [
        (site.url("/sencha"), True),
        ("https://example.org/", False),
    ]
    assert snapshot.behaviour.led_to is None
    assert snapshot.behaviour.settled
    assert snapshot.behaviour.small_text == pytest.approx(15 / (15 + 8 + 6 + 9))
    assert (snapshot.behaviour.requests, snapshot.behaviour.kept_back) == (4, 0)
    assert site.paths().count("/app") == 2
    assert "/cup.png" not in site.paths()
    agents = {head["user-agent"] for url, head in site.heads if not url.endswith("favicon.ico")}
    assert len(agents) == 1
    assert agents.pop().startswith("seo-scan/")


COMPONENTS = """<!doctype html><html lang="en"><head><title>Tea</title></head><body>
<tea-card><template shadowrootmode="open"><h1>Sencha</h1><slot></slot></template><p>From Uji.</p></tea-card>
<tea-list></tea-list>
<script>const attach = (host, mode, html) => host.attachShadow({mode}).innerHTML = html
attach(document.querySelector("tea-list"), "open", "<tea-item></tea-item>")
attach(document.querySelector("tea-list").shadowRoot.firstChild, "open", "<a href='/gyokuro'>Gyokuro</a>")
attach(document.body.appendChild(document.createElement("div")), "closed", "Nobody can read this")</script>
</body></html>"""


async def test_shadow_trees_are_read_where_they_are_open(site):
    site.pages = {"/": COMPONENTS}
    (snapshot,) = await rendered(site, "/")
    page = extract(snapshot.document)
    assert page.text == "Sencha From Uji. Gyokuro"
    assert [link.url for link in page.links] == [site.url("/gyokuro")]
    assert (page.lang, page.doctype, page.title) == ("en", "html", "Tea")


ATTACKS = {
    "/fetch": '<script>fetch("http://127.0.0.2:{port}/").catch(() => 0); fetch("http://127.0.0.2/")</script>',
    "/xhr": '<script>const x = new XMLHttpRequest(); x.open("POST", "http://127.0.0.2:{port}/"); x.send("a")</script>',
    "/beacon": '<script>navigator.sendBeacon("http://127.0.0.2:{port}/", "a")</script>',
    "/iframe": '<iframe src="http://127.0.0.2:{port}/"></iframe>',
    "/names": '<iframe src="http://named.test/"></iframe><script src="https://named.test/a.js"></script>',
    "/localhost": '<iframe src="http://localhost:{port}/"></iframe><iframe src="http://[::1]:{port}/"></iframe>',
    "/spellings": '<iframe src="http://2130706434:{port}/"></iframe><iframe src="http://0x7f.2:{port}/"></iframe>',
    "/socket": '<script>new WebSocket("ws://127.0.0.2:{port}/"); new WebSocket("wss://127.0.0.2:{port}/")</script>',
    "/source": '<script>new EventSource("http://127.0.0.2:{port}/")</script>',
    "/redirected": '<script src="/away"></script><iframe src="/away"></iframe><link rel="stylesheet" href="/away">',
    "/navigates": '<script>location.href = "http://127.0.0.2:{port}/"</script>',
    "/refreshes": '<meta http-equiv="refresh" content="0; url=/away">',
    "/form": '<form method="post" action="http://127.0.0.2:{port}/"></form><script>document.forms[0].submit()</script>',
    "/hints": '<link rel="preconnect" href="http://127.0.0.2:{port}/"><link rel="prefetch" href="http://127.0.0.2:'
    '{port}/a"><link rel="dns-prefetch" href="http://127.0.0.2:{port}/"><img src="http://127.0.0.2:{port}/b.png">',
    "/worker": """<script>
const code = 'fetch("http://127.0.0.2:{port}/").catch(() => 0); new WebSocket("ws://127.0.0.2:{port}/")';
new Worker(URL.createObjectURL(new Blob([code]))); new SharedWorker(URL.createObjectURL(new Blob([code])))</script>""",
    "/webrtc": """<script>
const servers = [{{urls: "stun:127.0.0.2:{port}"}}, {{urls: "turn:127.0.0.2:{port}?transport=tcp", username: "a",
  credential: "b"}}, {{urls: "turn:127.0.0.2:{port}", username: "a", credential: "b"}}];
const peer = new RTCPeerConnection({{iceServers: servers}}); peer.createDataChannel("a");
peer.createOffer().then(offer => peer.setLocalDescription(offer));</script>""",
    "/transport": '<script>try {{ new WebTransport("https://127.0.0.2:{port}/") }} catch {{}}</script>',
    "/popup": '<script>window.open("http://127.0.0.2:{port}/"); window.open("/popped")</script>',
    "/file": '<iframe src="file:///etc/passwd"></iframe><script>location.href = "file:///etc/passwd"</script>',
}


async def test_nothing_inside_a_page_reaches_what_the_guard_refuses(site, monkeypatch):
    look_up = Resolver.resolve

    async def resolve(self, host, port=0, family=0):
        return await look_up(self, "127.0.0.2" if host == "named.test" else host, port, family)

    monkeypatch.setattr(Resolver, "resolve", resolve)
    with canaries("127.0.0.2", "127.0.0.1") as (other, local):
        site.pages = {
            path: f"<!doctype html><title>{path}</title>" + text.format(port=other.port)
            for path, text in ATTACKS.items()
        }
        site.pages["/localhost"] = site.pages["/localhost"].replace(str(other.port), str(local.port))
        site.pages["/away"] = (302, {"Location": f"http://127.0.0.2:{other.port}/"}, "")
        found = dict(zip(ATTACKS, await rendered(site, *ATTACKS), strict=True))
        assert other.visits == []
        assert local.visits == []
        await rendered(site, "/fetch", allow=(site.host_port, f"127.0.0.2:{other.port}"))
        assert other.visits == ["tcp"]  # the canary is alive
    tried = {path for path, one in found.items() if not isinstance(one, FetchFailure) and one.behaviour.refused}
    assert {"/fetch", "/xhr", "/iframe", "/names", "/localhost", "/spellings", "/socket", "/redirected"} <= tried
    assert {"/navigates", "/refreshes", "/form", "/worker"} <= tried | {
        path for path, one in found.items() if isinstance(one, FetchFailure)
    }
    texts = [one.document.text for one in found.values() if not isinstance(one, FetchFailure)]
    assert not any("root:" in text for text in texts)


HOSTILE = {
    "/asks": "<title>Asks</title><script>alert('a'); confirm('b'); prompt('c'); document.title = 'Asked'</script>",
    "/downloads": "<title>Downloads</title><script>location.href = '/file.bin'</script>",
    "/bears": "<title>Bears</title><script>for (let i = 0; i < 20; i++) window.open('/bears')</script>",
    "/permits": "<title>?</title><script>navigator.permissions.query({name: 'geolocation'})"
    ".then(found => { document.title = found.state })</script>",
    "/large": "<title>Large</title><p>Tea</p><script>document.body.append('tea '.repeat(1e5))</script>",
    "/begs": "<title>Begs</title><script>for (let i = 0; i < 400; i++) fetch('/x?' + i).catch(() => 0)</script>",
    "/floods": "<title>Floods</title><script>for (let i = 0; i < 3000; i++) fetch('/y?' + i).catch(() => 0)</script>",
    "/hides": "<title>Hides</title><form id='f' name='documentElement'></form><script>"
    "Element.prototype.__defineGetter__('outerHTML', () => 'nothing')</script>",
    "/works": "<title>Works</title><script>if ('serviceWorker' in navigator) navigator.serviceWorker.register('/sw.js')"
    ".then(() => { document.title = 'Serves' }, () => { document.title = 'Refused' })</script>",
}


async def test_hostile_pages_get_nothing_and_end(site):
    site.pages = {
        **HOSTILE,
        "/file.bin": (200, {"Content-Type": "application/octet-stream"}, b"\0" * 100),
        "/sw.js": (200, {"Content-Type": "text/javascript"}, ""),
    }
    found = dict(zip(HOSTILE, await rendered(site, *HOSTILE, max_body=100_000), strict=True))
    failed = {path: one.reason for path, one in found.items() if isinstance(one, FetchFailure)}
    assert failed == {"/large": Reason.TOO_LARGE, "/floods": Reason.TOO_LARGE}
    titles = {path: extract(one.document).title for path, one in found.items() if path not in failed}
    assert titles == {
        "/asks": "Asked", "/downloads": "Downloads", "/bears": "Bears", "/permits": "denied", "/begs": "Begs",
        "/hides": "Hides", "/works": "Serves",
    }  # fmt: skip
    assert "/sw.js" not in site.paths()
    visits = site.paths().count("/begs") - 1  # a second one where another page brought the browser down
    assert visits in {1, 2}
    assert sum(path.startswith("/x?") for path in site.paths()) <= 300 * visits
    assert found["/begs"].behaviour.kept_back >= 100


LOOPS = {
    "/loops": "<title>Loops</title><script>while (true) {}</script>",
    "/loops-later": "<title>Loops</title><script>setTimeout(() => { while (true) {} }, 200)</script>",
}


async def test_a_page_that_loops_for_ever_ends_and_holds_up_no_other(site):
    site.pages = {**LOOPS, "/plain": "<title>Plain</title>"}
    *loops, plain = await rendered(site, *LOOPS, "/plain", deadline=8)
    assert [one.reason for one in loops] == [Reason.DEADLINE, Reason.DEADLINE]
    assert extract(plain.document).title == "Plain"


CANARY = b"canary-4711-secret"


async def test_the_browser_and_what_it_started_end_with_their_context(site, monkeypatch):
    monkeypatch.setenv("SEO_ACCESS_TOKEN", CANARY.decode())
    site.pages = {"/plain": "<title>Plain</title>"}
    before = children()
    options = FetchOptions(allow=(site.host_port,), deadline=10)
    async with Fetcher(options) as fetcher, Renderer(options, RenderOptions()) as renderer:
        plain = await fetcher.fetch(site.url("/plain"))
        assert extract((await renderer.render(plain)).document).title == "Plain"
        for mark in (b"--remote-debugging-pipe", b"run-driver"):
            for process in children() - before:
                if mark in command(process) and b"--type=" not in command(process):
                    assert mark == b"run-driver" or CANARY not in told(process, "environ")
                    os.kill(process, 9)
            assert extract((await renderer.render(plain)).document).title == "Plain"
        assert children() - before
    for _ in range(100):
        if not children() - before:
            break
        await asyncio.sleep(0.1)
    assert children() - before == set()


def command(process):
    return told(process, "cmdline")


def told(process, what):
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return b""


def children():
    """Processes that belong to this one, however far down."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines()[1:])

    def ours(process):
        while process in parents:
            process = parents[process]
            if process == os.getpid():
                return True
        return False

    return {process for process in parents if ours(process) and command(process) and command(process)[:3] != b"ps\0"}


async def test_a_crawl_renders_its_pages_and_lets_nothing_out_that_robots_txt_disallows(site, tmp_path):
    site.pages = {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, "User-agent: *\nDisallow: /private/\n"),
        "/": '<!doctype html><title>Teas</title><a href="/app">Teas</a>',
        "/app": f'{APP}<script src="/private/more.js"></script>',
        "/app.js": (200, {"Content-Type": "text/javascript"}, SCRIPT),
        "/private/more.js": (200, {"Content-Type": "text/javascript"}, "document.title = 'Private'"),
        "/teas.json": (200, {"Content-Type": "application/json"}, '{"title": "Our teas", "text": "Green and black"}'),
    }
    rules = CrawlRules(project_id="default", start_url=site.url("/"), root_url=site.url("/"), check=())
    settings = ScanSettings(
        data=str(tmp_path), options=FetchOptions(allow=(site.host_port,)), crawl=rules, render=RenderOptions()
    )
    with Store.open(tmp_path) as store:
        run = begin_crawl(store, rules, settings, user_id="ann", run_id=new_run_id(), flow_run_id=None)
        job = ChunkJob(
            settings=settings,
            run_id=run.run_id,
            epoch=run.epoch,
            index=0,
            deadline=time.time() + 300,
            parent_pid=os.getpid(),
        )
        await CrawlChunk(job, store, rules).run()
        found = store.sql(
            "SELECT p.title, r.title, r.kept_back FROM pages p JOIN rendered r USING (run_id, page_id) ORDER BY p.url"
        )
        failed = store.sql("SELECT DISTINCT rule FROM issues WHERE rule LIKE '%rendered' ORDER BY rule")
    assert list(found.rows) == [("Teas", "Teas", 0), ("Loading", "Our teas", 1)]
    assert list(failed.rows) == [("title-raw-vs-rendered",)]
    assert "/private/more.js" not in site.paths()


def test_the_command_shows_both_sides(site, seo, served_environment, tmp_path):
    site.pages = {"/": RULES_BY_ID["content-requires-js"].bad.html}
    command = [seo, "scan", site.url("/"), "--render", "--no-analyze", "--data", tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, env=served_environment, check=True, timeout=300)
    assert "rendered" in told.stdout
    assert "content-requires-js" in told.stdout
    assert "240 words" in told.stdout
    asked = [seo, "page", site.url("/"), "--format", "json", "--data", tmp_path]
    shown = subprocess.run(asked, capture_output=True, text=True, env=served_environment, check=True, timeout=300)
    (page,) = json.loads(shown.stdout)
    assert (page["facts"]["word_count"], page["rendered"]["word_count"]) == (0, 240)


async def test_https_goes_through_a_tunnel_and_is_verified(monkeypatch):
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(tls)

    async def answer(reader, writer):
        with suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            body = b"<title>Tea</title><script>document.title = location.protocol</script>"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    raw = Response(url=f"https://{at}/", status=200)
    async with server, Renderer(FetchOptions(allow=(at,)), RenderOptions()) as renderer:
        refused = await renderer.render(raw)
    assert refused.reason is Reason.BAD_RESPONSE
    assert "ERR_CERT_AUTHORITY_INVALID" in refused.detail
    key = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_key()
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    known = f"--ignore-certificate-errors-spki-list={b64encode(digest).decode()}"
    monkeypatch.setattr(chromium, "_SWITCHES", (*chromium._SWITCHES, known))
    server = await asyncio.start_server(answer, "127.0.0.1", int(at.rpartition(":")[2]), ssl=tls)
    async with server, Renderer(FetchOptions(allow=(at,)), RenderOptions()) as renderer:
        shown = await renderer.render(raw)
    assert extract(shown.document).title == "https:"
