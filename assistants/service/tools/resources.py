"""A run's tool resources: the ids given by its assistant, its thread and the run itself."""

import json
from typing import Any

from assistants.contract import Run
from storage import objects
from storage.database import Reader, Row


async def named(db: Reader, run: Run, tool: str, key: str) -> list[str]:
    """Return the distinct ids under `tool` and `key`, the assistant's first."""
    found = [
        *_of(await objects.find(db, "assistants", run.assistant_id) if run.assistant_id else None, tool, key),
        *_of(await objects.find(db, "threads", run.thread_id), tool, key),
        *_listed(run.wire(), tool, key),
    ]
    return list(dict.fromkeys(found))


def _of(row: Row | None, tool: str, key: str) -> list[str]:
    return _listed(json.loads(row["body"]), tool, key) if row else []


def _listed(said: dict[str, Any], tool: str, key: str) -> list[str]:
    return list(((said.get("tool_resources") or {}).get(tool) or {}).get(key) or [])
