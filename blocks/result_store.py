"""Where results are kept."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, HttpUrl, field_validator

from blocks.settings import SettingsBlock


class ResultStore(SettingsBlock):
    """The data folder.

    Attributes:
        path: Folder of catalogue and facts.
        keep_html: Whether page sources are kept.

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
    _description = "The folder that holds the catalogue and the facts of all runs."
    _environment: ClassVar[dict[str, str]] = {"SEO_DATA": "path", "SEO_KEEP_HTML": "keep_html"}

    path: str = Field(
        default="data", description="Data folder. Absolute for deployments: a worker's folder is not yours."
    )
    keep_html: bool = Field(default=True, description="Keep the compressed source of every page.")

    @field_validator("path")
    @classmethod
    def _not_empty(cls, path: str) -> str:
        if not path.strip():
            raise ValueError("the data folder needs a path")
        return path

    def folder(self) -> Path:
        """The absolute data folder; a relative path is taken from the current directory."""
        return Path(self.path).expanduser().resolve()
