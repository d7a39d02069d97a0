"""`threadline keys`: creates, lists and revokes API keys, whether Threadline is running or not."""

import asyncio
import time
from datetime import UTC, datetime

from bot.adapter import UserError
from bot.settings import Settings
from storage import keys
from storage.database import Row
from storage.objects import DEFAULT_PROJECT
from storage.sqlite import amend, reading

__all__ = ["DEFAULT_PROJECT", "create", "listed", "revoke"]


def create(settings: Settings, owner: str, project: str, *, read_only: bool, rate: int | None) -> str:
    """Create a key; returns the text that shows it, for the only time."""
    if not owner.strip() or not project.strip():
        raise UserError("A key needs an owner and a project that are not empty.")
    secret, row = keys.new(owner.strip(), project.strip(), "read" if read_only else "all", rate, int(time.time()))
    amend(settings.database_path, keys.add, row)
    return f"{secret}\n\nThis is {row['id']}, for {row['owner']} in project {row['project']}. It is not shown again."


def listed(settings: Settings) -> str:
    """One line per key."""

    async def every() -> list[Row]:
        with reading(settings.database_path) as db:
            return await keys.every(db)

    lines = [_line(row) for row in asyncio.run(every())]
    return "\n".join(lines) or "There are no keys yet. Create one: threadline keys create --owner NAME."


def revoke(settings: Settings, key_id: str) -> str:
    if not amend(settings.database_path, keys.revoke, key_id, int(time.time())):
        raise UserError(f"There is no active key {key_id}; see threadline keys list.")
    return f"{key_id} is revoked."


def _line(row: Row) -> str:
    made = datetime.fromtimestamp(row["created_at"], UTC).date()
    rate = f", {row['rate']} requests a minute" if row["rate"] else ""
    state = "revoked" if row["revoked_at"] else "read-only" if row["scope"] == "read" else "read and write"
    return f"{row['id']}  {row['hint']}  {row['owner']}, project {row['project']}: {state}{rate}, created {made}"
