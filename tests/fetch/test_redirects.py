import pytest

from tasks.fetch.fetcher import Fetcher
from tasks.model import FetchOptions, Hop, Reason

END = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/html\r\n\r\nend"


def redirect(location, status=301):
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
def site(serve):
    """A server whose paths answer with the given replies."""

    async def start(pages, **kwargs):
        async def reply(_, writer):
            path = server.heads[-1].split(b" ", 2)[1].decode()
            writer.write(pages.get(path, END))

        server = await serve(reply, keep=True, **kwargs)
        return server

    return start


async def fetched(server, path="/", **options):
    async with Fetcher(FetchOptions(allow=[server.allow], **options)) as fetcher:
        return await fetcher.fetch(server.url(path))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_followed_and_recorded(site, status):
    server = await site({"/": redirect("/b", status)})
    answer = await fetched(server)
    assert answer.hops == (Hop(server.url("/"), status, "/b"),)
    assert (answer.url, answer.requested_url, answer.text) == (server.url("/b"), server.url("/"), "end")


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
async def test_other_3xx_are_answers(site, status):
    server = await site({"/": f"HTTP/1.1 {status} X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n".encode()})
    answer = await fetched(server)
    assert (answer.status, answer.hops) == (status, ())


async def test_chain_of_exactly_the_limit(site):
    server = await site({f"/{i}": redirect(f"/{i + 1}") for i in range(10)})
    answer = await fetched(server, "/0")
    assert answer.url == server.url("/10")
    assert [hop.url for hop in answer.hops] == [server.url(f"/{i}") for i in range(10)]


async def test_one_redirect_too_many(site):
    server = await site({f"/{i}": redirect(f"/{i + 1}") for i in range(99)})
    answer = await fetched(server, "/0")
    assert (answer.reason, answer.status, len(answer.hops)) == (Reason.TOO_MANY_REDIRECTS, 301, 11)
    assert (answer.url, answer.detail) == (server.url("/10"), "more than 10 redirects")
    assert len(server.heads) == 11


async def test_no_redirects_wanted(site):
    server = await site({"/": redirect("/b")})
    answer = await fetched(server, max_redirects=0)
    assert (answer.reason, len(answer.hops), len(server.heads)) == (Reason.TOO_MANY_REDIRECTS, 1, 1)


@pytest.mark.parametrize("pages", [{"/": redirect("/#x")}, {"/": redirect("/b"), "/b": redirect("/")}])
async def test_redirect_loop(site, pages):
    server = await site(pages)
    answer = await fetched(server)
    assert answer.reason is Reason.REDIRECT_LOOP
    assert len(answer.hops) == len(server.heads) == len(pages)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        redirect(""),
        redirect("javascript:alert(1)"),
        redirect("file:///etc/passwd"),
        redirect("data:text/html,x"),
        redirect("http://"),
        redirect("http://[bad/"),
    ],
)
async def test_invalid_redirect(site, reply):
    server = await site({"/": reply})
    answer = await fetched(server)
    assert (answer.reason, answer.url) == (Reason.INVALID_REDIRECT, server.url("/"))
    assert answer.status in {301, 302}
    assert [hop.url for hop in answer.hops] == [server.url("/")]


@pytest.mark.parametrize("form", ["http://user:secret@{}/", "//user:secret@{}/"])
async def test_redirect_with_user_name(site, form):
    server = await site({})
    bouncer = await site({"/": redirect(form.format(server.allow))})
    answer = await fetched(bouncer)
    assert answer.reason is Reason.BAD_URL
    assert "secret" not in repr(answer)
    assert answer.hops[0].location == server.url("/")
    assert server.heads == []


async def test_at_sign_in_a_location_is_kept(site):
    server = await site({"/": redirect("/@me?m=a@b")})
    answer = await fetched(server)
    assert (answer.hops[0].location, answer.url) == ("/@me?m=a@b", server.url("/@me?m=a@b"))


async def test_location_in_raw_utf8(site):
    server = await site({"/": "HTTP/1.1 301 X\r\nLocation: /é\r\nContent-Length: 0\r\n\r\n".encode()})
    answer = await fetched(server)
    assert (answer.hops[0].location, answer.url) == ("/é", server.url("/%C3%A9"))


async def test_fragment_of_a_location_is_dropped(site):
    server = await site({"/": redirect("/b#part")})
    answer = await fetched(server)
    assert (answer.hops[0].location, answer.url) == ("/b#part", server.url("/b"))


async def test_body_of_a_redirect_is_not_awaited(site):
    server = await site({"/": b"HTTP/1.1 301 X\r\nLocation: /b\r\nContent-Length: 999\r\n\r\nnever complete"})
    assert (await fetched(server, read_timeout=0.5)).text == "end"
    assert server.accepted == 2


async def test_failure_after_a_redirect_has_its_hops(site):
    server = await site({"/": redirect("http://127.0.0.1:1/x")})
    answer = await fetched(server)
    assert (answer.reason, answer.url, answer.status) == (Reason.ADDRESS_REFUSED, "http://127.0.0.1:1/x", None)
    assert answer.requested_url == server.url("/")
