"""Where live messages go."""

import re
from typing import Any, ClassVar

from pydantic import Field, HttpUrl, SecretStr, field_validator

from blocks.settings import SettingsBlock

_HOST = re.compile(r"[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")


class PusherChannel(SettingsBlock):
    """An application of Pusher, or of a server that speaks its protocol, and further ways to tell people.

    Attributes:
        app_id: Application id.
        key: Application key.
        secret: Application secret.
        cluster: Cluster of Pusher's own service.
        host: Host of another server.
        port: Port of that server.
        ssl: Whether it is reached by HTTPS.
        public_names: Whether anybody may listen.
        public_url: Address that links in messages begin with.
        extra: Notification blocks that are told too.

    Example:
        Load a stored block and sign a browser's subscription:
        ```python
        from blocks import PusherChannel

        channel = PusherChannel.load("BLOCK_NAME")
        channel.get_client().authenticate("private-user-ann", "1.2")
        ```
    """

    _block_type_name = "SEO Pusher Channel"
    _block_type_slug = "seo-pusher-channel"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/radio.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "A Pusher application, or a server of its protocol, and further ways to tell people."
    _environment: ClassVar[dict[str, str]] = {
        "PUSHER_APP_ID": "app_id",
        "PUSHER_KEY": "key",
        "PUSHER_SECRET": "secret",
        "PUSHER_CLUSTER": "cluster",
        "PUSHER_HOST": "host",
        "PUSHER_PORT": "port",
        "PUSHER_SSL": "ssl",
        "PUSHER_PUBLIC_NAMES": "public_names",
        "SEO_PUBLIC_URL": "public_url",
        "SEO_NOTIFY": "extra",
    }

    app_id: str = Field(default="", pattern=r"^[0-9]*$", description="Application id, digits.")
    key: str = Field(default="", description="Application key.")
    secret: SecretStr = Field(default=SecretStr(""), description="Application secret.")
    cluster: str = Field(default="", description="Cluster of Pusher's own service, such as eu.")
    host: str = Field(default="", description="Host of another server that speaks the protocol. Empty for Pusher's.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Port of that server. Unset for HTTPS's own.")
    ssl: bool = Field(default=True, description="Reach the server by HTTPS.")
    public_names: bool = Field(
        default=False, description="Use channels that anybody may listen to, user-ID in place of private-user-ID."
    )
    public_url: str = Field(
        default="", pattern=r"^(https?://\S+)?$", description="Address that links in messages begin with."
    )
    extra: list[str] = Field(
        default_factory=list,
        description="Prefect notification blocks told of each notification too, as slack-webhook/NAME.",
    )

    @field_validator("host")
    @classmethod
    def _host_alone(cls, host: str) -> str:
        if not _HOST.fullmatch(host):
            raise ValueError("give the name alone, such as ws.example.com: port and ssl say the rest")
        return host

    @property
    def missing(self) -> tuple[str, ...]:
        """What is lacking of the three fields without which nothing can be pushed."""
        given = {"app_id": self.app_id, "key": self.key, "secret": self.secret.get_secret_value()}
        return tuple(name for name, value in given.items() if not value)

    def get_client(self, backend: Any = None) -> Any:
        """A ``pusher.Pusher``; ``backend`` makes its requests, the library's own where absent.

        Raises:
            ValueError: a field is missing.
        """
        if self.missing:
            raise ValueError(f"the Pusher channel lacks {', '.join(self.missing)}")
        import pusher  # noqa: PLC0415 - imports a further HTTP client

        return pusher.Pusher(
            app_id=self.app_id,
            key=self.key,
            secret=self.secret.get_secret_value(),
            cluster=self.cluster or None,
            host=self.host or None,
            port=self.port,
            ssl=self.ssl,
            backend=backend,
        )
