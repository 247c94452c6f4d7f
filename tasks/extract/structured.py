"""Structured data and what it says the page is about."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from tasks.extract import limits
from tasks.extract.names import names
from tasks.model import PageType, StructuredData

_SCHEMA_ORG = re.compile(r"(?:https?://(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)

_ARTICLE = names(
    """
    Article AdvertiserContentArticle NewsArticle AnalysisNewsArticle AskPublicNewsArticle BackgroundNewsArticle
    OpinionNewsArticle ReportageNewsArticle ReviewNewsArticle SatiricalArticle ScholarlyArticle
    MedicalScholarlyArticle SocialMediaPosting BlogPosting LiveBlogPosting DiscussionForumPosting TechArticle
    APIReference Report
    """
)
_LISTING = names(
    """
    CollectionPage SearchResultsPage MediaGallery ImageGallery VideoGallery OfferCatalog Blog
    """
)
_PRODUCT = names(
    """
    Product ProductGroup ProductModel ProductCollection IndividualProduct SomeProducts Vehicle Car
    """
)
_OTHER = names(
    """
    AboutPage CheckoutPage ContactPage FAQPage ItemPage MedicalWebPage ProfilePage QAPage RealEstateListing
    Recipe Event BusinessEvent ChildrensEvent ComedyEvent CourseInstance DanceEvent EducationEvent
    ExhibitionEvent Festival FoodEvent LiteraryEvent MusicEvent SaleEvent ScreeningEvent SocialEvent SportsEvent
    TheaterEvent VisualArtsEvent JobPosting Course Book Movie TVSeries TVEpisode MusicAlbum MusicRecording
    PodcastEpisode PodcastSeries SoftwareApplication MobileApplication WebApplication VideoGame Dataset
    ClaimReview HowTo Quiz VacationRental LocalBusiness Restaurant Hotel Store
    """
)
"""Types of a page's own subject. WebPage, Organization, BreadcrumbList and the like stand on every page: no word."""

_FEW_WORDS_EXPECTED_OG = ("video", "music", "book", "profile", "place", "business", "restaurant")


def short_type(name: str) -> str:
    """``Product`` for ``https://schema.org/Product``; other vocabularies stay as written."""
    return _SCHEMA_ORG.sub("", name.strip(), count=1)[: limits.VALUE]


def json_ld(text: str) -> StructuredData:
    """One JSON-LD block read by the JSON grammar: comments, CDATA marks and NaN are errors."""
    text = text.strip()
    try:
        block = _parse(text)
    except json.JSONDecodeError as error:
        return _broken(text, f"{error.msg} at line {error.lineno} column {error.colno}")
    except ValueError as error:
        return _broken(text, str(error))
    except RecursionError:
        return _broken(text, "nested too deeply")
    types: dict[str, None] = {}
    errors: dict[str, None] = {}
    for name, value in _keywords(block):
        _read_keyword(name, value, types, errors)
    return StructuredData("json-ld", tuple(types)[: limits.TYPES], text, tuple(errors))


def _parse(text: str) -> Any:
    if not text:
        raise ValueError("empty")
    if len(text) > limits.JSON_LD:
        raise ValueError(f"{len(text)} characters: at most {limits.JSON_LD} are read")
    # float takes any number of digits, int refuses more than 4,300
    block = json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    if not isinstance(block, dict | list):
        raise ValueError("neither an object nor an array")  # noqa: TRY004 - what is wrong is the text
    return block


def _broken(text: str, error: str) -> StructuredData:
    return StructuredData("json-ld", (), text[: limits.BROKEN_JSON_LD], (error,))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _keywords(block: Any) -> Iterator[tuple[str, Any]]:
    """Every @type and @id in document order, contexts left out."""
    pending = [block]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(reversed(node))
        elif isinstance(node, dict):
            for key in ("@type", "@id"):
                if key in node:
                    yield key, node[key]
            pending.extend(node[key] for key in reversed(node) if key != "@context")


def _read_keyword(name: str, value: Any, types: dict[str, None], errors: dict[str, None]) -> None:
    if name == "@id":
        if not isinstance(value, str):
            errors["invalid @id value: not a string"] = None
        return
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        errors["invalid @type value: neither a string nor a list of strings"] = None
        return
    types.update((short_type(item.encode("utf-8", "replace").decode()), None) for item in values)


def page_type(structured_data: Iterable[StructuredData], open_graph: Iterable[tuple[str, str]]) -> PageType:
    """What the page says it is.

    An article may review a product, and a listing shows many: so article before listing before product.
    ``og:type`` website stands on nearly every page and says nothing.
    """
    types = {name for item in structured_data for name in item.types}
    declared = next((value.strip().lower() for name, value in open_graph if name == "og:type"), "")
    if declared == "article" or types & _ARTICLE:
        return "article"
    if types & _LISTING:
        return "other"
    if declared in {"product", "product.item", "og:product"} or types & _PRODUCT:
        return "product"
    if types & _OTHER or declared.startswith(_FEW_WORDS_EXPECTED_OG) or declared == "product.group":
        return "other"
    return "unknown"
