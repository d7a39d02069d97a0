"""Requests already answered under an idempotency key, so that a retry does nothing twice."""

from storage.database import Reader, Row, Transaction

ANSWERED = "select fingerprint, body from answered_requests where project = :project and key = :key"


def answered(tx: Transaction, project: str, key: str) -> Row | None:
    """Return `fingerprint` and `body` of the request answered under a key."""
    rows = tx.query(ANSWERED, project=project, key=key)
    return rows[0] if rows else None


async def seen(db: Reader, project: str, key: str) -> Row | None:
    """The same beside the writer, for what must not even be begun twice."""
    rows = await db.look_up(ANSWERED, project=project, key=key)
    return rows[0] if rows else None


def remember(tx: Transaction, project: str, key: str, fingerprint: str, body: str, now: int) -> None:
    row = {"project": project, "key": key, "fingerprint": fingerprint, "body": body, "created_at": now}
    tx.insert("answered_requests", row)


def forget(tx: Transaction, before: int, limit: int) -> int:
    """Delete at most `limit` older requests. Return how many were deleted."""
    oldest = "select rowid from answered_requests where created_at < :before limit :limit"
    return tx.execute(f"delete from answered_requests where rowid in ({oldest})", before=before, limit=limit)  # noqa: S608
