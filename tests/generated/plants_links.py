"""Faults of links and of what they lead to, and what only looks like them."""

from tests.generated.builder import HOME, Builder
from tests.generated.draft import ELSEWHERE
from tests.generated.reply import Reply, error, redirect

CHAIN = 9
DEPTH_LIMIT = 4
"""Links from the start that are not yet too many."""

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
DATA_IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def plant(site: Builder) -> None:
    _broken(site)
    _redirects(site)
    _nofollow(site)
    _orphans(site)
    _near_orphans(site)
    _deep(site)
    _external(site)
    _images(site)


def _broken(site: Builder) -> None:
    for status in (404, 404, 410, 500):
        target = site.error(status)
        for _ in range(2):
            site.link_to_broken(target)
    twice = site.host()
    target = site.error(404)
    for text in ("first", "second"):
        site.link(twice, target, text=text)
    site.plant("link-broken-internal", twice.path, target)
    # People may well get in where crawlers do not: no dead end.
    site.link(site.host(), site.error(403))
    site.link(site.host(), site.error(401))
    site.link(site.host(), f"{site.host().path}#no-such-place")


def _redirects(site: Builder) -> None:
    for status in (301, 302, 308):
        target = site.redirect(site.host().path, status)
        for _ in range(2):
            site.link_to_redirect(target)
    last = site.redirect(site.host().path)
    middle = site.redirect(last)
    site.link_to_redirect(site.redirect(middle))
    site.link_to_redirect(middle)
    site.link_to_redirect(site.redirect(f"{ELSEWHERE}/moved"))
    site.elsewhere["/moved"] = Reply(body=b"<title>Moved here</title>")
    _dead_redirects(site)
    _canonical_of_old_address(site)


def _dead_redirects(site: Builder) -> None:
    """Redirects that end in nothing: told as dead ends, not as hops."""
    loop = [site.path("round") for _ in range(2)]
    for path, target in zip(loop, reversed(loop), strict=True):
        site.redirect(target, path=path)
    alone = site.path("round")
    for target in (
        loop[0],
        site.redirect(alone, path=alone),
        site.redirect(site.error(404)),
        site.redirect(site.error(410)),
    ):
        site.link_to_broken(target)


def _canonical_of_old_address(site: Builder) -> None:
    """What an old address redirects to names itself its canonical, as it should; nobody links to the old one."""
    target = site.host()
    site.redirect(target.path)


def _nofollow(site: Builder) -> None:
    for rel in ("nofollow", "noopener NoFollow"):
        draft = site.draft(site.path("partner"))
        for host in site.hosts(2):
            site.link(host, draft.path, rel=rel)
        site.plant("nofollow-inlinks-only", draft.path)
    closed = site.linked(site.path("forum"), robots="nofollow")
    draft = site.draft(site.path("partner"))
    site.link(closed, draft.path)
    site.plant("nofollow-inlinks-only", draft.path)

    mixed = site.linked(site.path("partner"))
    site.link(site.host(), mixed.path, rel="nofollow")
    sponsored = site.draft(site.path("partner"))
    for host in site.hosts(2):
        site.link(host, sponsored.path, rel="sponsored ugc")
    one_follows, other = site.hosts(2)
    draft = site.draft(site.path("partner"))
    site.link(one_follows, draft.path)
    site.link(other, draft.path, rel="nofollow")
    site.plant("near-orphan-page", draft.path)


def _orphans(site: Builder) -> None:
    for _ in range(2):
        site.plant("orphan-page", site.draft(site.path("lost")).path)
    narcissus = site.draft(site.path("lost"))
    site.link(narcissus, narcissus.path)
    site.plant("orphan-page", narcissus.path)
    # Found through an orphan: linked once, without any path from the start.
    child = site.draft(site.path("lost"))
    site.link(narcissus, child.path)
    site.plant("near-orphan-page", child.path)

    hidden = site.draft(site.path("lost"), robots="noindex")
    site.plant("sitemap-url-noindex", hidden.path)
    copy = site.draft(site.path("lost"), canonical=site.host().path)
    site.plant("sitemap-url-noncanonical", copy.path)


def _near_orphans(site: Builder) -> None:
    for times in (1, 2):
        draft = site.draft(site.path("quiet"))
        host = site.host()
        for _ in range(times):
            site.link(host, draft.path)
        site.plant("near-orphan-page", draft.path)
    narcissus = site.draft(site.path("quiet"))
    site.link(site.host(), narcissus.path)
    site.link(narcissus, f"{narcissus.path}#top")
    site.plant("near-orphan-page", narcissus.path)
    hidden = site.draft(site.path("quiet"), robots="noindex", listed=False)
    site.link(site.host(), hidden.path)


def _deep(site: Builder) -> None:
    """Archives read from page to page, with two pages at the end that link to each other."""
    for branch in range(2):
        above = site.drafts["/about/"]
        folder = site.path("archive")
        chain = [site.draft(f"{folder}/{place}") for place in range(CHAIN - branch * 3)]
        last = site.draft(f"{folder}/last")
        for newer, older in zip([above, *chain], chain, strict=False):
            site.link(newer, older.path)
            if newer is not above:
                site.link(older, newer.path)
        site.link(chain[-2], last.path)
        site.link(last, chain[-1].path)
        site.link(chain[-1], last.path)
        for depth, draft in enumerate(chain, 2):
            if depth > DEPTH_LIMIT:
                site.plant("click-depth-high", draft.path)
        site.plant("click-depth-high", last.path)


def _external(site: Builder) -> None:
    fine = Reply(body=b"<!doctype html><title>Elsewhere</title>")
    answers = {
        "/fine": fine,
        "/slow": Reply(body=fine.body, delay=2),
        "/no-head": Reply(body=fine.body, head_status=405),
        "/head-not-found": Reply(body=fine.body, head_status=404),
        "/was": redirect(f"{ELSEWHERE}/fine"),
        "/missing": error(404),
        "/missing-too": error(404),
        "/removed": error(410),
        "/was-missing": redirect(f"{ELSEWHERE}/missing"),
        "/private": error(403),
        "/busy": error(429),
        "/failing": error(500),
    }
    gone = {"/missing", "/missing-too", "/removed", "/was-missing"}
    unverified = {"/private", "/busy", "/failing"}
    for path, reply in answers.items():
        site.elsewhere[path] = reply
        target = ELSEWHERE + path
        for source in site.hosts(2):
            site.link(source, target)
            if path in gone:
                site.plant("link-broken-external", source.path, target)
            elif path in unverified:
                site.plant("link-broken-external", source.path, target, "notice")
    for target in ("mailto:tea@example.com", "tel:+441234567", "javascript:void(0)"):
        site.link(site.host(), target)


def _images(site: Builder) -> None:
    picture = Reply(body=PIXEL, content_type="image/png")
    site.replies["/images/cup.png"] = picture
    site.replies["/images/moved.png"] = redirect("/images/cup.png")
    site.replies["/images/page.png"] = Reply(body=b"<!doctype html><title>Sorry</title>")
    site.replies["/images/gone.png"] = error(404)
    site.elsewhere["/logo.png"] = picture
    site.elsewhere["/gone.png"] = error(404)
    for source in site.hosts(6):
        source.images += ["/images/cup.png", DATA_IMAGE, f"{ELSEWHERE}/logo.png", "/images/moved.png"]
    for image in ("/images/gone.png", "/images/page.png", f"{ELSEWHERE}/gone.png"):
        for source in site.hosts(2):
            source.images.append(image)
            site.plant("image-broken", source.path, image)
    site.drafts[HOME].images.append("/images/cup.png")
