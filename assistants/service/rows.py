"""Converts contract objects to rows and back: columns for what the API lists or filters by, JSON for the rest."""

import json
import secrets
import time
from typing import Any, TypeVar

from assistants.contract import (
    Assistant,
    File,
    Message,
    Run,
    RunStep,
    Thread,
    Upload,
    UploadPart,
    VectorStore,
    VectorStoreFile,
    VectorStoreFileBatch,
    Wire,
)
from storage.database import Row
from storage.objects import Table

W = TypeVar("W", bound=Wire)

TABLES: dict[type[Wire], Table] = {
    Assistant: "assistants",
    Thread: "threads",
    Message: "messages",
    Run: "runs",
    RunStep: "run_steps",
    File: "files",
    Upload: "uploads",
    UploadPart: "upload_parts",
    VectorStore: "vector_stores",
    VectorStoreFile: "vector_store_files",
    VectorStoreFileBatch: "vector_store_batches",
}

_COLUMNS: dict[Table, tuple[str, ...]] = {
    "assistants": ("id", "created_at", "name", "model"),
    "threads": ("id", "created_at"),
    "messages": ("id", "created_at", "thread_id", "run_id", "assistant_id", "role", "status"),
    "runs": ("id", "created_at", "thread_id", "assistant_id", "status", "expires_at"),
    "run_steps": ("id", "created_at", "run_id", "thread_id", "type", "status"),
    "files": ("id", "created_at", "purpose", "filename", "bytes", "expires_at"),
    "uploads": ("id", "created_at", "status", "expires_at"),
    "upload_parts": ("id", "created_at", "upload_id"),
    "vector_stores": ("id", "created_at", "status", "expires_at"),
    "vector_store_files": ("id", "created_at", "vector_store_id", "status", "usage_bytes"),
    "vector_store_batches": ("id", "created_at", "vector_store_id"),
}


def to_row(thing: Wire, **more: Any) -> dict[str, Any]:
    """Return an object's row; `more` are columns that the API does not show."""
    said = thing.wire()
    del said["object"]
    columns = {name: said.pop(name, None) for name in _COLUMNS[TABLES[type(thing)]]}
    return {**columns, **more, "body": json.dumps(said, ensure_ascii=False)}


def from_row(kind: type[W], row: Row) -> W:
    columns = {name: row[name] for name in _COLUMNS[TABLES[kind]]}
    if kind is File and columns["expires_at"] is None:
        del columns["expires_at"]  # a file without an expiry omits the field
    # Fields with this prefix are internal and not shown.
    said = {name: value for name, value in json.loads(row["body"]).items() if name[0] != "_"}
    return kind.model_validate({**said, **columns})


def new_id(prefix: str, *, joint: str = "_") -> str:
    return f"{prefix}{joint}{secrets.token_hex(12)}"


def now() -> int:
    """Return the time in whole seconds, as the API uses it."""
    return int(time.time())
