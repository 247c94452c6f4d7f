"""Depth, PageRank and clusters, against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.link_analysis.pagerank_alg import _pagerank_python

from tasks.audit.site.components import components, heads, on_cycles
from tasks.audit.site.similar import near_duplicates
from tasks.audit.site.walks import Edges, depths, pagerank

NODES = 12
PAIRS = st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1))
WEIGHTS = st.sampled_from([0.1, 0.3, 0.5, 1.0])
LINKS = st.dictionaries(PAIRS.filter(lambda pair: pair[0] != pair[1]), WEIGHTS, max_size=50)
POINTERS = st.lists(st.integers(0, NODES - 1), min_size=1, max_size=NODES).map(
    lambda targets: np.array([target % len(targets) for target in targets], dtype=np.int64)
)


def edges_of(links):
    pairs = sorted(links)
    source, target = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    return Edges(source, target, np.array([links[pair] for pair in pairs], dtype=np.float32))


def graph_of(links):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(NODES))
    graph.add_weighted_edges_from((one, other, float(np.float32(weight))) for (one, other), weight in links.items())
    return graph


@given(LINKS, st.sets(st.integers(0, NODES - 1), min_size=1, max_size=2))
def test_depths_are_those_of_networkx(links, starts):
    found = depths(np.array(sorted(starts)), edges_of(links), NODES)
    expected = nx.multi_source_dijkstra_path_length(graph_of(links), starts, weight=None)
    assert found.tolist() == [expected.get(node, -1) for node in range(NODES)]


@given(LINKS)
def test_pagerank_is_that_of_networkx(links):
    found = pagerank(edges_of(links), NODES)
    expected = _pagerank_python(graph_of(links), tol=1e-12, max_iter=1000)
    assert found == pytest.approx([expected[node] for node in range(NODES)], abs=1e-8)
    assert found.sum() == pytest.approx(1)


def test_graph_of_nothing():
    assert pagerank(edges_of({}), 0).size == 0
    assert depths(np.array([], dtype=np.int64), edges_of({}), 3).tolist() == [-1, -1, -1]


def test_a_chain_is_walked_to_its_end():
    links = {(n, n + 1): 1.0 for n in range(4999)}
    assert depths(np.array([0]), edges_of(links), 5000).tolist() == list(range(5000))


@given(st.lists(PAIRS, max_size=15))
def test_components_are_those_of_networkx(pairs):
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(NODES))
    lowest = {node: min(group) for group in nx.connected_components(graph) for node in group}
    assert components(one, other, NODES).tolist() == [lowest[node] for node in range(NODES)]


@given(POINTERS)
def test_heads_and_cycles(pointers):
    expected_heads, expected_cycles = [], []
    for node in range(pointers.size):
        seen = [node]
        while pointers[seen[-1]] not in seen:
            seen.append(pointers[seen[-1]])
        cycle = seen[seen.index(pointers[seen[-1]]) :]
        expected_heads.append(min(cycle))
        expected_cycles.append(node in cycle and len(cycle) > 1)
    assert heads(pointers).tolist() == expected_heads
    assert on_cycles(pointers).tolist() == expected_cycles


def test_no_pages_have_no_heads():
    nothing = np.array([], dtype=np.int64)
    assert heads(nothing).size == on_cycles(nothing).size == components(nothing, nothing, 0).size == 0


def signatures(*differences, base=0):
    """Rows that differ from the first in the given numbers of values, in places of their own."""
    rows = np.tile(np.arange(base, base + 128, dtype=np.uint32), (len(differences), 1))
    for number, count in enumerate(differences):
        rows[number, :count] = 1_000_000 * (number + 1) + np.arange(count)
    return rows


def test_near_duplicates_at_the_limit():
    label, best = near_duplicates(signatures(0, 12, 14, 128), 0.9)
    assert label.tolist() == [0, 0, 2, 3]
    assert best == pytest.approx([116 / 128, 116 / 128, 0, 0])


def test_near_duplicates_of_nothing_and_of_one():
    assert near_duplicates(signatures(), 0.9)[0].tolist() == []
    assert near_duplicates(signatures(0), 0.9)[0].tolist() == [0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_near_duplicates_are_all_pairs_over_the_threshold(seed):
    random = np.random.default_rng(seed)
    rows = random.integers(0, 2**32, size=(60, 128), dtype=np.uint32)
    for number in range(1, 60):
        if random.random() < 0.6:
            rows[number] = rows[random.integers(0, number)]
            rows[number, random.choice(128, random.integers(0, 24), replace=False)] = number
    near = (rows[:, None, :] == rows[None, :, :]).mean(axis=2) >= 0.92
    sure = components(*np.nonzero(near), 60)
    label, best = near_duplicates(rows, 0.9)
    exact = components(*np.nonzero((rows[:, None, :] == rows[None, :, :]).mean(axis=2) >= 0.9), 60)
    assert all(len(set(label[sure == one])) == 1 for one in set(sure))
    assert all(len(set(exact[label == one])) == 1 for one in set(label))
    assert ((best >= 0.9) == np.isin(label, np.flatnonzero(np.bincount(label, minlength=60) > 1))).all()


def test_one_template_is_one_cluster_at_a_bounded_cost(monkeypatch):
    compared = []
    similarity = "tasks.audit.site.similar._similarity"
    real = near_duplicates.__globals__["_similarity"]
    monkeypatch.setattr(similarity, lambda rows, one, other: compared.append(one.size) or real(rows, one, other))
    label, best = near_duplicates(np.tile(signatures(0), (10_000, 1)), 0.9)
    assert not label.any()
    assert (best == 1).all()
    assert sum(compared) < 10_000


def test_ranks_follow_redirects_and_canonicals(judge):
    judged = judge(
        """
        /      <main><a href="/old">Old</a> <a href="/copy">Copy</a></main><footer><a href="/other">Other</a></footer>
        /old   301 /new
        /new   <a href="/">Home</a>
        /copy  <link rel="canonical" href="/new"><a href="/other">Other</a>
        /other <a href="/" rel="nofollow">Home</a>
        """
    )
    rank = {path: node["pagerank"] for path, node in judged.graph.items()}
    links = {("/", "/new"): 1, ("/", "/other"): 0.1, ("/new", "/"): 1, ("/old", "/new"): 1, ("/copy", "/new"): 1}
    graph = nx.DiGraph()
    graph.add_nodes_from(rank)
    graph.add_weighted_edges_from((*pair, float(np.float32(weight))) for pair, weight in links.items())
    assert rank == pytest.approx(_pagerank_python(graph, tol=1e-12, max_iter=1000), abs=1e-8)
    heads = {path: node["canonical_cluster"] for path, node in judged.graph.items()}
    assert heads["/old"] == heads["/copy"] == heads["/new"] == judged.graph["/new"]["page_id"]
    assert heads["/other"] == judged.graph["/other"]["page_id"]


def test_inlinks_by_kind(judge):
    judged = judge(
        """
        /   <nav><a href="/t">T</a> <a href="/t">T</a></nav>
        /a  <main><a href="/t" rel="nofollow">T</a></main>
        /b  <header><a href="/t">T</a></header><aside><a href="/moved">T</a></aside>
        /t  <a href="/t">T</a>
        /moved 301 /t
        """
    )
    node = judged.graph["/t"]
    assert (node["inlinks"], node["followed_inlinks"], node["contextual_inlinks"]) == (3, 2, 2)
    assert judged.graph["/moved"]["inlinks"] == 1
