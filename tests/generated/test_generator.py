import http.client

import pytest

from tests.generated.builder import HOME
from tests.generated.compare import differences
from tests.generated.endless import CHAIN_PAGES, ENDLESS, chain
from tests.generated.oracle import BASE, Walk
from tests.generated.server import RESET, serve
from tests.generated.site import PAGE_RULES, generate
from tests.generated.variants import VARIANTS

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def site(request):
    return generate(request.param)


@pytest.fixture(scope="module")
def walk(site):
    return Walk(site)


def paths(urls):
    return {url.removeprefix(BASE) for url in urls}


def test_the_findings_planted_are_those_an_independent_reader_finds(site, walk):
    assert differences(walk.findings(), site.expected) == ""


def test_every_rule_about_pages_has_faults_at_several_places(site):
    for rule in PAGE_RULES:
        assert sum(planted.rule == rule for planted in site.planted) >= 2, rule


def test_most_pages_are_sound(site):
    assert len(site.drafts) == 450
    assert len({path for _, path in site.expected} & site.drafts.keys()) < 200


def test_links_and_depths_agree_with_the_html(site, walk):
    links = {(BASE + edge.source, BASE + edge.target) for edge in site.edges if edge.source != edge.target}
    followed = {(BASE + e.source, BASE + e.target) for e in site.edges if e.followed and e.source != e.target}
    assert links == set(walk.linked.edges)
    assert followed == set(walk.followed.edges)
    positions = {(BASE + edge.source, BASE + edge.target, edge.position) for edge in site.edges}
    assert positions == {
        (url, link.url, link.position)
        for url, page in walk.pages.items()
        for link in page.links
        if link.url.startswith(BASE)
    }
    assert {BASE + path: depth for path, depth in site.depth.items()} == walk.depths(redirect_costs=0)


def test_no_page_is_deeper_where_a_redirect_counts_as_a_click(walk):
    one, other = walk.depths(redirect_costs=0), walk.depths(redirect_costs=1)
    assert {url: one.get(url) for url in walk.pages} == {url: other.get(url) for url in walk.pages}


def test_no_finding_hangs_on_links_by_way_of_redirects(walk):
    for url in walk.indexable:
        straight = walk.sources(walk.followed, url, over_redirects=False)
        assert min(len(straight), 2) == min(len(walk.sources(walk.followed, url, over_redirects=True)), 2)


def test_a_walk_reaches_what_the_site_says(site, walk):
    assert paths(walk.statuses) == site.fetched
    assert paths(walk.blocked) == site.blocked & site.reached == site.blocked
    assert paths(walk.listed) == set(site.listed)
    targets = {p.target for p in site.planted if p.target.startswith("/") and p.rule != "image-broken"}
    assert targets <= site.reached


def test_the_start_is_linked_in_some_sites_and_in_some_not():
    linked = {any(edge.target == HOME for edge in generate(seed).edges) for seed in SEEDS}
    assert linked == {True, False}


def test_the_same_seed_makes_the_same_site(site):
    again = generate(site.seed)
    assert (again.pages, again.planted, again.sitemaps) == (site.pages, site.planted, site.sitemaps)


def test_another_seed_makes_another_site():
    one, other = generate(1), generate(2)
    assert one.planted != other.planted
    assert one.pages["/"].body != other.pages["/"].body


def test_sites_have_the_size_asked_for_or_are_refused():
    assert len(generate(4, pages=600).drafts) == 600
    with pytest.raises(ValueError, match="pages are needed"):
        generate(4, pages=100)


@pytest.mark.parametrize("name", sorted(VARIANTS.keys() - {"missing-page-found"}))
def test_small_sites_have_no_finding_about_their_pages(name):
    site = VARIANTS[name](1)
    blocked = {("blocked-by-robots", "/")} if name == "robots-blocks-all" else set()
    assert Walk(site).findings() == site.expected == blocked


def test_a_small_site_that_finds_every_page_has_soft_404s_alone():
    site = VARIANTS["missing-page-found"](1)
    assert Walk(site).findings() == set()
    assert {rule for rule, _ in site.expected} == {"soft-404"}
    assert site.reply("/no/such/page") == site.reply("/forgotten/one")


def get(host_port, path, method="GET"):
    connection = http.client.HTTPConnection(host_port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_the_server_answers_for_both_hosts_and_remembers():
    site = generate(1)
    with serve(site.reply, site.reply_elsewhere) as served:
        status, body, headers = get(served.host_port, "/")
        assert status == 200
        assert f'rel="canonical" href="{served.origin}/"'.encode() in body
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert get(served.host_port, "/no/such/page")[0] == 404
        assert get(served.elsewhere_host_port, "/missing")[0] == 404
        assert get(served.elsewhere_host_port, "/no-head", "HEAD")[:2] == (405, b"")
        assert get(served.host_port, "/sitemaps/two.xml.gz")[1].startswith(b"\x1f\x8b")
        assert served.origin.encode() in get(served.host_port, "/sitemaps/one.xml")[1]
    assert [(request.method, request.path, request.status) for request in served.requests()] == [
        ("GET", "/", 200),
        ("GET", "/no/such/page", 404),
        ("GET", "/sitemaps/two.xml.gz", 200),
        ("GET", "/sitemaps/one.xml", 200),
    ]
    assert [request.path for request in served.requests(served.elsewhere_host_port)] == ["/missing", "/no-head"]


def test_a_share_of_first_requests_fails_and_second_ones_do_not():
    site = generate(1)
    statuses = {}
    with serve(site.reply, fail_first=0.08, fail=["/about/"]) as served:
        for path in [*site.drafts][:200]:
            for _ in range(2):
                try:
                    status = get(served.host_port, path)[0]
                except (http.client.HTTPException, OSError):
                    status = RESET
                statuses.setdefault(path, []).append(status)
        assert {path for path, (first, _) in statuses.items() if first != 200} == served.failed
    assert {second for _, second in statuses.values()} == {200}
    assert {first for first, _ in statuses.values()} == {200, 503, RESET}
    assert 8 <= len(served.failed) <= 30
    assert "/about/" in served.failed
    assert served.repeated().keys() == statuses.keys() - served.failed


def test_a_body_can_drip_while_others_do_not_wait():
    with serve(chain, drip={"/7": 60}) as served:
        slow = http.client.HTTPConnection(served.host_port, timeout=10)
        slow.request("GET", "/7")
        answer = slow.getresponse()
        assert answer.status == 200
        assert get(served.host_port, "/8")[0] == 200
        slow.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            answer.read()
        slow.close()


def test_the_chain_leads_from_page_to_page():
    assert b'href="/2"' in chain("/").body
    assert b'href="/1000"' in chain("/999").body
    assert b"href" not in chain(f"/{CHAIN_PAGES}").body
    assert chain(f"/{CHAIN_PAGES + 1}").status == chain("/x").status == 404


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_sites_have_no_end(name):
    answers = ENDLESS[name]
    found, ahead = {"/"}, ["/"]
    while ahead and len(found) < 3_000:
        path = ahead.pop(0)
        reply = answers(path)
        assert reply.status == 200, path
        for href in reply.body.decode().split('href="')[1:]:
            target = href.partition('"')[0].replace("&amp;", "&")
            target = target if target.startswith("/") else path.rpartition("/")[0] + "/" + target
            if target not in found:
                found.add(target)
                ahead.append(target)
        if name == "deeper" and path.count("/") > 60:
            break
    assert len(found) >= (60 if name == "deeper" else 3_000)
