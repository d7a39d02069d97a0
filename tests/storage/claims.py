"""Messages to claim in tests of the tables."""

from storage import claims, turns
from storage.database import Database


def claim(event: str, key: str = "web:a", position: str | None = None, **more: object) -> claims.Claim:
    """A message of this name, positioned by it unless said otherwise."""
    given = {
        "event": event,
        "key": key,
        "platform": "web",
        "workspace": "",
        "channel": "a",
        "thread": None,
        "title": "title",
        "position": position or event,
        "author": "web",
        "author_name": "",
        "body": event,
        "reply_to": None,
        "now": 1.0,
    }
    return claims.Claim(**{**given, **more})  # type: ignore[arg-type]


async def claimed(db: Database, event: str, key: str = "web:a", **more: object) -> claims.Claimed:
    """The message, claimed for the first time."""
    found = await db.write(claims.claim_incoming, claim(event, key, **more))  # type: ignore[arg-type]
    assert found is not None
    return found


async def opened(db: Database, event: str, key: str = "web:a", **more: object) -> turns.Opened:
    """The turn that claiming this message opened."""
    found = (await claimed(db, event, key, **more)).opened
    assert found is not None
    return found
