"""Turns objects of the contract into rows and back: columns where the API lists or filters, the rest as JSON."""

import json
import secrets
import string
import time
from typing import Any, TypeVar

from assistants.contract import Assistant, Message, Run, RunStep, Thread, Wire
from storage.database import Row
from storage.objects import Table

W = TypeVar("W", bound=Wire)

_LETTERS = string.ascii_letters + string.digits

TABLES: dict[type[Wire], Table] = {
    Assistant: "assistants",
    Thread: "threads",
    Message: "messages",
    Run: "runs",
    RunStep: "run_steps",
}

_COLUMNS: dict[Table, tuple[str, ...]] = {
    "assistants": ("id", "created_at", "name", "model"),
    "threads": ("id", "created_at"),
    "messages": ("id", "created_at", "thread_id", "run_id", "assistant_id", "role", "status"),
    "runs": ("id", "created_at", "thread_id", "assistant_id", "status", "expires_at"),
    "run_steps": ("id", "created_at", "run_id", "thread_id", "type", "status"),
}


def to_row(thing: Wire) -> dict[str, Any]:
    said = thing.wire()
    del said["object"]
    columns = {name: said.pop(name) for name in _COLUMNS[TABLES[type(thing)]]}
    return {**columns, "body": json.dumps(said, ensure_ascii=False)}


def from_row(kind: type[W], row: Row) -> W:
    columns = {name: row[name] for name in _COLUMNS[TABLES[kind]]}
    return kind.model_validate({**json.loads(row["body"]), **columns})


def new_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(24))}"


def now() -> int:
    """The time in the API's whole seconds."""
    return int(time.time())
