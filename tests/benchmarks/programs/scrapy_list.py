"""A Scrapy spider with the same main fields: ``scrapy_list.py LIST CONNECTIONS``, in the folder it is to write to."""

import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response


class Pages(scrapy.Spider):
    """One item a page."""

    name = "pages"
    urls: Sequence[str] = ()

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for url in self.urls:
            yield scrapy.Request(url, dont_filter=True)

    def parse(self, response: Response) -> Iterator[dict[str, Any]]:
        yield {
            "url": response.url,
            "status": response.status,
            "headers": dict(response.headers.to_unicode_dict()),
            "size": len(response.body),
            "title": response.css("title::text").get(),
            "description": response.css('meta[name="description"]::attr(content)').get(),
            "robots": response.css('meta[name="robots"]::attr(content)').getall(),
            "canonical": response.css('link[rel="canonical"]::attr(href)').getall(),
            "hreflang": [dict(link.attrib) for link in response.css('link[rel="alternate"][hreflang]')],
            "social": [dict(meta.attrib) for meta in response.css('meta[property^="og:"], meta[name^="twitter:"]')],
            "headings": {f"h{level}": _texts(response.css(f"h{level}")) for level in range(1, 7)},
            "links": [
                {
                    "url": response.urljoin(link.attrib["href"]),
                    "text": "".join(link.css("::text").getall()).strip(),
                    "rel": link.attrib.get("rel", ""),
                }
                for link in response.css("a[href]")
            ],
            "images": [
                {"url": response.urljoin(image.attrib.get("src", "")), "alt": image.attrib.get("alt")}
                for image in response.css("img")
            ],
            "structured": [_json(text) for text in response.css('script[type="application/ld+json"]::text').getall()],
            "text": " ".join(response.xpath("//body//text()[not(parent::script or parent::style)]").getall()),
        }


def _texts(found: scrapy.selector.SelectorList) -> list[str]:
    return ["".join(heading.css("::text").getall()).strip() for heading in found]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


if __name__ == "__main__":
    connections = int(sys.argv[2])
    crawling = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": connections,
            "CONCURRENT_REQUESTS_PER_DOMAIN": connections,
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": False,
            "TELNETCONSOLE_ENABLED": False,
            "FEEDS": {"pages.jsonl": {"format": "jsonlines"}},
            "LOG_LEVEL": "INFO",
            "LOG_FILE": "scrapy.log",
        }
    )
    crawling.crawl(Pages, urls=Path(sys.argv[1]).read_text().split())
    crawling.start()
