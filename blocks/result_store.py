"""Where results are kept."""

import os
import re
from pathlib import Path
from typing import ClassVar, Self

from prefect.context import FlowRunContext
from pydantic import Field, HttpUrl, SecretStr, field_validator

from blocks.settings import SettingsBlock

SHARED = ("catalogue_url", "facts_url", "s3_endpoint", "s3_region", "s3_access_key_id", "s3_secret_access_key")
"""Fields that name database and bucket, and open them."""

_KEPT = re.compile(r"(?=.*[1-9])\d{1,9}(\.\d{1,9})?[hdw]", re.ASCII | re.IGNORECASE)


class ResultStore(SettingsBlock):
    """The data folder, and for several machines the database and the bucket that they share.

    Attributes:
        path: Folder of catalogue and facts; of copies of the facts where they are in a bucket.
        keep_html: Whether page sources are kept.
        keep_runs: How long runs are kept after their end; for good where empty.
        catalogue_url: PostgreSQL database of the catalogue.
        facts_url: S3 bucket and prefix of the facts.
        s3_endpoint: Address of the S3 server.
        s3_region: Region of the bucket.
        s3_access_key_id: Key for the bucket.
        s3_secret_access_key: Its secret.

    Example:
        Load a stored block and read its folder:
        ```python
        from blocks import ResultStore

        store = ResultStore.load("BLOCK_NAME")
        print(store.folder())
        ```
    """

    _block_type_name = "SEO Result Store"
    _block_type_slug = "seo-result-store"
    _logo_url = HttpUrl("https://cdn.jsdelivr.net/npm/lucide-static@0.471.0/icons/database.svg")
    _documentation_url = HttpUrl("https://github.com/seo-scan/seo-scan#blocks")
    _description = "The folder, or the database and the bucket, that hold the catalogue and the facts of all runs."
    _environment: ClassVar[dict[str, str]] = {
        "SEO_DATA": "path",
        "SEO_KEEP_HTML": "keep_html",
        "SEO_KEEP_RUNS": "keep_runs",
        "SEO_CATALOGUE_URL": "catalogue_url",
        "SEO_FACTS_URL": "facts_url",
        "AWS_ENDPOINT_URL": "s3_endpoint",
        "AWS_REGION": "s3_region",
        "AWS_ACCESS_KEY_ID": "s3_access_key_id",
        "AWS_SECRET_ACCESS_KEY": "s3_secret_access_key",
    }

    path: str = Field(
        default="data", description="Data folder. Absolute for deployments: a worker's folder is not yours."
    )
    keep_html: bool = Field(default=True, description="Keep the compressed source of every page.")
    keep_runs: str = Field(
        default="", description="How long runs are kept after their end, such as 90d; for good where empty."
    )
    catalogue_url: SecretStr = Field(
        default=SecretStr(""),
        description="Catalogue for several machines, postgresql://user:password@host/database. Empty for the folder.",
    )
    facts_url: str = Field(
        default="", description="Facts for several machines, s3://bucket/prefix. Empty for the folder."
    )
    s3_endpoint: str = Field(default="", description="Address of the S3 server. Empty for Amazon's.")
    s3_region: str = Field(default="", description="Region of the bucket.")
    s3_access_key_id: SecretStr = Field(
        default=SecretStr(""), description="Key for the bucket. Empty for what the machine itself may use."
    )
    s3_secret_access_key: SecretStr = Field(default=SecretStr(""), description="Secret of that key.")

    @field_validator("path")
    @classmethod
    def _not_empty(cls, path: str) -> str:
        if not path.strip():
            raise ValueError("the data folder needs a path")
        return path

    @field_validator("keep_runs")
    @classmethod
    def _a_length_of_time(cls, keep_runs: str) -> str:
        if keep_runs.strip() and not _KEPT.fullmatch(keep_runs.strip()):
            raise ValueError(f"{keep_runs[:100]!r} does not say how many days, weeks or hours: write 90d, 12w or 48h")
        return keep_runs.strip()

    def folder(self) -> Path:
        """The absolute data folder; a relative path is taken from the current directory.

        What else the block says of the place is handed on to this process and its children by their environment,
        where a store looks for it: so it is in no parameter and no result.
        """
        os.environ.update(self.shared())
        return Path(self.path).expanduser().resolve()

    def shared(self) -> dict[str, str]:
        """The variables that name database and bucket, and open them; empty without."""
        values = {name: getattr(self, field) for name, field in self._environment.items() if field in SHARED}
        plain = {name: one.get_secret_value() if isinstance(one, SecretStr) else one for name, one in values.items()}
        return {name: value for name, value in plain.items() if value}

    def with_environment(self) -> Self:
        """As all blocks, but that the environment moves nothing that a deployment's run finds in its block."""
        block = super().with_environment()
        if not _is_deployed():
            return block
        own = {self._environment[name] for name in self.shared()}
        return block.model_copy(update={field: getattr(self, field) for field in ("path", *own)})

    def folder_of_run(self, given: str | None = None) -> str:
        """The data folder of the surrounding flow run: ``given``, else this block's.

        Raises:
            ValueError: the run is a deployment's, and a folder was given or this block's is relative: only this block
                says where deployments keep their data, and a worker's current directory is not its user's.
        """
        if _is_deployed():
            if given is not None:
                raise ValueError(
                    f"only the {self.get_block_type_name()} block says where a deployment keeps its data: leave the "
                    "parameter out"
                )
            if not Path(self.path).expanduser().is_absolute():
                raise ValueError(
                    f"the {self.get_block_type_name()} block has the relative folder {self.path!r}, which each worker "
                    "would look for somewhere else: save it with an absolute one"
                )
        folder = str(self.folder())
        return given or folder


def _is_deployed() -> bool:
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None
