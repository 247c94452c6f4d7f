"""The room's Prefect tasks, and what flows need around them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.tasks import Task, exponential_backoff
from pydantic import BaseModel, ConfigDict, SecretStr

from blocks import AIModel, ResultStore
from tasks.analyze.analysis import Analysis, Analyst, by_rules
from tasks.analyze.batch import Round, Tally, read_subject, save
from tasks.analyze.choosing import Which, choose, parse_which, weights_of
from tasks.analyze.failures import AnalysisFailed
from tasks.analyze.settings import AnalyzeOptions, ModelSettings
from tasks.analyze.templates import DEFAULT_NAME, DEFAULT_TEXT
from tasks.audit import Profile
from tasks.errors import InputError, SeoScanError, UnknownPage
from tasks.logs import step
from tasks.store import Store, Template
from tasks.urls import printable

CHUNK_PAGES = 50


class AnalysisPlan(BaseModel):
    """One analysis under way.

    Attributes:
        run_id: that it belongs to, and that pays.
        page_run_id: whose facts are read.
        template_version: of the prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    run_id: str
    page_id: str
    page_run_id: str
    url: str
    user_id: str
    template_version: int
    options: AnalyzeOptions


async def analysis_folder(options: AnalyzeOptions) -> str:
    """The data folder.

    Raises:
        InputError: no such block, or an environment variable of no use.
    """
    try:
        return (await ResultStore.named(options.result_store)).folder_of_run(options.data)
    except ValueError as error:
        raise InputError(str(error)) from error


async def load_model(options: AnalyzeOptions) -> tuple[ModelSettings, SecretStr] | None:
    """The model and its key; None where there is none, or none is wanted.

    Raises:
        InputError: no such block, or an environment variable of no use.
    """
    if options.offline:
        return None
    try:
        block = await AIModel.named(options.ai_model)
    except ValueError as error:
        raise InputError(str(error)) from error
    if not block.api_key.get_secret_value().strip():
        return None
    settings = ModelSettings.model_validate({name: getattr(block, name) for name in ModelSettings.model_fields})
    return settings, block.api_key


async def is_the_tasks_fault(_: Task[..., Any], __: object, state: State[Any]) -> bool:
    """Retries faults of ours; what the model or the input is to blame for was retried where it could be."""
    return not isinstance(state.data, SeoScanError) and not isinstance(
        getattr(state.data, "exception", None), SeoScanError
    )


@task(
    name="fetch-prompt",
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=is_the_tasks_fault,
    cache_policy=NO_CACHE,
)
async def fetch_prompt(
    page_id: str, url: str, *, data: str, run_id: str, user_id: str, options: AnalyzeOptions
) -> AnalysisPlan:
    """The template and the page that it is about: as the run saw it, else as the newest run that has it."""
    with step(get_run_logger(), "fetch-prompt", page=page_id, run=run_id) as fetching:

        def read() -> AnalysisPlan:
            with Store.open(data) as store:
                template = template_of(store, options)
                page = _page_of(store, page_id, url, options.page_run, run_id)
            return AnalysisPlan(
                data=data,
                run_id=run_id,
                page_id=page_id,
                page_run_id=page["run_id"],
                url=page["url"],
                user_id=user_id,
                template_version=template.version,
                options=options,
            )

        plan = await asyncio.to_thread(read)
        fetching.result = f"template {plan.template_version}, facts of run {plan.page_run_id}"
    return plan


def template_of(store: Store, options: AnalyzeOptions) -> Template:
    """The version wanted, else the active one; the first time, the one that is shipped."""
    active = store.templates.ensure_default(DEFAULT_NAME, DEFAULT_TEXT)
    return active if options.template is None else store.templates.get(options.template)


def _page_of(store: Store, page_id: str, url: str, page_run: str | None, run_id: str) -> dict[str, Any]:
    if page_run is not None:
        return store.latest_page(page_id, page_run)
    if store.has_run(run_id):
        try:
            return store.latest_page(page_id, run_id)
        except InputError:
            pass  # a run that only pays for the analysis has no pages of its own
    try:
        return store.latest_page(page_id)
    except UnknownPage:
        shown = printable(url, 200) or page_id
        raise UnknownPage(f"no run has the page {shown}: `seo scan` fetches it") from None


@asynccontextmanager
async def _analyst(
    plan: "AnalysisPlan | ChunkPlan", store: Store, tell: Callable[[str], None]
) -> AsyncIterator[Analyst | None]:
    model = await load_model(plan.options)
    if model is None:
        yield None
        return
    settings, key = model
    template = await asyncio.to_thread(store.templates.get, plan.template_version)
    profile = await asyncio.to_thread(_profile_of, store, plan.page_run_id)
    from tasks.analyze.client import ModelClient  # noqa: PLC0415 - its library takes a second to import

    async with ModelClient(settings, key) as client:
        yield Analyst(
            store=store,
            client=client,
            settings=settings,
            template=template,
            run_id=plan.run_id,
            profile=profile,
            tell=tell,
        )


def _profile_of(store: Store, run_id: str) -> Profile:
    """What the run judged its pages by."""
    options = json.loads(store.get_run(run_id).options)
    return Profile.model_validate(options.get("profile") or {})


def _weights(store: Store, run_id: str) -> dict[str, float]:
    return {} if store.get_run(run_id).kind == "scan" else weights_of(store.path, run_id)


