"""A bounded log of events that were not answered: which, why and when, never their text."""

from collections.abc import Mapping

from storage.database import Reader, Row, Transaction

KEPT = 10_000


def record(tx: Transaction, reasons: Mapping[str, str], now: float) -> None:
    """Record events with their reasons; a newer reason replaces an older one. Keeps the newest `KEPT` events."""
    for event, reason in reasons.items():
        # Events seen again by a catch-up already have a record; they evict nothing.
        if not tx.execute("update unanswered set reason = :reason where event = :event", event=event, reason=reason):
            tx.insert("unanswered", {"event": event, "reason": reason, "at": now})
    tx.execute("delete from unanswered where seq <= (select max(seq) from unanswered) - :kept", kept=KEPT)


async def reason_for(db: Reader, event: str) -> Row | None:
    """Return `reason` and `at` of an event that was not answered, while its record is kept."""
    rows = await db.read("select event, reason, at from unanswered where event = :event", event=event)
    return rows[0] if rows else None
