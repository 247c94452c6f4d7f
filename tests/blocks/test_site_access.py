"""Credentials keep Prefect's standards, never show themselves, and say what cannot be sent."""

import json

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

from blocks import SiteAccess

CANARY = "canary-4711-secret"
SITE = ["https://staging.example.com"]


class TestSiteAccess(BlockStandardTestSuite):
    @pytest.fixture
    def block(self):
        return SiteAccess

    def test_has_a_valid_image(self, block):
        """Prefect's own test downloads it."""
        assert str(block._logo_url).startswith("https://")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in SiteAccess._environment:
        monkeypatch.delenv(name, raising=False)


def full():
    return SiteAccess(
        origins=SITE,
        username=f"{CANARY}1",
        password=f"{CANARY}2",
        cookies={"sid": f"{CANARY}3"},
        headers={"X-Preview": f"{CANARY}4"},
        proxy="http://proxy.example:3128",
        proxy_username=f"{CANARY}5",
        proxy_password=f"{CANARY}6",
        allow=["proxy.example:3128"],
    )


def test_what_a_request_carries():
    made = SiteAccess(origins=SITE, username="ann", password="tea", cookies="a=1; b=2", headers={"X-Preview": "yes"})
    assert made.request_headers() == (
        ("Authorization", "Basic YW5uOnRlYQ=="),
        ("Cookie", "a=1; b=2"),
        ("X-Preview", "yes"),
    )
    assert SiteAccess(origins=SITE, token="t0ken").request_headers() == (("Authorization", "Bearer t0ken"),)


def test_every_field_has_a_variable():
    assert sorted(SiteAccess._environment.values()) == sorted(SiteAccess.model_fields)


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv("SEO_ACCESS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("SEO_ACCESS_COOKIES", f"sid={CANARY}; theme=dark")
    monkeypatch.setenv("SEO_ACCESS_HEADERS", "X-Preview: yes\nAuthorization: Digest x:y")
    found = full().with_environment()
    assert found.origins == ["https://a.example", "https://b.example"]
    assert found.cookies.get_secret_value() == {"sid": CANARY, "theme": "dark"}
    assert found.headers.get_secret_value() == {"X-Preview": "yes", "Authorization": "Digest x:y"}


def test_nothing_shows_a_secret():
    block = full()
    block.check()
    shown = f"{block!r} {block} {block.model_dump()} {block.model_dump_json()}"
    assert CANARY not in shown


@pytest.mark.usefixtures("prefect_db")
async def test_prefect_gives_secrets_to_those_alone_who_ask_for_them():
    block = full()
    await block.save("canary")
    try:
        assert await SiteAccess.named("canary") == block
        async with get_client() as client:
            shown = await client.read_block_document_by_name("canary", "seo-site-access", include_secrets=False)
            known = await client.read_block_document_by_name("canary", "seo-site-access", include_secrets=True)
        assert CANARY not in shown.model_dump_json()
        assert json.dumps(known.data).count(CANARY) == 6
    finally:
        await SiteAccess.adelete("canary")


@pytest.mark.usefixtures("prefect_db")
async def test_a_block_that_was_saved_wrong_is_named_without_its_values():
    block = full()
    await block.save("wrong")
    try:
        async with get_client() as client:
            saved = await client.read_block_document_by_name("wrong", "seo-site-access")
            await client.update_block_document(saved.id, BlockDocumentUpdate(data={"headers": {"Host": CANARY}}))
        with pytest.raises(ValueError, match=r"block 'wrong' cannot be used: headers: the header Host") as refused:
            await SiteAccess.named("wrong")
        assert CANARY not in str(refused.value)
    finally:
        await SiteAccess.adelete("wrong")


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Range", "TE", "Upgrade", "Accept-Encoding",
     "Proxy-Authorization", "If-None-Match", "Cookie", "User-Agent", "", "X Y", "X:Y", "Täg", "X\r\nY"],
)  # fmt: skip
def test_header_names_that_are_not_for_others_to_set(name):
    with pytest.raises(ValidationError, match="header") as refused:
        SiteAccess(origins=SITE, headers={name: CANARY})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for field in ("headers", "cookies", "token", "password", "username", "proxy_password")
        for value in ("a\r\nX: y", "a\nb", "a\rb", "a\0b", "\x7f")
    ]
    + [(field, "ä") for field in ("headers", "cookies", "token")],  # the others are sent as UTF-8 in base64
)
def test_values_that_would_end_a_line_are_refused(field, value):
    given = {"X": f"{CANARY}{value}"} if field in {"headers", "cookies"} else f"{CANARY}{value}"
    with pytest.raises(ValidationError, match=field) as refused:
        SiteAccess(origins=SITE, **{field: given})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("value", ['a"b', "a,b", "a;b", "a b", "a\\b"])
def test_cookie_values_that_mean_something_else_on_the_wire(value):
    with pytest.raises(ValidationError, match="value of cookie sid"):
        SiteAccess(origins=SITE, cookies={"sid": value})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SEO_ACCESS_ORIGINS", f"https://ann:{CANARY}@example.com"),
        ("SEO_ACCESS_PROXY", f"http://ann:{CANARY}@proxy.example:3128"),
        ("SEO_ACCESS_COOKIES", CANARY),
        ("SEO_ACCESS_HEADERS", f"Host: {CANARY}"),
        ("SEO_ACCESS_TOKEN", f"{CANARY} {CANARY}"),
        ("SEO_ACCESS_USERNAME", f"ann:{CANARY}"),
    ],
)
def test_an_unusable_variable_is_named_without_its_value(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ValueError, match=f"^environment variable {name}: ") as refused:
        SiteAccess().with_environment()
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("origin", ["example.com", "ftp://example.com", "https://example.com/path", "https://", "*"])
def test_credentials_are_for_whole_origins(origin):
    with pytest.raises(ValidationError, match="entry 1 is no origin"):
        SiteAccess(origins=[origin])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "neither origins with credentials nor a proxy"),
        ({"token": "t"}, "credentials need origins"),
        ({"cookies": {"a": "b"}}, "credentials need origins"),
        ({"origins": SITE, "token": "t", "password": "p"}, "either username and password or a token"),
        ({"origins": SITE, "token": "t", "headers": {"authorization": "x"}}, "Authorization is made of"),
        ({"proxy": "http://Proxy.example:3128"}, r"once allow \(SEO_ACCESS_ALLOW\) names proxy.example:3128"),
        ({"proxy": "http://p:3128", "allow": ["p:3129"]}, "names p:3128"),
    ],
)
def test_fields_that_do_not_go_together(fields, why):
    with pytest.raises(ValueError, match=why):
        SiteAccess(**fields).check()


async def test_the_variables_alone_are_an_access(monkeypatch):
    assert not SiteAccess.in_environment()
    monkeypatch.setenv("SEO_ACCESS_ORIGINS", SITE[0])
    monkeypatch.setenv("SEO_ACCESS_TOKEN", CANARY)
    assert SiteAccess.in_environment()
    assert (await SiteAccess.named("environment")).request_headers() == (("Authorization", f"Bearer {CANARY}"),)


async def test_no_access_is_used_unnamed():
    with pytest.raises(ValueError, match="unnamed"):
        await SiteAccess.named()
