"""What one site wants to be shown before it answers."""

import base64
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from prefect.types import SecretDict
from pydantic import ConfigDict, Field, HttpUrl, SecretStr, field_validator

from blocks.settings import SettingsBlock

ENVIRONMENT = "environment"
"""Name of the access that the variables alone make; no saved block is looked for by it."""

OWN_HEADERS = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive", "range", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Fields that say how a request is sent or what is asked for: set by the client itself, or not at all."""

ELSEWHERE = {"cookie": "cookies", "user-agent": "user_agent of the SEO Crawler block"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110, 5.1
_VALUE = re.compile(r"[\x20-\x7e\t]*", re.ASCII)
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*|\"[^\";,\\\s]*\"", re.ASCII)  # RFC 6265, 4.1.1
_ORIGIN = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE | re.ASCII)
_PROXY = re.compile(r"http://(\[[0-9a-f:.]+\]|[^\s/?#@:\\\[\]]+):(\d{1,5})/?", re.IGNORECASE | re.ASCII)


class SiteAccess(SettingsBlock):
    """Credentials for the origins of one site, and the proxy it is reached by.

    Attributes:
        origins: Origins that the credentials are sent to.
        username: User name of basic authentication.
        password: Password of basic authentication.
        token: Bearer token.
        cookies: Cookies, values by name.
        headers: Further request headers, values by name.
        proxy: HTTP proxy of all requests.
        proxy_username: User name at the proxy.
        proxy_password: Password at the proxy.
        allow: Where the proxy may be.

    Example:
        Load a stored block and see whom it is for:
        ```python
        from blocks import SiteAccess

        access = SiteAccess.load("BLOCK_NAME")
        print(access.origins)
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "SEO Site Access"
    _block_type_slug = "seo-site-access"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/lock-keyhole-open.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "Credentials for the origins of one site, and the proxy it is reached by."
    _remedy: ClassVar[str] = "set the variables SEO_ACCESS_... and save them with `seo blocks access NAME`"
    _environment: ClassVar[dict[str, str]] = {
        "SEO_ACCESS_ORIGINS": "origins",
        "SEO_ACCESS_USERNAME": "username",
        "SEO_ACCESS_PASSWORD": "password",
        "SEO_ACCESS_TOKEN": "token",
        "SEO_ACCESS_COOKIES": "cookies",
        "SEO_ACCESS_HEADERS": "headers",
        "SEO_ACCESS_PROXY": "proxy",
        "SEO_ACCESS_PROXY_USERNAME": "proxy_username",
        "SEO_ACCESS_PROXY_PASSWORD": "proxy_password",
        "SEO_ACCESS_ALLOW": "allow",
    }

    origins: list[str] = Field(
        default_factory=list,
        description="Origins that the credentials are sent to, such as https://staging.example.com, and nobody else.",
    )
    username: SecretStr = Field(default=SecretStr(""), description="User name of basic authentication.")
    password: SecretStr = Field(default=SecretStr(""), description="Password of basic authentication.")
    token: SecretStr = Field(default=SecretStr(""), description="Bearer token.")
    cookies: SecretDict = Field(
        default=SecretDict({}), description="Cookies, values by name. What the site sets itself is not kept."
    )
    headers: SecretDict = Field(default=SecretDict({}), description="Further request headers, values by name.")
    proxy: str = Field(
        default="",
        description="HTTP proxy of all requests, such as http://proxy.example:3128. Empty to connect directly.",
    )
    proxy_username: SecretStr = Field(default=SecretStr(""), description="User name at the proxy.")
    proxy_password: SecretStr = Field(default=SecretStr(""), description="Password at the proxy.")
    allow: list[str] = Field(
        default_factory=list, description="Pairs host:port that the proxy may be at. Without its own it is refused."
    )

    @classmethod
    async def named(cls, name: str | None = None) -> Self:
        """The saved block ``name``, variables winning over it; for ``environment`` they alone.

        Raises:
            ValueError: no name, no such block, or one that cannot be used.
        """
        if name is None:
            raise ValueError(f"no {cls.get_block_type_slug()} block is used unnamed")
        found = cls().with_environment() if name == ENVIRONMENT else await super().named(name)
        found.check()
        return found

    @classmethod
    def in_environment(cls) -> bool:
        """Whether any variable of this block is set."""
        return any(map(os.environ.get, cls._environment))

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for number, origin in enumerate(origins, 1):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"entry {number} is no origin: write scheme and host, such as https://example.com")
        return origins

    @field_validator("username", "proxy_username")
    @classmethod
    def _without_colon(cls, name: SecretStr) -> SecretStr:
        if ":" in name.get_secret_value():
            raise ValueError("a user name of basic authentication has no colon")
        return name

    @field_validator("username", "password", "proxy_username", "proxy_password")
    @classmethod
    def _without_controls(cls, secret: SecretStr) -> SecretStr:
        if any(character < " " or character == "\x7f" for character in secret.get_secret_value()):
            raise ValueError("control characters, such as the end of a line, cannot be sent")
        return secret

    @field_validator("token")
    @classmethod
    def _is_token(cls, token: SecretStr) -> SecretStr:
        if not _VALUE.fullmatch(token.get_secret_value()) or " " in token.get_secret_value():
            raise ValueError("a token is printable ASCII without spaces")
        return token

    @field_validator("cookies", mode="before")
    @classmethod
    def _cookies(cls, given: Any) -> SecretDict:
        return _mapping(given, _written_cookies, _check_cookie)

    @field_validator("headers", mode="before")
    @classmethod
    def _headers(cls, given: Any) -> SecretDict:
        return _mapping(given, _written_headers, _check_header)

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, proxy: str) -> str:
        if proxy and not _PROXY.fullmatch(proxy):
            raise ValueError(
                "write http://host:port, such as http://proxy.example:3128; user name and password have fields of "
                "their own"
            )
        return proxy

    def check(self) -> None:
        """Looks at the fields together.

        Raises:
            ValueError: naming what does not go together.
        """
        ways = [way for way in (self.username, self.password, self.token) if way.get_secret_value()]
        named = {name.lower() for name in self.headers.get_secret_value()}
        if self.token.get_secret_value() and len(ways) > 1:
            raise ValueError("site access: give either username and password or a token")
        if ways and "authorization" in named:
            raise ValueError("site access: the header Authorization is made of username and password, or of the token")
        if not self.origins and (ways or named or self.cookies.get_secret_value()):
            raise ValueError("site access: credentials need origins, such as https://staging.example.com")
        if not self.origins and not self.proxy:
            raise ValueError("site access: neither origins with credentials nor a proxy are given")
        if self.proxy and self.proxy_at not in {entry.lower() for entry in self.allow}:
            raise ValueError(f"site access: the proxy is used once allow (SEO_ACCESS_ALLOW) names {self.proxy_at}")

    @property
    def proxy_at(self) -> str:
        """The proxy's host:port in lower case; empty where there is none."""
        found = _PROXY.fullmatch(self.proxy)
        return f"{found[1].lower()}:{int(found[2])}" if found else ""

    def request_headers(self) -> tuple[tuple[str, str], ...]:
        """What a request to one of the origins carries, in clear."""
        return tuple(self._request_headers())

    def _request_headers(self) -> Iterator[tuple[str, str]]:
        if self.username.get_secret_value() or self.password.get_secret_value():
            yield "Authorization", _basic(self.username, self.password)
        if token := self.token.get_secret_value():
            yield "Authorization", f"Bearer {token}"
        if cookies := self.cookies.get_secret_value():
            yield "Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())
        yield from self.headers.get_secret_value().items()

    def proxy_authorization(self) -> str:
        """What the proxy is shown, in clear; empty where nothing."""
        given = self.proxy_username.get_secret_value() or self.proxy_password.get_secret_value()
        return _basic(self.proxy_username, self.proxy_password) if given else ""

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, in clear."""
        plain = (self.username, self.password, self.token, self.proxy_username, self.proxy_password)
        mapped = (*self.cookies.get_secret_value().values(), *self.headers.get_secret_value().values())
        made = (self.proxy_authorization(), *(value for _, value in self._request_headers()))
        return tuple(filter(None, (*(one.get_secret_value() for one in plain), *mapped, *made)))


def _basic(username: SecretStr, password: SecretStr) -> str:
    pair = f"{username.get_secret_value()}:{password.get_secret_value()}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _mapping(given: Any, read: Callable[[str], dict[str, str]], check: Callable[[str, str], None]) -> SecretDict:
    plain = given.get_secret_value() if isinstance(given, SecretDict) else given
    found = read(plain) if isinstance(plain, str) else plain
    if not isinstance(found, dict) or not all(isinstance(part, str) for pair in found.items() for part in pair):
        raise ValueError("write an object of texts by name")
    for name, value in found.items():
        check(name, value)
    return SecretDict(found)


def _written_cookies(text: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in text.split(";") if part.strip()]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("write name=value, several with ; between")
    return {name: value for name, _, value in pairs}


def _written_headers(text: str) -> dict[str, str]:
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    if not all(colon for _, colon, _ in pairs):
        raise ValueError("write Name: value, one a line")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _check_cookie(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name of a cookie is a word of letters, digits and hyphens: {_shown(name)} is none")
    if not _COOKIE_VALUE.fullmatch(value):
        raise ValueError(f"the value of cookie {name} has a character that cannot be sent: encode it as the site does")


def _check_header(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name of a header is a word of letters, digits and hyphens: {_shown(name)} is none")
    if (own := name.lower()) in OWN_HEADERS or own.startswith("proxy-"):
        raise ValueError(f"the header {name} is the client's own: leave it out")
    if own in ELSEWHERE:
        raise ValueError(f"the header {name} has its own place: {ELSEWHERE[own]}")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of header {name} has a character that cannot be sent, such as the end of a line")


def _shown(name: str) -> str:
    """The start of a wrong name: the rest may be a value."""
    return ascii(name[:20])
