"""Click depth and PageRank of a directed graph whose nodes are numbers from 0."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAMPING = 0.85
TOLERANCE = 1e-9
"""Sum of all changes in the round that ends the iteration; PageRank sums up to 1."""

MAX_ROUNDS = 200
EDGES_AT_ONCE = 250_000

Numbers = NDArray[np.int32]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges sorted by source, none twice; ``weight`` is positive."""

    source: Numbers
    target: Numbers
    weight: NDArray[np.float32]


def depths(starts: NDArray[np.integer[Any]], edges: Edges, size: int) -> Numbers:
    """Edges on the shortest path from the nearest of ``starts``; -1 where there is no path."""
    depth = np.full(size, -1, dtype=np.int32)
    first_edge = np.searchsorted(edges.source, np.arange(size + 1, dtype=np.int32))
    reached = np.unique(starts.astype(np.int64))
    level = 0
    while reached.size:
        depth[reached] = level
        level += 1
        neighbours = edges.target[_spans(first_edge[reached], first_edge[reached + 1])]
        reached = np.unique(neighbours[depth[neighbours] < 0])
    return depth


def _spans(begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """All numbers of all ranges, one after the other."""
    lengths = end - begin
    behind = np.cumsum(lengths)
    total = int(behind[-1])
    return np.repeat(begin - behind + lengths, lengths) + np.arange(total)


def pagerank(edges: Edges, size: int) -> Reals:
    """PageRank of each node by power iteration; a node without edges gives to all alike.

    http://ilpubs.stanford.edu:8090/422/
    """
    if not size:
        return np.zeros(0)
    given = np.bincount(edges.source, weights=edges.weight, minlength=size)
    per_weight = np.divide(DAMPING, given, out=np.zeros(size), where=given > 0)
    dangling = given == 0
    rank = np.full(size, 1 / size)
    for _ in range(MAX_ROUNDS):
        spread = (1 - DAMPING + DAMPING * rank[dangling].sum()) / size
        following = _flow(edges, rank * per_weight, size) + spread
        change = np.abs(following - rank).sum()
        rank = following
        if change < TOLERANCE:
            break
    return rank


def _flow(edges: Edges, per_weight: Reals, size: int) -> Reals:
    """What arrives at each node. In slices, since each array of all edges at full width weighs hundreds of MB."""
    arrived = np.zeros(size)
    for start in range(0, edges.source.size, EDGES_AT_ONCE):
        part = slice(start, start + EDGES_AT_ONCE)
        flow = per_weight[edges.source[part]] * edges.weight[part]
        arrived += np.bincount(edges.target[part], weights=flow, minlength=size)
    return arrived
