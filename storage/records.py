"""The rows the bot works with, as dataclasses: one field a column."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Record:
    """A row. Columns that a record does not name are left out, so that an older program reads a newer table."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls(**{name: row[name] for name in _columns(cls)})  # type: ignore[arg-type]  # a class is hashable


@cache
def _columns(record: type[Record]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


@dataclass(frozen=True, slots=True)
class Conversation(Record):
    """A place where people talk. `assistant` is the one picked for this conversation, if one was.

    `bots` counts the bot messages since a person last spoke; `several` means that more than one person has spoken.
    """

    id: int
    key: str
    platform: str
    workspace: str
    channel: str
    thread: str | None
    assistant: str | None
    thread_id: str | None
    engaged: int
    title: str | None
    created_at: float
    updated_at: float
    bots: int = 0
    several: int = 0


@dataclass(frozen=True, slots=True)
class IncomingRow(Record):
    """A recorded message. `position` sorts as text; `body` is None once its turn is done and the thread has it.

    `noted` means that its author was told that it waits; `attachments` are its files, as JSON.
    """

    id: int
    event: str
    conversation: int
    position: str
    author: str
    author_name: str | None
    body: str | None
    reply_to: str | None
    turn: int | None
    received_at: float
    noted: int = 0
    attachments: str | None = None


@dataclass(frozen=True, slots=True)
class TurnRow(Record):
    """A turn; open while `outcome` is None. `tag` names it outside the file; `attempts` fences superseded processes.

    `stopped_by` is who asked to stop it, `redoes` the turn that it answers again, `reason` what people were told,
    `error` what operators should know. `notices` is what an open turn must tell people below its answer, as JSON.
    """

    id: int
    tag: str
    conversation: int
    cause: str
    author: str | None
    assistant: str | None
    run_id: str | None
    attempts: int
    failures: int
    outcome: str | None
    reason: str | None
    stopped_by: str | None
    redoes: int | None
    error: str | None
    opened_at: float
    done_at: float | None
    notices: str | None = None


@dataclass(frozen=True, slots=True)
class Part(Record):
    """One platform message of a reply. `ref` is the platform's id of the message."""

    turn: int
    number: int
    ref: str
    state: str
