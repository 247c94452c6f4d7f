"""What serving and deploying need of Prefect: an API that answers, and a data folder for the deployments."""

import os
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from blocks import ResultStore
from blocks.result_store import SHARED
from deployments.cli.local_server import api_is_configured
from tasks.errors import InputError
from tasks.urls import nameable

STORE_BLOCK = "default"
LOCAL_API = "http://127.0.0.1:4200/api"


class PrefectAbsent(InputError):
    """There is no Prefect server to serve for."""


async def require_api() -> str:
    """The address of Prefect's API.

    Raises:
        PrefectAbsent: none is configured, or it does not answer.
    """
    if not api_is_configured():
        raise PrefectAbsent(
            "no Prefect API is configured: start a server with `prefect server start`, and name it with "
            f"`prefect config set PREFECT_API_URL={LOCAL_API}`"
        )
    async with get_client() as client:
        error = await client.api_healthcheck()
        address = nameable(str(client.api_url)).rstrip("/")
    if error is not None:
        raise PrefectAbsent(
            f"Prefect's API at {address} does not answer ({error}): start it with `prefect server start`, or correct "
            "PREFECT_API_URL"
        )
    return address


def ui_address() -> str:
    """Where people see the runs; empty where the settings do not tell."""
    return get_current_settings().ui_url or ""


async def _saved_block() -> ResultStore | None:
    try:
        block: ResultStore = await ResultStore.aload(STORE_BLOCK)
    except (ValueError, ObjectNotFound):
        return None
    return block


async def saved_folder() -> Path:
    """The data folder of deployments: that of the saved Result Store block, whatever the environment says here.

    Raises:
        InputError: no block is saved, or its folder is relative: a worker's working directory is not ours.
    """
    remedy = "`seo blocks store /srv/seo` saves one with that folder"
    block = await _saved_block()
    if block is None:
        raise InputError(
            f"no {ResultStore.get_block_type_name()} block is saved as {STORE_BLOCK!r}, and only there do deployments "
            f"look for their data folder: {remedy}"
        )
    if not _is_absolute(block.path):
        raise InputError(
            f"the {ResultStore.get_block_type_name()} block {STORE_BLOCK!r} has the relative folder {block.path!r}, "
            f"which each worker would look for somewhere else: {remedy}"
        )
    return block.folder()


def _is_absolute(path: str) -> bool:
    return Path(path).expanduser().is_absolute()


async def save_folder(folder: Path) -> list[str]:
    """Saves the Result Store block of deployments; what else it says stays.

    Returns the variables, of those that name database and bucket, whose values it has.
    """
    block = await _saved_block() or ResultStore()
    if os.environ.get("SEO_CATALOGUE_URL"):
        given = block.with_environment()
        block = block.model_copy(update={field: getattr(given, field) for field in SHARED})
    block.path = str(folder)
    await block.asave(STORE_BLOCK, overwrite=True)
    return sorted(block.shared())
