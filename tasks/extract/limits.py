"""How much of one page is kept: a hostile page must not fill the memory. ``Page.cut`` names what a page has more of."""

VALUE = 10_000
"""Characters of one value: a title, an address, an attribute, a heading."""

LINK_TEXT = 2_000
"""Characters of one link's text."""

TEXT = 1_000_000
"""Characters of visible text."""

REPEATED_TEXT = 20_000_000
"""Characters of links within others: each has the text that those around it have, too."""

LINKS = 100_000
"""Indexes of large documentation have 30,000."""

ADDRESSES = 100_000_000
"""Characters that the base may add to the links of one page."""

IMAGES = 10_000
RESOURCES = 5_000
HEADINGS = 2_000
HEAD_ELEMENTS = 2_000
"""Of title, meta and link elements together."""

DIRECTIVES = 1_000
"""Of all robots tags and headers together."""

STRUCTURED = 1_000
"""Of JSON-LD blocks, microdata items and RDFa nodes together."""

TYPES = 1_000
"""Types named by one JSON-LD block."""

JSON_LD = 1_048_576
"""Characters of a JSON-LD block that is read."""

BROKEN_JSON_LD = 65_536
"""Characters kept of one that cannot be read."""

SRCSET_CANDIDATES = 100
"""Addresses read from one srcset."""
