"""The door's log: below Prefect's own, whose handlers and level hold for it."""

import logging

from tasks.logs import Cleaning

log = logging.getLogger("prefect.seo_scan.api")
if not log.filters:
    log.addFilter(Cleaning())