@task(
    name="run-analysis",
    retries=2,
    retry_delay_seconds=exponential_backoff(2),
    retry_condition_fn=is_the_tasks_fault,
    cache_policy=NO_CACHE,
)
async def run_analysis(plan: AnalysisPlan) -> Analysis:
    """The model's recommendations; without a key the rules'.

    Raises:
        AnalysisFailed: the model gave none.
    """
    log = get_run_logger()
    with step(log, "run-analysis", page=plan.page_id, run=plan.run_id) as running, Store.open(plan.data) as store:
        subject = await asyncio.to_thread(read_subject, store, plan.page_id, plan.page_run_id)
        if subject.hidden_words:
            log.info("page %s: %d words that people do not see are left out", plan.page_id, subject.hidden_words)
        async with _analyst(plan, store, log.warning) as analyst:
            if analyst is None:
                weights = await asyncio.to_thread(_weights, store, plan.page_run_id)
                analysis = by_rules(subject, weights)
            else:
                analysis = await analyst.analyse(subject)
        how = "cached" if analysis.cached else analysis.model or "rules"
        running.result = f"{len(analysis.items)} recommendations by {analysis.source} ({how})"
    return analysis


@task(name="advise-by-rules", retries=2, retry_delay_seconds=2, cache_policy=NO_CACHE)
async def advise_by_rules(plan: AnalysisPlan, failure: AnalysisFailed) -> Analysis:
    """What the rules advise in place of the model."""
    with step(get_run_logger(), "advise-by-rules", page=plan.page_id, run=plan.run_id), Store.open(plan.data) as store:
        subject = await asyncio.to_thread(read_subject, store, plan.page_id, plan.page_run_id)
        return by_rules(subject, await asyncio.to_thread(_weights, store, plan.page_run_id), failure)


@task(name="save-recommendations", retries=3, retry_delay_seconds=exponential_backoff(2), cache_policy=NO_CACHE)
async def save_recommendations(plan: AnalysisPlan, analysis: Analysis) -> int:
    """Keeps the recommendations in place of the run's earlier ones on the page; returns how many."""
    with step(get_run_logger(), "save-recommendations", page=plan.page_id, run=plan.page_run_id) as saving:

        def keep() -> int:
            with Store.open(plan.data) as store:
                subject = read_subject(store, plan.page_id, plan.page_run_id)
                count = save(store, subject, analysis)
                store.publish(final=True)
            return count

        count = await asyncio.to_thread(keep)
        saving.result = f"{count} saved"
    return count


class ChunkPlan(BaseModel):
    """Pages of one run that are analysed together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    index: int
    run_id: str
    page_ids: tuple[str, ...]
    template_version: int
    options: AnalyzeOptions

    @property
    def page_run_id(self) -> str:
        return self.run_id


@task(
    name="analyze-chunk",
    task_run_name="analyze-chunk-{plan.index:05d}",
    retries=2,
    retry_delay_seconds=exponential_backoff(2),
    retry_condition_fn=is_the_tasks_fault,
    cache_policy=NO_CACHE,
)
async def analyze_chunk(plan: ChunkPlan) -> Tally:
    """Analyses and saves the chunk's pages; only counts come back."""
    log = get_run_logger()
    with step(log, "analyze-chunk", chunk=plan.index, run=plan.run_id) as running, Store.open(plan.data) as store:
        weights = await asyncio.to_thread(_weights, store, plan.run_id)
        async with _analyst(plan, store, log.warning) as analyst:
            places = analyst.settings.concurrency if analyst is not None else 1
            tally = await Round(store, plan.run_id, analyst, places, weights, log.warning).analyse(plan.page_ids)
        running.result = f"{tally.pages} pages, {tally.recommendations} recommendations, {tally.failed} failed"
    return tally


async def analyze_pages(
    data: str,
    run_id: str,
    which: str | Which,
    options: AnalyzeOptions | None = None,
    *,
    changed_only: bool = False,
) -> Tally:
    """Analyses pages of a finished batch or crawl, the ones first whose issues weigh most.

    Once the model is of no use (no credit, a cap, five failures in a row) the rules advise on what is left.

    Args:
        data: data folder.
        run_id: of the batch or crawl; it pays.
        which: ``none``, ``top:N`` or ``all``.
        options: wishes that differ from the blocks.
        changed_only: not those that did not change since the last crawl of the site.

    Raises:
        InputError: ``which`` is none of them.
    """
    wanted = parse_which(which) if isinstance(which, str) else which
    options = options or AnalyzeOptions()
    chosen = await asyncio.to_thread(choose, data, run_id, wanted, changed_only=changed_only)
    total = Tally()
    if not chosen:
        return total
    version = await asyncio.to_thread(_template_version, data, options)
    for index, start in enumerate(range(0, len(chosen), CHUNK_PAGES)):
        total += await analyze_chunk(
            ChunkPlan(
                data=data,
                index=index,
                run_id=run_id,
                page_ids=tuple(chosen[start : start + CHUNK_PAGES]),
                template_version=version,
                options=options.model_copy(update={"offline": options.offline or bool(total.asked_no_more)}),
            )
        )
    await asyncio.to_thread(_publish, data)
    return total


def _template_version(data: str, options: AnalyzeOptions) -> int:
    with Store.open(data) as store:
        return template_of(store, options).version


def _publish(data: str) -> None:
    with Store.open(data) as store:
        store.publish(final=True)
