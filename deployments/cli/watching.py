"""What a command shows while a run goes on: a live display on a terminal, plain lines elsewhere."""

import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from deployments.cli import screen
from tasks.report.escape import terminal as safe

if TYPE_CHECKING:
    from tasks.store import Progress, Run

LINE_EVERY = 5.0
"""Seconds between two plain lines."""

RATE_WINDOW = 10
"""Looks over which the rate is taken."""


class Pace:
    """Pages a second over the last looks; waiting before the first page does not count."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=RATE_WINDOW)

    def look(self, done: int) -> float:
        """Notes that ``done`` pages are done by now; returns pages a second, 0 where that cannot be told yet."""
        if self._seen and self._seen[0][1] == done:
            self._seen.clear()
        self._seen.append((time.monotonic(), done))
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else 0.0


def counts(progress: "Progress", rate: float) -> str:
    """The state of a run in one line."""
    failed = progress.failed + progress.quarantined
    wanted = progress.total - progress.held_back
    words = [f"{progress.done:,}/{wanted:,} pages"]
    if progress.held_back:
        words.append(f"{progress.held_back:,} more found")
    if progress.linked:
        words.append(f"{progress.linked:,} cached")
    if progress.not_modified:
        words.append(f"{progress.not_modified:,} not modified")
    words.append(f"{rate:,.0f} pages/s")
    words.append(f"{failed:,} failed")
    if progress.skipped:
        words.append(f"{progress.skipped:,} skipped")
    if progress.retries_waiting:
        words.append(f"{progress.retries_waiting:,} retries waiting")
    left = wanted - progress.done
    if rate > 0 and left:
        words.append(f"{_clock(left / rate)} left")
    return ", ".join(words)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class LineWatch:
    """Plain lines on stderr: at once, then every ``LINE_EVERY`` seconds."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._written = 0.0
        self._phase = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def started(self, run: "Run") -> None:
        screen.say(_started(run))
        self._pace.look(0)
        self._written = time.monotonic()

    def progress(self, progress: "Progress", phase: str = "") -> None:
        rate = self._pace.look(progress.done - progress.linked)
        if phase.partition(":")[0] != self._phase:  # what follows counts on
            self._phase = phase.partition(":")[0]
        elif time.monotonic() - self._written < LINE_EVERY:
            return
        self._written = time.monotonic()
        screen.say(phase or counts(progress, rate))

    def note(self, text: str) -> None:
        screen.say(safe(text))

    def end(self, text: str) -> None:
        screen.say(safe(text))


class LiveWatch:
    """A display on the terminal that redraws itself; gone when the run is over."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._console = screen.err()
        self._spinner = Spinner("dots")
        self._live = Live(console=self._console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def started(self, run: "Run") -> None:
        self._console.print(Text(_started(run)))
        self._pace.look(0)

    def progress(self, progress: "Progress", phase: str = "") -> None:
        rate = self._pace.look(progress.done - progress.linked)
        wanted = max(progress.total - progress.held_back, 1)
        bar = Table.grid(padding=(0, 2, 0, 0))
        words = f"{progress.done:,} pages" if phase else counts(progress, rate)
        bar.add_row(ProgressBar(total=wanted, completed=progress.done, width=30), Text(words))
        if phase:
            self._live.update(Group(bar, self._spinner_at(phase)))
        elif hosts := _hosts(progress):
            self._live.update(Group(bar, Text(f"fetching from {hosts}", style="dim")))
        else:
            self._live.update(bar)

    def _spinner_at(self, phase: str) -> Spinner:
        """One spinner for all phases: a new one would begin its turn anew."""
        self._spinner.update(text=Text(safe(phase), style="dim"))
        return self._spinner

    def note(self, text: str) -> None:
        self._console.print(Text(safe(text), style="yellow"))

    def end(self, text: str) -> None:
        """The last word of a process that does not come back here: the display is gone, the cursor back."""
        self._live.stop()
        screen.say(safe(text))


def _started(run: "Run") -> str:
    if run.kind == "crawl":
        limit = f"at most {run.limits.max_pages:,} pages" if run.limits.max_pages else "no limit of pages"
        return f"run {run.run_id}: crawling {safe(run.start_url or '')} ({run.scope}, {limit})"
    pages = f"{run.total:,} page{'' if run.total == 1 else 's'}"
    cached = f", {run.linked:,} of them from an earlier run" if run.linked else ""
    return f"run {run.run_id}: {pages}{cached}"


def _hosts(progress: "Progress") -> str:
    return ", ".join(safe(host) for host in progress.hosts)


def watch() -> LineWatch | LiveWatch:
    """What suits stderr."""
    return LiveWatch() if screen.redraws() else LineWatch()
