"""Keys to the outside: settings and clients that an operator names, without one word of the domain."""

from blocks.ai_model import AIModel
from blocks.channel import PusherChannel
from blocks.crawler import Crawler
from blocks.result_store import ResultStore
from blocks.site_access import SiteAccess
from blocks.webhook_key import WebhookKey

__all__ = ["AIModel", "Crawler", "PusherChannel", "ResultStore", "SiteAccess", "WebhookKey"]
