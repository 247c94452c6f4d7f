"""Keys to the outside: settings and clients that an operator names, without one word of the domain."""

from blocks.ai_model import AIModel
from blocks.channel import PusherChannel
from blocks.cluster import Cluster
from blocks.crawler import Crawler
from blocks.result_store import ResultStore
from blocks.site_access import SiteAccess
from blocks.webhook_key import WebhookKey

__all__ = ["AIModel", "Cluster", "Crawler", "PusherChannel", "ResultStore", "SiteAccess", "WebhookKey"]
