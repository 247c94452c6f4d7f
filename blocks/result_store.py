"""Where results are kept."""

import re
from pathlib import Path
from typing import ClassVar, Self

from prefect.context import FlowRunContext
from pydantic import Field, HttpUrl, field_validator

from blocks.settings import SettingsBlock

_KEPT = re.compile(r"\d{1,9}(\.\d{1,9})?[smhdw]?", re.ASCII | re.IGNORECASE)


class ResultStore(SettingsBlock):
    """The data folder.

    Attributes:
        path: Folder of catalogue and facts.
        keep_html: Whether page sources are kept.
        keep_runs: How long runs are kept after their end; for good where empty.

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
    _environment: ClassVar[dict[str, str]] = {
        "SEO_DATA": "path",
        "SEO_KEEP_HTML": "keep_html",
        "SEO_KEEP_RUNS": "keep_runs",
    }

    path: str = Field(
        default="data", description="Data folder. Absolute for deployments: a worker's folder is not yours."
    )
    keep_html: bool = Field(default=True, description="Keep the compressed source of every page.")
    keep_runs: str = Field(
        default="", description="How long runs are kept after their end, such as 90d; for good where empty."
    )

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
            raise ValueError(f"{keep_runs[:100]!r} is no length of time: write 90d, 12w or 48h")
        return keep_runs.strip()

    def folder(self) -> Path:
        """The absolute data folder; a relative path is taken from the current directory."""
        return Path(self.path).expanduser().resolve()

    def with_environment(self) -> Self:
        """As all blocks, but that the environment does not move the folder of a deployment's run."""
        block = super().with_environment()
        return block.model_copy(update={"path": self.path}) if _is_deployed() else block

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
        return given or str(self.folder())


def _is_deployed() -> bool:
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None
