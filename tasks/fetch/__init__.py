"""URL to answer: connections, limits, decoding. ``fetcher.Fetcher`` is the door."""
