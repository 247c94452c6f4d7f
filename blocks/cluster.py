"""Where large runs are worked on."""

from typing import ClassVar

from pydantic import Field, HttpUrl

from blocks.settings import SettingsBlock


class Cluster(SettingsBlock):
    """A running Dask or Ray cluster.

    Attributes:
        address: Dask scheduler or Ray cluster.

    Example:
        Load a stored block and read its address:
        ```python
        from blocks import Cluster

        cluster = Cluster.load("BLOCK_NAME")
        print(cluster.address)
        ```
    """

    _block_type_name = "SEO Cluster"
    _block_type_slug = "seo-cluster"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/network.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "A running Dask or Ray cluster that works on large runs."
    _environment: ClassVar[dict[str, str]] = {"SEO_CLUSTER": "address"}

    address: str = Field(
        default="",
        pattern=r"^((tcp|tls|ray)://[^\s/@]+:[0-9]+)?$",
        description="Address tcp://host:port or tls://host:port of a Dask scheduler, or ray://host:port of a Ray "
        "cluster. Empty for processes of the flow's own machine.",
    )
