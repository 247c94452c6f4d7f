"""Which URLs, in what order."""
