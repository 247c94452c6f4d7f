"""Where the conditions come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    title: str
    address: str


_GOOGLE = "https://developers.google.com/search/docs"

GOOGLE_HTTP = Reference("Google: HTTP status codes and errors", f"{_GOOGLE}/crawling-indexing/http-network-errors")
GOOGLE_REDIRECTS = Reference("Google: redirects", f"{_GOOGLE}/crawling-indexing/301-redirects")
GOOGLE_ROBOTS_META = Reference("Google: robots meta tag", f"{_GOOGLE}/crawling-indexing/robots-meta-tag")
GOOGLE_VALID_HEAD = Reference("Google: valid page metadata", f"{_GOOGLE}/crawling-indexing/valid-page-metadata")
GOOGLE_CANONICAL = Reference("Google: canonical URLs", f"{_GOOGLE}/crawling-indexing/consolidate-duplicate-urls")
GOOGLE_TITLE = Reference("Google: title links", f"{_GOOGLE}/appearance/title-link")
GOOGLE_SNIPPET = Reference("Google: snippets", f"{_GOOGLE}/appearance/snippet")
GOOGLE_HELPFUL = Reference("Google: helpful content", f"{_GOOGLE}/fundamentals/creating-helpful-content")
GOOGLE_IMAGES = Reference("Google: images", f"{_GOOGLE}/appearance/google-images")
GOOGLE_LINKS = Reference("Google: crawlable links", f"{_GOOGLE}/crawling-indexing/links-crawlable")
GOOGLE_CRAWL_BUDGET = Reference("Google: crawl budget", f"{_GOOGLE}/crawling-indexing/large-site-managing-crawl-budget")
GOOGLE_ROBOTS_TXT = Reference("Google: robots.txt", f"{_GOOGLE}/crawling-indexing/robots/robots_txt")
GOOGLE_SITEMAPS = Reference("Google: sitemaps", f"{_GOOGLE}/crawling-indexing/sitemaps/build-sitemap")
GOOGLE_LINK_REL = Reference("Google: link relations", f"{_GOOGLE}/crawling-indexing/qualify-outbound-links")
GOOGLE_HREFLANG = Reference("Google: localized versions", f"{_GOOGLE}/specialty/international/localized-versions")
GOOGLE_STRUCTURED_DATA = Reference(
    "Google: structured data", f"{_GOOGLE}/appearance/structured-data/intro-structured-data"
)
GOOGLE_JAVASCRIPT = Reference(
    "Google: JavaScript SEO basics", f"{_GOOGLE}/crawling-indexing/javascript/javascript-seo-basics"
)
GOOGLE_MOBILE = Reference(
    "Google: mobile-first indexing", f"{_GOOGLE}/crawling-indexing/mobile/mobile-sites-mobile-first-indexing"
)
GOOGLE_PAGE_EXPERIENCE = Reference("Google: page experience", f"{_GOOGLE}/appearance/page-experience")
GOOGLE_X_DEFAULT = Reference(
    "Google: x-default",
    "https://developers.google.com/search/blog/2013/04/x-default-hreflang-for-international-pages",
)
GOOGLEBOT = Reference("Google: Googlebot", f"{_GOOGLE}/crawling-indexing/googlebot")
YANDEX_ROBOTS_META = Reference(
    "Yandex: robots meta tag", "https://yandex.com/support/webmaster/en/controlling-robot/meta-robots"
)
BING_ROBOTS_META = Reference(
    "Bing: robots meta tags",
    "https://www.bing.com/webmasters/help/which-robots-metatags-does-bing-support-5198d240",
)
MDN_HTTPS = Reference("MDN: web security", "https://developer.mozilla.org/docs/Web/Security")
RFC9110 = Reference("RFC 9110: HTTP semantics", "https://www.rfc-editor.org/rfc/rfc9110")
RFC9309 = Reference("RFC 9309: Robots Exclusion Protocol", "https://www.rfc-editor.org/rfc/rfc9309")
SITEMAPS = Reference("Sitemaps protocol", "https://www.sitemaps.org/protocol.html")
RFC6596 = Reference("RFC 6596: canonical link relation", "https://www.rfc-editor.org/rfc/rfc6596")
BCP47 = Reference("BCP 47: language tags", "https://www.rfc-editor.org/info/bcp47")
HTML = Reference("HTML standard", "https://html.spec.whatwg.org/")
URL = Reference("URL standard", "https://url.spec.whatwg.org/")
ENCODING = Reference("Encoding standard", "https://encoding.spec.whatwg.org/")
MIXED_CONTENT = Reference("Mixed content", "https://www.w3.org/TR/mixed-content/")
JSON_LD = Reference("JSON-LD 1.1", "https://www.w3.org/TR/json-ld11/")
WCAG = Reference("WCAG 2.2", "https://www.w3.org/TR/WCAG22/")
