"""Sets of nodes that hang together. Nodes are numbers from 0; all is done on whole arrays."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def components(one: Ints, other: Ints, size: int) -> Ints:
    """For each node the lowest node that it is connected with, whatever the direction of edges."""
    label = np.arange(size)
    while True:
        ends = label[one], label[other]
        low, high = np.minimum(*ends), np.maximum(*ends)
        apart = low != high
        if not apart.any():
            return label
        np.minimum.at(label, high[apart], low[apart])
        label = _compressed(label)


def _compressed(label: Ints) -> Ints:
    while True:
        shorter = label[label]
        if np.array_equal(shorter, label):
            return label
        label = shorter


def heads(points_to: Ints) -> Ints:
    """Where following the pointers ends from each node: a node that points to itself, or the lowest of a cycle."""
    landing, lowest = points_to, np.minimum(np.arange(points_to.size), points_to)
    for _ in range(points_to.size.bit_length()):
        lowest = np.minimum(lowest, lowest[landing])
        landing = landing[landing]
    return lowest[landing]


def on_cycles(points_to: Ints) -> Flags:
    """True for each node that following the pointers comes back to, over others."""
    landing = points_to
    for _ in range(points_to.size.bit_length()):
        landing = landing[landing]
    found: Flags = points_to != np.arange(points_to.size)
    found[np.setdiff1d(np.arange(points_to.size), landing)] = False
    return found
