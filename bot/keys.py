"""`threadline keys`: makes, shows and revokes the keys of the API, beside a running Threadline or without one."""

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
    """Make a key; returns what is shown of it, the only time that it is."""
    if not owner.strip() or not project.strip():
        raise UserError("A key needs an owner and a project that are not empty.")
    secret, row = keys.new(owner.strip(), project.strip(), "read" if read_only else "all", rate, int(time.time()))
    amend(settings.database_path, keys.add, row)
    return f"{secret}\n\nThis is {row['id']}, for {row['owner']} in project {row['project']}. It is not shown again."


def listed(settings: Settings) -> str:
    """A line for each key."""

    async def every() -> list[Row]:
        with reading(settings.database_path) as db:
            return await keys.every(db)

    lines = [_line(row) for row in asyncio.run(every())]
    return "\n".join(lines) or "There are no keys yet; make one: threadline keys create --owner NAME."


def revoke(settings: Settings, key_id: str) -> str:
    if not amend(settings.database_path, keys.revoke, key_id, int(time.time())):
        raise UserError(f"There is no key {key_id} that opens anything; see threadline keys list.")
    return f"{key_id} opens nothing any more."


def _line(row: Row) -> str:
    made = datetime.fromtimestamp(row["created_at"], UTC).date()
    rate = f", {row['rate']} a minute" if row["rate"] else ""
    state = "revoked" if row["revoked_at"] else "reads" if row["scope"] == "read" else "reads and writes"
    return f"{row['id']}  {row['hint']}  {row['owner']}, project {row['project']}: {state}{rate}, made {made}"
