"""advertools' list crawl: ``advertools_list.py LIST CONNECTIONS``, in the folder it is to write to."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import advertools

urls, connections = Path(sys.argv[1]).read_text().split(), int(sys.argv[2])
advertools.crawl(
    urls,
    "pages.jsonl",
    follow_links=False,
    allowed_domains=sorted({urlsplit(url).hostname for url in urls}),  # by itself it takes host:port, which none is
    custom_settings={
        "CONCURRENT_REQUESTS": connections,
        "CONCURRENT_REQUESTS_PER_DOMAIN": connections,
        "DOWNLOAD_DELAY": 0,
        "AUTOTHROTTLE_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "LOG_LEVEL": "INFO",
        "LOG_FILE": "scrapy.log",
    },
)
