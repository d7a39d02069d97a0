"""The ring of things that were not answered: which, why and when; never what was said."""

from collections.abc import Mapping

from storage.database import Reader, Row, Transaction

KEPT = 10_000


def record(tx: Transaction, reasons: Mapping[str, str], now: float) -> None:
    """Remember events with their reasons, the newest reason of each; the oldest events beyond `KEPT` are forgotten."""
    for event, reason in reasons.items():
        # What is looked at again after a gap was noted before, and pushes nothing out.
        if not tx.execute("update unanswered set reason = :reason where event = :event", event=event, reason=reason):
            tx.insert("unanswered", {"event": event, "reason": reason, "at": now})
    tx.execute("delete from unanswered where seq <= (select max(seq) from unanswered) - :kept", kept=KEPT)


async def reason_for(db: Reader, event: str) -> Row | None:
    """`reason` and `at` of an event that was not answered, as far as that is still known."""
    rows = await db.read("select event, reason, at from unanswered where event = :event", event=event)
    return rows[0] if rows else None
