"""A crawl by its steps, on a site of loopback."""

import os
import time

from tasks.model import FetchOptions
from tasks.scan import seeds
from tasks.scan import site as steps
from tasks.scan.chunk import ChunkJob
from tasks.scan.crawl import CrawlChunk
from tasks.scan.records import begin_crawl, resume_run
from tasks.scan.settings import CrawlRules, ScanSettings
from tasks.scan.stop import StopWatch
from tasks.store import connect

FAR = 4e9


def never():
    return StopWatch(lambda: False, deadline=FAR)


class Crawl:
    def __init__(self, store, site, **rules):
        self.store = store
        start = rules.pop("start_url", site.url("/"))
        self.rules = CrawlRules(project_id="default", start_url=start, **rules)
        options = FetchOptions(allow=(site.host_port, f"127.0.0.2:{site.port}"))
        self.settings = ScanSettings(data=str(store.path), options=options, crawl=self.rules)
        self.run = begin_crawl(store, self.rules, self.settings, user_id="u", run_id="", flow_run_id=None)

    @property
    def ids(self):
        return self.run.run_id, self.run.epoch

    def job(self, pages=500):
        return ChunkJob(
            settings=self.settings,
            run_id=self.run.run_id,
            epoch=self.run.epoch,
            index=0,
            deadline=time.time() + 60,
            parent_pid=os.getpid(),
            pages=pages,
        )

    async def root(self):
        self.rules = await steps.find_root(self.job(), self.store, self.rules)
        self.settings = self.settings.model_copy(update={"crawl": self.rules})
        return self.rules.root_url

    async def pages(self):
        await CrawlChunk(self.job(), self.store, self.rules).run()

    async def sitemaps(self):
        return await seeds.read_sitemaps(self.settings, self.store, *self.ids, stop=never())

    async def checks(self):
        seen, _ = await steps.check_targets(self.settings, self.store, *self.ids, stop=never())
        return seen

    def judge(self):
        steps.settle(self.settings, self.store, *self.ids)
        steps.judge_site(self.settings, self.store, *self.ids)

    def resume(self):
        self.run, _ = resume_run(self.store, self.run.run_id)

    def rows(self, sql):
        with connect(self.store.path) as facts:
            return facts.execute(sql).fetchall()
