"""Images."""

from collections.abc import Iterator

from tasks.audit.references import GOOGLE_IMAGES, WCAG
from tasks.audit.rule import Finding, Word, page_rule, shown
from tasks.model import Page, Severity


@page_rule(
    "image-alt-missing",
    Severity.WARNING,
    references=(GOOGLE_IMAGES, WCAG),
    bad='<img src="pot.jpg">',
    good='<img src="pot.jpg" alt="A clay pot"><img src="line.png" alt="">',
)
def image_alt_missing(page: Page) -> Iterator[Word]:
    """An image has no alt attribute.

    Screen readers cannot say what it shows, and image search knows less about it.
    Images with an empty alt, role presentation or none, hidden or 1×1 pixel images are left out.

    Describe in alt what the image shows, or write alt="" where it only decorates.
    """
    for image in page.images:
        if image.needs_alt and image.alt is None:
            source = image.src or image.srcset or ""
            yield Finding(
                f"The image {shown(source) or 'without src'} has no alt attribute.",
                {"observed": None, "locator": "img", "src": shown(source)},
                key=source,
            )
