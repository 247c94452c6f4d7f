def names(text: str) -> frozenset[str]:
    """The words of ``text``: long lists of names read better without quotes and commas."""
    return frozenset(text.split())
