"""Structured data."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_STRUCTURED_DATA, JSON_LD
from tasks.audit.rule import Finding, NotApplicable, Word, page_rule, shown
from tasks.model import Page, Severity


@page_rule(
    "sd-parse-error",
    Severity.ERROR,
    references=(JSON_LD, GOOGLE_STRUCTURED_DATA),
    bad='<script type="application/ld+json">{"@type": "Product",}</script>',
    good='<script type="application/ld+json">{"@context": "https://schema.org", "@type": "Product"}</script>',
)
def sd_parse_error(page: Page) -> Iterator[Word]:
    """A JSON-LD block cannot be read; an empty one counts.

    Search engines ignore the whole block, and the rich result with it.

    Correct the syntax; build the block with a JSON serializer, not by joining strings.
    """
    blocks = [block for block in page.structured_data if block.format == "json-ld"]
    if not blocks:
        yield NotApplicable("no JSON-LD")
        return
    for number, block in enumerate(blocks, 1):
        if block.errors:
            yield Finding(
                f"JSON-LD block {number} cannot be read: {shown(block.errors[0])}.",
                {
                    "observed": shown(block.data or ""),
                    "error": shown(block.errors[0]),
                    "locator": f'script[type="application/ld+json"], number {number}',
                },
                key=block.data or "",
            )
