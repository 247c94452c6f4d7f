"""What a command costs, seen from outside: all its processes, as Linux counts them."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOK_EVERY = 0.5
"""Seconds: a look takes some milliseconds of a core, which those who use all of them would miss most."""

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SERVERS = (b"deployments.cli.prefect_server", b"prefect.server.api.server")
"""In the command line of a Prefect server, which is counted apart."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command used.

    Attributes:
        wall: seconds from its start to its exit.
        cpu: seconds of all its processes.
        server_cpu: seconds of Prefect's server meanwhile, whoever started it.
        peak: most memory of one process, bytes.
        together: most memory of all processes at one time, bytes; what they share counts for each.
        out, err: what it printed.
    """

    wall: float
    cpu: float
    server_cpu: float
    peak: int
    together: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A process at one moment: times in seconds, memory in bytes."""

    parent: int
    cpu: float
    memory: int


@dataclass(slots=True)
class Tree:
    """A process and all it started, also what outlived its parent."""

    root: int
    cpu: dict[int, float] = field(default_factory=dict)
    servers: set[int] = field(default_factory=set)
    peak: int = 0
    together: int = 0

    def look(self) -> None:
        """Adds what is seen now."""
        seen = dict(processes())
        self.cpu.setdefault(self.root, 0.0)
        members = self._members(seen)
        self.servers |= {pid for pid in members if _is_server(pid) or seen[pid].parent in self.servers}
        for pid in members:
            self.cpu[pid] = seen[pid].cpu
        ours = members - self.servers
        self.peak = max([self.peak, *map(_most_memory, ours)])
        self.together = max(self.together, sum(seen[pid].memory for pid in ours))

    def _members(self, seen: Mapping[int, Seen]) -> set[int]:
        members = seen.keys() & self.cpu.keys()
        while more := {pid for pid, process in seen.items() if process.parent in members} - members:
            members |= more
        return members

    def cpu_of(self, *, servers: bool) -> float:
        """Seconds of Prefect's servers, or of all else."""
        return sum(spent for pid, spent in self.cpu.items() if (pid in self.servers) is servers)


def measure(command: Sequence[str], environment: Mapping[str, str], folder: Path, server: int | None = None) -> Usage:
    """Runs the command in ``folder`` to its end; ``server`` is the process of a Prefect server that it uses.

    Raises:
        SystemExit: it failed; with what it printed last.
    """
    out, err = folder / "out.txt", folder / "err.txt"
    before = tree_cpu(server)
    began = time.perf_counter()
    with out.open("wb") as output, err.open("wb") as errors:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=errors)
    tree, done = Tree(process.pid), threading.Event()
    watcher = threading.Thread(target=_watch, args=(tree, done), daemon=True)
    watcher.start()
    _, status, reaped = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    done.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}:\n{err.read_text()[-2000:]}")
    # What the command waited for is exact; a look misses what a process did since.
    exact = 0.0 if tree.servers else reaped.ru_utime + reaped.ru_stime
    return Usage(
        wall=wall,
        cpu=max(exact, tree.cpu_of(servers=False)),
        server_cpu=tree.cpu_of(servers=True) + tree_cpu(server) - before,
        peak=tree.peak,
        together=max(tree.together, tree.peak),
        out=out.read_text(),
        err=err.read_text(),
    )


def tree_cpu(root: int | None) -> float:
    """Seconds that a process and all below it have used so far; 0 without one."""
    if root is None:
        return 0.0
    tree = Tree(root)
    tree.look()
    return sum(tree.cpu.values())


def processes() -> Iterator[tuple[int, Seen]]:
    """All of this machine, by id."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # gone meanwhile
        cpu = (int(fields[11]) + int(fields[12])) / TICKS
        yield int(path.name), Seen(parent=int(fields[1]), cpu=cpu, memory=int(fields[21]) * PAGE)


def _watch(tree: Tree, done: threading.Event) -> None:
    tree.look()
    while not done.wait(LOOK_EVERY):
        tree.look()


def _is_server(pid: int) -> bool:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return any(server in line for server in SERVERS)


def _most_memory(pid: int) -> int:
    """What the process has had at most, bytes; also between two looks."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
