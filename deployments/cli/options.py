"""Options that several commands share."""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter, Token

from tasks.durations import duration, retention
from tasks.errors import InputError
from tasks.host_ports import parse_host_port
from tasks.model import Severity, sendable_agent

Format = Literal["table", "json", "jsonl", "csv"]

_IDENTITY = re.compile(r"[A-Za-z0-9_.@=-]{1,128}", re.ASCII)  # as tasks.events has it, without its import of pydantic
_BLOCK_NAME = re.compile(r"[a-z0-9-]{1,200}", re.ASCII)  # as Prefect has it
_ANALYZE = re.compile(r"none|all|top:[1-9][0-9]{0,8}", re.ASCII)
MOST = 1_000_000_000
"""More than there is of anything that is counted or numbered, and within what every catalogue can compare."""

MAX_SHARDS = 64  # as tasks.scan.settings has it, without its imports

CRAWLING = Group("Crawling", sort_key=1)
_STORING = Group("Results", sort_key=2)
_FETCHING = Group("Fetching", sort_key=3)
_JUDGING = Group("Rules", sort_key=4)
ADVISING_GROUP = Group("Analysis", sort_key=5)
_SHOWING = Group("Output", sort_key=6)


def any_duration(_: Any, tokens: Sequence[Token]) -> float:
    return duration(tokens[0].value)


def positive_duration(_: Any, tokens: Sequence[Token]) -> float:
    """Seconds.

    Raises:
        ValueError: no duration, or none longer than 0.
    """
    seconds = duration(tokens[0].value)
    if seconds <= 0:
        raise ValueError("must be longer than 0")
    return seconds


def any_folder(_: Any, tokens: Sequence[Token]) -> Path:
    """The folder of that name; an unset variable is none.

    Raises:
        ValueError: it has no name.
    """
    if not tokens[0].value:
        raise ValueError("is empty: name a folder")
    return Path(tokens[0].value)


def any_retention(_: Any, tokens: Sequence[Token]) -> float:
    return retention(tokens[0].value)


