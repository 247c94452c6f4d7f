"""Keys to the HTTP door. Of a token only the digest is stored."""

import hashlib
import hmac
import secrets
import time
from datetime import UTC, datetime

from sqlalchemy import select, update

from tasks.store.catalogue import Catalogue
from tasks.store.runs import moment
from tasks.store.schema import api_keys
from tasks.store.service_records import ApiKey, NewKey

PREFIX = "seo_"
TOKEN_BYTES = 32
ID_DIGITS = 12


class ApiKeys:
    """Keys of users; one is known by the beginning of its token's digest."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(self, user_id: str) -> NewKey:
        """A new key, with the token that nobody can show again."""
        token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        digest = _digest(token)
        row = {"key_id": digest[:ID_DIGITS], "user_id": user_id, "digest": digest, "created_at": time.time()}
        with self._catalogue.write() as connection:
            connection.execute(api_keys.insert(), row)
        return NewKey(key_id=digest[:ID_DIGITS], token=token)

    def user_of(self, token: str) -> str | None:
        """Whose key it is; None where it is nobody's or revoked."""
        digest = _digest(token)
        query = select(api_keys.c.user_id, api_keys.c.digest)
        with self._catalogue.read() as connection:
            row = connection.execute(
                query.where(api_keys.c.key_id == digest[:ID_DIGITS], api_keys.c.revoked_at.is_(None))
            ).first()
        stored = row.digest if row is not None else ""
        same = hmac.compare_digest(stored, digest)
        return row.user_id if row is not None and same else None

    def revoke(self, key_id: str) -> bool:
        """False where there is no such key, or it was revoked before."""
        valid = (api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        with self._catalogue.write() as connection:
            return connection.execute(update(api_keys).where(*valid).values(revoked_at=time.time())).rowcount > 0

    def list(self, user: str | None = None) -> list[ApiKey]:
        """All, or those of ``user``, oldest first; revoked ones too."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
        if user is not None:
            query = query.where(api_keys.c.user_id == user)
        with self._catalogue.read() as connection:
            return [
                ApiKey(
                    key_id=row.key_id,
                    user_id=row.user_id,
                    created_at=datetime.fromtimestamp(row.created_at, UTC),
                    revoked_at=moment(row.revoked_at),
                )
                for row in connection.execute(query)
            ]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
