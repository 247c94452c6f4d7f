"""Credentials: named by flows, loaded where they are used, and handed on to nobody."""

import asyncio
import hashlib
import json

from blocks import SiteAccess
from tasks.errors import InputError
from tasks.fetch.access import NO_ACCESS, Access, Proxy
from tasks.scan.settings import AccessRef, ScanSettings
from tasks.store import Store
from tasks.urls import parse

_COST, _BLOCK_SIZE, _KEY_BYTES = 2**14, 8, 8  # some 50 ms a guess, for who has the data folder


async def named_access(name: str, data: str) -> AccessRef:
    """The access ``name`` as runs in the data folder refer to it.

    Raises:
        InputError: there is none, or it cannot be used.
    """
    block = await _load(name)
    return AccessRef(name=name, key=await asyncio.to_thread(_key, name, block, data))


async def load_access(settings: ScanSettings) -> Access:
    """The credentials of a run, in clear.

    Raises:
        InputError: its block is gone, or can no longer be used.
    """
    if settings.access is None:
        return NO_ACCESS
    block = await _load(settings.access.name)
    return Access(
        origins=frozenset(parse(origin).removesuffix("/") for origin in block.origins),
        headers=tuple((name.encode("ascii"), value.encode("ascii")) for name, value in block.request_headers()),
        secrets=tuple(sorted(block.secrets(), key=len, reverse=True)),
        proxy=Proxy(block.proxy_at, block.proxy_authorization()) if block.proxy else None,
    )


async def _load(name: str) -> SiteAccess:
    try:
        return await SiteAccess.named(name)
    except ValueError as error:
        raise InputError(str(error)) from None


def _key(name: str, block: SiteAccess, data: str) -> str:
    with Store.open(data) as store:
        salt = store.store_id
    shown = json.dumps([name, sorted(block.origins), block.request_headers(), block.proxy])
    key = hashlib.scrypt(
        shown.encode(), salt=salt.encode(), n=_COST, r=_BLOCK_SIZE, p=1, maxmem=2**26, dklen=_KEY_BYTES
    )
    return key.hex()
