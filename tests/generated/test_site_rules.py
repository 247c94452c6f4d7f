import json

import networkx as nx
import numpy as np
import pytest

from tasks.audit.site.engine import audit_site
from tasks.audit.site.prepare import graph, prepare
from tests.generated.compare import differences
from tests.generated.crawled import BASE, tables
from tests.generated.site import RAISED_RULES, SITE_RULES, UNKNOWN_WHEN_INCOMPLETE, generate
from tests.generated.variants import VARIANTS


class Judged:
    """What the site rules say of a generated site whose crawl met no accident."""

    def __init__(self, site, folder, *, complete=True):
        with tables(site, folder, complete=complete) as db:
            made = prepare(db)
            urls = dict(db.execute("SELECT page_id, url FROM pages").fetchall())
            self.nodes = {urls[row["page_id"]].removeprefix(BASE): row for row in graph(made).to_dicts()}
            verdict = audit_site(made)
            self.issues = [issue for frame in verdict.issues() for issue in frame.to_dicts()]
            self.outcomes = {result.rule: result.outcome.value for result in verdict.results}

    @property
    def found(self):
        """(rule, path) of the issues about pages."""
        return {(i["rule"], i["url"].removeprefix(BASE)) for i in self.issues if i["page_id"]}


@pytest.fixture(scope="module", params=[1, 2])
def site(request):
    return generate(request.param)


@pytest.fixture(scope="module")
def judged(site, tmp_path_factory):
    return Judged(site, tmp_path_factory.mktemp("tables"))


def test_exactly_the_planted_faults_are_found(site, judged):
    assert differences(judged.found, site.expected) == ""
    assert {rule: judged.outcomes[rule] for rule in SITE_RULES} == site.outcomes


def test_targets_and_severities_are_those_planted(site, judged):
    told = {
        (issue["rule"], issue["url"].removeprefix(BASE), evidence["target"].removeprefix(BASE)): issue["severity"]
        for issue in judged.issues
        if issue["rule"].startswith("link-") and (evidence := json.loads(issue["evidence"]))
    }
    planted = {
        (p.rule, p.path, p.target.replace("{{elsewhere}}", "http://other.example")): p.severity
        for p in site.planted
        if p.rule.startswith("link-")
    }
    assert differences(told.keys(), planted.keys()) == ""
    assert {key for key, severity in planted.items() if severity} == {
        key for key, severity in told.items() if key[0] == "link-broken-external" and severity == "notice"
    }


def test_raised_severities_are_those_planted(site, judged):
    planted = {(p.rule, p.path, p.severity) for p in site.planted if p.rule in RAISED_RULES}
    assert len(planted) == 6
    told = {(i["rule"], i["url"].removeprefix(BASE), i["severity"]) for i in judged.issues if i["raised_from"]}
    assert differences(told, planted) == ""


def test_depths_are_those_of_the_site(site, judged):
    assert {path: judged.nodes[path]["depth"] for path in site.drafts} == {
        path: site.depth.get(path) for path in site.drafts
    }


def test_inlinks_are_those_of_the_site(site, judged):
    sources, followed = {}, {}
    for edge in site.edges:
        if edge.source != edge.target:
            sources.setdefault(edge.target, set()).add(edge.source)
            if edge.followed:
                followed.setdefault(edge.target, set()).add(edge.source)
    goals = {reply.header("Location") for reply in site.pages.values()}
    for path in site.drafts.keys() - goals:
        node = judged.nodes[path]
        assert node["inlinks"] == len(sources.get(path, ())), path
        assert node["followed_inlinks"] == len(followed.get(path, ())), path


def test_pagerank_is_that_of_networkx(site, judged):
    """On the graph as documented: clusters pass all to their heads, a pair of pages counts its best link."""
    weights = {"main": 1.0, "body": 1.0, "aside": 0.5, "nav": 0.3, "header": 0.3, "footer": 0.1}
    urls = {node["page_id"]: path for path, node in judged.nodes.items()}
    head = {path: urls[node["canonical_cluster"]] for path, node in judged.nodes.items()}
    ranked = nx.DiGraph()
    ranked.add_nodes_from(judged.nodes)
    for edge in site.edges:
        source, target = edge.source, head[edge.target]
        if edge.followed and edge.source != edge.target and head[source] == source != target:
            best = ranked.get_edge_data(source, target, {"weight": 0})["weight"]
            ranked.add_edge(source, target, weight=max(best, weights[edge.position]))
    for path, first in head.items():
        if path != first:
            ranked.add_edge(path, first, weight=1.0)
    step = np.asarray(nx.google_matrix(ranked, alpha=0.85))
    rank = np.full(len(ranked), 1 / len(ranked)) @ np.linalg.matrix_power(step, 256)
    expected = dict(zip(ranked, rank, strict=True))
    assert {path: node["pagerank"] for path, node in judged.nodes.items()} == pytest.approx(expected, abs=1e-7)


def test_an_incomplete_crawl_does_not_say_what_it_cannot_know(tmp_path):
    judged = Judged(generate(1), tmp_path, complete=False)
    assert {rule for rule, outcome in judged.outcomes.items() if outcome == "unknown"} >= UNKNOWN_WHEN_INCOMPLETE
    assert not {rule for rule, _ in judged.found} & UNKNOWN_WHEN_INCOMPLETE


@pytest.mark.parametrize("name", sorted(VARIANTS.keys() - {"robots-unreachable"}))
def test_small_sites_have_the_fault_they_are_made_for(name, tmp_path):
    site = VARIANTS[name](1)
    judged = Judged(site, tmp_path)
    assert {rule: judged.outcomes[rule] for rule in site.outcomes} == site.outcomes
    expected = {finding for finding in site.expected if finding[0] in SITE_RULES}
    assert differences(judged.found, expected) == ""