def _allow(_: Any, tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(parse_host_port(token.value) for token in tokens)


def at_least(least: int, most: int = MOST) -> Any:
    """A validator: refuses numbers outside ``least`` to ``most`` with a ValueError."""

    def check(_: Any, value: float | None) -> None:
        if value is not None and not least <= value <= most:
            told = most < MOST or value > most
            raise ValueError(f"must be {least} to {most}" if told else f"must be {least} or more")

    return check


@Parameter(name="*", group=_STORING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where results are."""

    data: Annotated[
        Path | None,
        Parameter(converter=any_folder, metavar="PATH", help="Data folder. [default: $SEO_DATA, else ./data]"),
    ] = None

    @property
    def folder(self) -> Path:
        return (self.data or Path(os.environ.get("SEO_DATA") or "data")).expanduser()

    def existing(self) -> Path:
        """The folder, for commands that only read.

        Raises:
            InputError: it holds no results.
        """
        from tasks.store import locate  # noqa: PLC0415 - imports the engines

        folder = self.folder
        if not locate(folder).exists():
            raise InputError(
                f"no results in {folder}: scan something first (`seo scan https://example.com`), "
                "or name another folder with --data"
            )
        return folder


def data_option(data: Path) -> str:
    """What a further command needs to find ``data``."""
    return "" if data == Place().folder else f" --data {shlex.quote(str(data))}"


def _identity(_: Any, value: str) -> None:
    if not _IDENTITY.fullmatch(value):
        raise ValueError(f"{value[:200]!r} is no id: write letters, digits and _ . @ = -, at most 128 of them")


@Parameter(name="*", group=_STORING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom a run belongs to."""

    project: Annotated[str, Parameter(validator=_identity, help="Project that the pages belong to.")] = "default"
    user: Annotated[str, Parameter(validator=_identity, help="User who is told.")] = "local"
    no_html: Annotated[bool, Parameter(negative=(), help="Do not keep the page sources.", show_default=False)] = False


def block_name(_: Any, value: str | None) -> None:
    if value is not None and not _BLOCK_NAME.fullmatch(value):
        raise ValueError(f"{value[:200]!r} is no name of a block: write small letters, digits and hyphens")


def _user_agent(_: Any, value: str | None) -> None:
    sendable_agent(value or "")


@Parameter(name="*", group=_FETCHING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """How pages are fetched."""

    allow: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(), converter=_allow, n_tokens=1, metavar="HOST:PORT", show_default=False,
            help="A host that may be local or on any port; repeatable.",
        ),
    ] = ()  # fmt: skip
    rate: Annotated[
        float | None,
        Parameter(
            validator=at_least(0), help="Pages a second per host, 0 for no limit. [default: 10; loopback: no limit]"
        ),
    ] = None
    concurrency: Annotated[
        int | None, Parameter(validator=at_least(1, 256), help="Connections per host. [default: 8]")
    ] = None
    user_agent: Annotated[str | None, Parameter(validator=_user_agent, help="User-Agent header.")] = None
    render: Annotated[
        bool,
        Parameter(
            negative=(), show_default=False,
            help="Open each page in a browser, too: what scripts change. Needs Chromium and the extra render.",
        ),
    ] = False  # fmt: skip
    access: Annotated[
        str | None,
        Parameter(
            validator=block_name, metavar="NAME",
            help="Saved SEO Site Access block: credentials and proxy. [default: what $SEO_ACCESS_… make, if set]",
        ),
    ] = None  # fmt: skip


@Parameter(name="*", group=_FETCHING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a run ends by itself."""

    timeout: Annotated[
        float | None,
        Parameter(
            converter=positive_duration, metavar="TIME", show_default=False,
            help="Limit for the whole run. [default: 1h]",
        ),
    ] = None  # fmt: skip


@Parameter(name="*", group=CRAWLING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """How far a crawl goes on; what is unset stays as it was."""

    max_pages: Annotated[
        int | None, Parameter(validator=at_least(0), help="A crawl's new limit, earlier pages counted; 0 for none.")
    ] = None
    max_depth: Annotated[
        int | None, Parameter(validator=at_least(0), help="A crawl's new limit of links from the start.")
    ] = None
    time_budget: Annotated[
        float | None,
        Parameter(
            converter=positive_duration, metavar="TIME", show_default=False,
            help="A crawl goes on for this long, such as 30m. [default: no limit]",
        ),
    ] = None  # fmt: skip


@Parameter(name="*", group=_FETCHING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Sharding:
    """Who fetches a list."""

    shards: Annotated[
        int | None,
        Parameter(
            validator=at_least(1, MAX_SHARDS), metavar="N",
            help="Divide the hosts among N workers of `seo deploy`. [default: 1, this machine; resumed, as before]",
        ),
    ] = None  # fmt: skip


@Parameter(name="*", group=_FETCHING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Which earlier results stand in for a fetch."""

    max_age: Annotated[
        float,
        Parameter(
            converter=any_duration, metavar="TIME", show_default=lambda _: "24h",
            help="Take pages scanned less than this ago from the earlier run.",
        ),
    ] = 86400.0  # fmt: skip
    refresh: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="Fetch all pages in full; --max-age 0 asks if they changed."),
    ] = False


@Parameter(name="*", group=_JUDGING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Which rules judge."""

    select: Annotated[
        tuple[str, ...],
        Parameter(negative=(), n_tokens=1, metavar="RULE", show_default=False, help="Only this rule; repeatable."),
    ] = ()
    ignore: Annotated[
        tuple[str, ...],
        Parameter(negative=(), n_tokens=1, metavar="RULE", show_default=False, help="Not this rule; repeatable."),
    ] = ()


def _which_pages(_: Any, value: str) -> None:
    if not _ANALYZE.fullmatch(value):
        raise ValueError(f"{value[:200]!r}: write none, all, or top:N such as top:20")


@Parameter(name="*", group=ADVISING_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class Advising:
    """Which pages get recommendations."""

    analyze: Annotated[
        str,
        Parameter(
            validator=_which_pages, metavar="PAGES",
            help="Pages to analyse: none, all, or top:N for the N whose issues weigh most.",
        ),
    ] = "none"  # fmt: skip


@Parameter(name="*", group=_SHOWING)
@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How rows are written."""

    format: Annotated[Format, Parameter(help="For people, one array, one object a line, or a spreadsheet.")] = "table"


@Parameter(name="*", group=_SHOWING)
@dataclass(frozen=True, slots=True, kw_only=True)
class RunShown:
    """How a run's pages are written and what counts as failure."""

    format: Annotated[Format, Parameter(help="For people, one array, one page object a line, or a spreadsheet.")] = (
        "table"
    )
    all_results: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="In json and jsonl, what every rule said of every page."),
    ] = False
    fail_on: Annotated[Severity | None, Parameter(help="Exit with status 1 where an issue is this severe or more.")] = (
        None
    )


PLACE = Place()
OWNER = Owner()
FETCHING = Fetching()
LIMITS = Limits()
FURTHER = Further()
SHARDING = Sharding()
FRESHNESS = Freshness()
JUDGING = Judging()
ADVISING = Advising()
SHOWN = Shown()
RUN_SHOWN = RunShown()
