"""When a sitemap says that a page was last modified."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def latest_moment(lastmod: str) -> float | None:
    """The last moment that ``lastmod`` may mean, seconds since the epoch; None where it is no date.

    Dates are those of sitemaps (https://www.w3.org/TR/NOTE-datetime, to the day at least) and feeds. What has no time
    zone is taken for UTC, a day for all of it.
    """
    text = lastmod.strip()
    try:
        if _DAY.fullmatch(text):
            return (datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)).timestamp()
        moment = datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
