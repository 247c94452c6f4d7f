"""A list divided among machines: every page once, no host in two places, about even."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tasks.store import Left, Shard
from tasks.store.sharding import cut, divide
from tasks.urls import host_port

HOSTS = st.sampled_from([f"{letter}.example:443" for letter in "abcdefghij"])
LISTS = st.lists(st.none() | HOSTS, max_size=200)


def pages_of(hosts, chunks):
    """Open pages by chunk and host."""
    pages = defaultdict(Counter)
    for host, chunk in zip(hosts, chunks, strict=True):
        if host is not None:
            pages[chunk][host] += 1
    return pages


@given(LISTS, st.integers(1, 20), st.integers(2, 8))
def test_a_list_is_cut_in_order_into_chunks_of_one_shard_each(hosts, size, count):
    chunks = cut(hosts, size, count)
    assert max(Counter(chunks).values(), default=0) <= size
    assert sorted(set(chunks)) == list(range(len(set(chunks))))
    loads = sorted(shard.pages for shard in divide(pages_of(hosts, chunks), count))
    by_host = Counter(host for host in hosts if host is not None)
    assert sum(loads) == by_host.total()
    assert len(loads) == min(count, len(by_host))
    if loads:  # what the heaviest host makes unavoidable, and no more
        assert loads[-1] - (loads[0] if len(loads) == count else 0) <= max(by_host.values())


@given(st.lists(st.tuples(st.integers(0, 30), HOSTS)), st.integers(1, 8))
def test_whatever_the_chunks_are_each_is_in_one_shard_and_no_host_in_two(members, count):
    pages = pages_of([host for _, host in members], [chunk for chunk, _ in members])
    shards = divide(pages, count)
    assert sorted(chunk for shard in shards for chunk in shard.chunks) == sorted(pages)
    assert [shard.number for shard in shards] == list(range(len(shards)))
    assert len(shards) <= count
    hosts = [{host for chunk in shard.chunks for host in pages[chunk]} for shard in shards]
    assert sum(map(len, hosts)) == len(set().union(*hosts))
    assert [shard.pages for shard in shards] == [
        sum(pages[chunk].total() for chunk in shard.chunks) for shard in shards
    ]


def test_the_heaviest_hosts_are_spread_first():
    weights = {"a": 50, "b": 30, "c": 30, "d": 20, "e": 10}
    hosts = [host for host, pages in weights.items() for _ in range(pages)]
    shards = divide(pages_of(hosts, cut(hosts, 25, 2)), 2)
    assert [shard.pages for shard in shards] == [70, 70]


def urls_of(host, count):
    return [f"https://{host}.example/{n}" for n in range(count)]


def test_a_run_is_cut_for_shards_and_divided_by_what_is_open(store, begin, scanned):
    mixed = [url for urls in zip(urls_of("a", 6), urls_of("b", 6), urls_of("c", 6), strict=True) for url in urls]
    run = begin(*mixed)
    assert store.assign_chunks(run, 4, 3) == 6
    shards = store.shards(run.run_id, 3)
    assert [(shard.chunks, shard.pages) for shard in shards] == [((0, 1), 6), ((2, 3), 6), ((4, 5), 6)]
    leased = store.lease(run.run_id, 1, "w", 10, chunk=2, now=1000, lease_s=50)
    assert {host_port(lease.url) for lease in leased} == {"b.example:443"}
    assert store.left(run.run_id, (2, 3)) == Left(6, 1050)
    store.write_commit(run.run_id, 1, "w", "k", [scanned(url) for url in urls_of("b", 6)])
    assert store.left(run.run_id, (2, 3)) == Left(0, 0)
    assert store.shards(run.run_id, 2) == [Shard(0, (0, 1), 6), Shard(1, (4, 5), 6)]
    assert store.shards(run.run_id, 1) == [Shard(0, (0, 1, 4, 5), 12)]


def test_a_run_that_was_cut_for_one_machine_is_not_torn_apart(store, begin):
    mixed = [url for urls in zip(urls_of("a", 3), urls_of("b", 3), strict=True) for url in urls]
    run = begin(*mixed, *urls_of("c", 2), size=3)
    assert [shard.chunks for shard in store.shards(run.run_id, 4)] == [(0, 1), (2,)]
