"""API keys, stored as hashes, each with an owner and a project."""

import hashlib
import secrets
from typing import Literal

from storage.database import Reader, Row, Transaction

Scope = Literal["all", "read"]


def new(owner: str, project: str, scope: Scope, rate: int | None, now: int) -> tuple[str, Row]:
    """Return a new secret and its row. `rate` is the key's own limit of requests per minute."""
    secret = f"sk-tl-{secrets.token_urlsafe(32)}"
    return secret, {
        "id": f"key_{secrets.token_hex(8)}",
        "hash": hash_of(secret),
        "hint": f"…{secret[-4:]}",
        "project": project,
        "owner": owner,
        "scope": scope,
        "rate": rate,
        "created_at": now,
    }


def hash_of(secret: str) -> str:
    # Keys are long and random, so a plain fast hash is safe.
    return hashlib.sha256(secret.encode()).hexdigest()


def add(tx: Transaction, row: Row) -> None:
    tx.insert("api_keys", row)


def revoke(tx: Transaction, id: str, now: int) -> bool:  # noqa: A002 - the column's name
    """Revoke a key. Return False when there is no such active key."""
    return tx.execute("update api_keys set revoked_at = :now where id = :id and revoked_at is null", id=id, now=now) > 0


async def by_hash(db: Reader, hash: str) -> Row | None:  # noqa: A002 - the column's name
    """Return the active key with this hash."""
    rows = await db.read("select * from api_keys where hash = :hash and revoked_at is null", hash=hash)
    return rows[0] if rows else None


async def every(db: Reader) -> list[Row]:
    return await db.read("select * from api_keys order by created_at, id")


async def any_valid(db: Reader) -> bool:
    return bool(await db.read("select 1 as one from api_keys where revoked_at is null limit 1"))
