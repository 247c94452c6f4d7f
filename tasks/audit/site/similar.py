"""Near duplicates among MinHash signatures, by locality-sensitive hashing.

Signatures that agree in a whole band become neighbours, neighbours are compared value by value. Each is compared with a
bounded number of neighbours in a bounded number of bands, so 10,000 pages of one template cost no 50 million pairs.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.site.components import Ints, components

VALUES = 128
ROWS = 8
BANDS = VALUES // ROWS
"""A pair at 0.9 agrees in one of 16 bands of 8 rows with a probability of 99.99 %, at 0.85 with 99.4 %."""

NEIGHBOURS = 16
PAIRS_AT_ONCE = 50_000

Signatures = NDArray[np.uint32]
Shares = NDArray[np.float64]

_SEED = 42
_FACTORS = np.random.default_rng(_SEED).integers(1, 2**63, size=ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def near_duplicates(signatures: Signatures, threshold: float) -> tuple[Ints, Shares]:
    """Clusters of signatures whose estimated Jaccard similarity reaches ``threshold``.

    Args:
        signatures: one row of 128 values each.
        threshold: from 0.85 on; below, pairs begin to be overlooked.

    Returns:
        For each signature the lowest one of its cluster, and the highest similarity found to one of its cluster; 0 for
        one that is alone.
    """
    size = len(signatures)
    label = np.arange(size)
    best = np.zeros(size)
    bands = [_hashes(signatures[:, start : start + ROWS]) for start in range(0, VALUES, ROWS)]
    for number, band in enumerate(bands):
        order = np.lexsort((bands[number - 1], band))
        for distance in range(1, min(NEIGHBOURS, size - 1) + 1):
            one, other = order[:-distance], order[distance:]
            agree = band[one] == band[other]
            if not agree.any():
                break
            wanted = agree & (label[one] != label[other])
            one, other = one[wanted], other[wanted]
            share = _similarity(signatures, one, other)
            near = share >= threshold
            if near.any():
                one, other, share = one[near], other[near], share[near]
                np.maximum.at(best, one, share)
                np.maximum.at(best, other, share)
                label = components(label[one], label[other], size)[label]
    return label, best


def _hashes(band: Signatures) -> NDArray[np.uint64]:
    hashes: NDArray[np.uint64] = (band * _FACTORS).sum(axis=1, dtype=np.uint64)
    return hashes


def _similarity(signatures: Signatures, one: Ints, other: Ints) -> Shares:
    """Share of equal values of each pair."""
    share = np.empty(one.size)
    for start in range(0, one.size, PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        share[part] = (signatures[one[part]] == signatures[other[part]]).mean(axis=1)
    return share
