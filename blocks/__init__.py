"""Keys to the outside: settings and clients that an operator names, without one word of the domain."""

from blocks.crawler import Crawler
from blocks.result_store import ResultStore

__all__ = ["Crawler", "ResultStore"]
