"""Deletes a conversation: its texts go, the rows and the cost of its turns stay.

Deleted rows would free their ids for reuse, and a redelivered message would be answered again.
"""

from storage import turns
from storage.database import Database, Transaction, urgent


@urgent
def delete(tx: Transaction, conversation: int, thread_id: str | None) -> bool:
    """Delete a conversation whose thread is gone. Return False if it has work, or another thread by now."""
    queue = turns.queue_of(tx, conversation)
    there = tx.query("select thread_id from conversations where id = :c", c=conversation)
    if queue.open is not None or queue.waits or there[0]["thread_id"] != thread_id:
        return False
    tx.execute(
        "update conversations set key = 'deleted:' || id, title = null, thread = null, thread_id = null,"
        " assistant = null, speaker = null, engaged = 0 where id = :c",
        c=conversation,
    )
    tx.execute(
        "update turns set reason = null, error = null where conversation = :c"
        " and (reason is not null or error is not null)",
        c=conversation,
    )
    tx.execute(
        "update incoming set body = null, attachments = null, reply_to = null, author_name = null"
        " where turn in (select id from turns where conversation = :c)"
        " and (body is not null or attachments is not null or reply_to is not null or author_name <> '')",
        c=conversation,
    )
    return True


async def attachments(db: Database, conversation: int) -> list[str]:
    """Return the attachment lists of a conversation's messages, as JSON."""
    rows = await db.read(
        "select attachments from incoming where attachments is not null"
        " and turn in (select id from turns where conversation = :c)",
        c=conversation,
    )
    return [str(row["attachments"]) for row in rows]
