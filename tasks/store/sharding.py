"""A list divided among machines: the open pages of a host are all in one shard, and shards are about even."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

from sqlalchemy import Connection, func, select

from tasks.store.records import Left, Shard
from tasks.store.runs import OPEN_STATES
from tasks.store.schema import frontier
from tasks.urls import host_port

Key = TypeVar("Key", bound=Hashable)


def spread(weights: Mapping[Key, int], shards: int) -> dict[Key, int]:
    """The shard, from 0, of each key: the heaviest key first, each to the shard that is lightest so far."""
    loads = [(0, number) for number in range(shards)]
    placed: dict[Key, int] = {}
    for key in sorted(weights, key=lambda key: -weights[key]):
        load, number = heappop(loads)
        placed[key] = number
        heappush(loads, (load + weights[key], number))
    return placed


def cut(hosts: Sequence[str | None], size: int, shards: int) -> list[int]:
    """The chunk of each page of a list, by its host; None where nothing is to be fetched.

    Chunks hold up to ``size`` pages in the list's order, each of one shard.
    """
    shard_of = spread(Counter(host for host in hosts if host is not None), shards)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, host in enumerate(hosts):
        places[0 if host is None else shard_of[host]].append(place)
    chunks = [0] * len(hosts)
    numbers = count()
    for _, members in sorted(places.items()):
        for first in range(0, len(members), size):
            number = next(numbers)
            for place in members[first : first + size]:
                chunks[place] = number
    return chunks


def divide(pages: Mapping[int, Mapping[str, int]], shards: int) -> list[Shard]:
    """At most ``shards`` shards of chunks, whatever they were cut for: chunks that share a host stay together.

    Args:
        pages: by chunk, the open pages of each host.
        shards: how many are wished for.
    """
    groups = _together(pages)
    weights = {first: sum(sum(pages[chunk].values()) for chunk in group) for first, group in groups.items()}
    placed = spread(weights, shards)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for first, number in placed.items():
        found[number] += groups[first]
    return [
        Shard(number, tuple(sorted(chunks)), sum(sum(pages[chunk].values()) for chunk in chunks))
        for number, (_, chunks) in enumerate(sorted(found.items()))
    ]


def _together(pages: Mapping[int, Iterable[str]]) -> dict[int, list[int]]:
    """Groups of chunks that have no host in common, by one of each."""
    leader = {chunk: chunk for chunk in pages}

    def lead(chunk: int) -> int:
        while leader[chunk] != chunk:
            leader[chunk] = leader[leader[chunk]]
            chunk = leader[chunk]
        return chunk

    seen: dict[str, int] = {}
    for chunk, hosts in pages.items():
        for host in hosts:
            leader[lead(chunk)] = lead(seen.setdefault(host, chunk))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for chunk in pages:
        groups[lead(chunk)].append(chunk)
    return dict(groups)


def shards_of(connection: Connection, run_id: str, shards: int) -> list[Shard]:
    """The run's chunks with open pages, divided."""
    columns = select(frontier.c.chunk, frontier.c.url)
    here = (frontier.c.run_id == run_id, frontier.c.chunk.is_not(None), frontier.c.state.in_(OPEN_STATES))
    pages: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for chunk, url in connection.execute(columns.where(*here).order_by(frontier.c.chunk)):
        pages[chunk][host_port(url)] += 1
    return divide(pages, shards)


def left(connection: Connection, run_id: str, chunks: Sequence[int]) -> Left:
    """What is open of the chunks."""
    here = (frontier.c.run_id == run_id, frontier.c.chunk.in_(chunks), frontier.c.state.in_(OPEN_STATES))
    row = connection.execute(select(func.count(), func.max(frontier.c.lease_until)).where(*here)).one()
    return Left(row[0], row[1] or 0.0)
