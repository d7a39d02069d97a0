"""Queries on the API objects that the service stores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from storage.database import Reader, Row, Transaction
from storage.schema import ACTIVE_RUN

Table = Literal[
    "assistants",
    "threads",
    "messages",
    "runs",
    "run_steps",
    "files",
    "uploads",
    "upload_parts",
    "vector_stores",
    "vector_store_files",
    "vector_store_batches",
]
Order = Literal["asc", "desc"]

CHILDREN: tuple[Table, ...] = ("messages", "runs", "run_steps")

# The project of callers without a stored key: the bot, and the keys in the settings.
DEFAULT_PROJECT = "default"
# Tables with a project of their own, and the tables whose project decides for the rest.
ROOTS: frozenset[Table] = frozenset({"assistants", "threads", "files", "uploads", "vector_stores"})
PARENTS: Mapping[Table, tuple[Table, str]] = {
    **dict.fromkeys(CHILDREN, ("threads", "thread_id")),
    "upload_parts": ("uploads", "upload_id"),
    "vector_store_files": ("vector_stores", "vector_store_id"),
    "vector_store_batches": ("vector_stores", "vector_store_id"),
}

PLAIN = "json_array_length(body, '$.content') = 1 and json_extract(body, '$.content[0].type') = 'text'"


class UnknownCursorError(Exception):
    """The cursor of a list request names an object that is not in the list."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"No object {cursor} is in this list; start it again without a cursor.")
        self.cursor = cursor


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the requested order, and whether more follow."""

    rows: list[Row]
    more: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: after one object, or the page before one."""

    limit: int = 20
    order: Order = "desc"
    after: str | None = None
    before: str | None = None


def get(tx: Transaction, table: Table, id: str, project: str | None = None) -> Row | None:  # noqa: A002 - the column's name
    """Return an object by its id; with a project, only if it belongs to that project."""
    rows = tx.query(f"select * from {table} where id = :id {_seen(table, project)}", id=id, **_as(project))  # noqa: S608
    return rows[0] if rows else None


def save(tx: Transaction, table: Table, row: Mapping[str, Any]) -> bool:
    """Update the object that has the id of `row`. Return False when it no longer exists."""
    columns = ", ".join(f"{name} = :{name}" for name in row if name != "id")
    return tx.execute(f"update {table} set {columns} where id = :id", **row) > 0  # noqa: S608 - our own column names


def remove(tx: Transaction, table: Table, id: str, project: str | None = None) -> bool:  # noqa: A002 - the column's name
    """Delete an object; with a project, only if it belongs to that project. Return whether it was deleted."""
    return tx.execute(f"delete from {table} where id = :id {_seen(table, project)}", id=id, **_as(project)) > 0  # noqa: S608


def active_run(tx: Transaction, thread_id: str) -> Row | None:
    """Return the thread's active run, which locks the thread."""
    rows = tx.query(f"select * from runs where thread_id = :thread_id and {ACTIVE_RUN}", thread_id=thread_id)  # noqa: S608
    return rows[0] if rows else None


def steps_of(tx: Transaction, run_id: str) -> list[Row]:
    """A run's steps, the first one first."""
    return tx.query("select * from run_steps where run_id = :run_id order by seq", run_id=run_id)


def remove_children(tx: Transaction, thread_id: str, limit: int) -> int:
    """Delete at most `limit` rows that belong to a thread. Return how many were deleted."""
    removed = 0
    for table in CHILDREN:
        if removed < limit:
            removed += tx.execute(
                f"delete from {table} where seq in"  # noqa: S608 - a Table
                f" (select seq from {table} where thread_id = :thread_id limit :limit)",
                thread_id=thread_id,
                limit=limit - removed,
            )
    return removed


async def find(
    db: Reader,
    table: Table,
    id: str,  # noqa: A002 - the column's name
    project: str | None = None,
    **belongs: str,
) -> Row | None:
    """Return an object by its id if it belongs to the given parent, and to the project if one is given."""
    conditions = ["id = :id", *(f"{column} = :{column}" for column in belongs)]
    rows = await db.look_up(
        f"select * from {table} {_where(conditions)} {_seen(table, project)}",  # noqa: S608 - our own column names
        id=id,
        **belongs,
        **_as(project),
    )
    return rows[0] if rows else None


def _seen(table: Table, project: str | None) -> str:
    """The condition that an object belongs to the project."""
    if project is None:
        return ""
    if table in ROOTS:
        return "and project = :project"
    parent, column = PARENTS[table]
    return f"and exists (select 1 from {parent} p where p.id = {table}.{column} and p.project = :project)"  # noqa: S608


def _as(project: str | None) -> dict[str, str]:
    return {} if project is None else {"project": project}


async def page(db: Reader, table: Table, window: Window, **where: Any) -> Page:
    """A page of a list in order of creation. Raises `UnknownCursorError`."""
    conditions = [f"{column} = :{column}" for column in where]
    newest_first = window.order == "desc"
    values = dict(where)
    for name, cursor, down in (("after", window.after, newest_first), ("before", window.before, not newest_first)):
        if cursor is not None:
            values[name] = await _position(db, table, cursor, where)
            conditions.append(f"seq {'<' if down else '>'} :{name}")
    # The page before an object is read backwards, starting next to the object, and then reversed.
    backwards = window.before is not None and window.after is None
    rows = await db.read(
        f"select * from {table} {_where(conditions)}"  # noqa: S608 - our own column names
        f" order by seq {'desc' if newest_first != backwards else 'asc'} limit :limit",
        **values,
        limit=window.limit + 1,
    )
    kept = rows[: window.limit]
    return Page(kept[::-1] if backwards else kept, len(rows) > window.limit)


async def messages_before(
    db: Reader,
    thread_id: str,
    below: int | None,
    limit: int,
    *,
    but_of: str | None = None,
    above: int | None = None,
) -> list[Row]:
    """Messages of a thread from the newest down to the place `above`, or from before the place `below`; none `but_of` a
    run.

    One that is text and nothing else comes as its `text`, any other as its `body`: most are, and long threads are read
    before every answer.
    """
    return await db.read(
        f"select seq, id, run_id, role, iif({PLAIN}, json_extract(body, '$.content[0].text.value'), null) as text,"  # noqa: S608 - constants
        f" iif({PLAIN}, null, body) as body from messages"
        " where thread_id = :thread_id and run_id is not :but_of"
        f" {'' if below is None else 'and seq < :below'} {'' if above is None else 'and seq > :above'}"
        " order by seq desc limit :limit",
        thread_id=thread_id,
        limit=limit,
        but_of=but_of,
        **{name: place for name, place in (("below", below), ("above", above)) if place is not None},
    )


async def messages_between(db: Reader, thread_id: str, oldest: int, newest: int) -> int:
    """Count a thread's messages between two positions."""
    rows = await db.read(
        "select count(*) as n from messages where thread_id = :thread_id and seq between :oldest and :newest",
        thread_id=thread_id,
        oldest=oldest,
        newest=newest,
    )
    return int(rows[0]["n"])


async def messages_of(db: Reader, runs: Iterable[str]) -> list[Row]:
    """Return the messages that these runs wrote, in order."""
    names, values = _listed(runs)
    return await db.read(f"select * from messages where run_id in ({names}) order by seq", **values)  # noqa: S608


async def steps_of_callers(db: Reader, runs: Iterable[str]) -> list[Row]:
    """Return all steps of those runs that called functions, in order."""
    names, values = _listed(runs)
    return await db.read(
        f"select * from run_steps where run_id in (select run_id from run_steps where run_id in ({names})"  # noqa: S608
        " and type = 'tool_calls') order by seq",
        **values,
    )


async def steps_done(db: Reader, run_id: str) -> list[Row]:
    """A run's steps, the first one first."""
    return await db.read("select * from run_steps where run_id = :run_id order by seq", run_id=run_id)


async def has_called(db: Reader, thread_id: str, kind: str) -> bool:
    """Return whether an ended step in the thread called a tool of this kind."""
    return bool(
        await db.read(
            "select 1 from runs r join run_steps s on s.run_id = r.id where r.thread_id = :thread_id"
            " and s.type = 'tool_calls' and s.status = 'completed' and instr(s.body, :kind) limit 1",
            thread_id=thread_id,
            kind=f'"type": "{kind}"',
        )
    )


async def files_written(db: Reader, thread_id: str) -> list[Row]:
    """Return the files that code wrote into a thread's working folder, newest first."""
    return await db.read(
        "select f.* from runs r join files f on f.run_id = r.id"
        " where r.thread_id = :thread_id and f.path is not null order by f.seq desc",
        thread_id=thread_id,
    )


async def expired(db: Reader, table: Literal["files", "uploads", "vector_stores"], now: int) -> list[Row]:
    """Return expired objects that housekeeping has not processed yet."""
    open_ = {"uploads": "and status = 'pending'", "vector_stores": "and status <> 'expired'", "files": ""}[table]
    return await db.read(f"select * from {table} where expires_at <= :now {open_} limit 100", now=now)  # noqa: S608


async def parts_of(db: Reader, upload_id: str) -> list[Row]:
    return await db.read("select * from upload_parts where upload_id = :id", id=upload_id)


async def active_runs(db: Reader) -> list[Row]:
    """Return every active run, oldest first."""
    return await db.read(f"select * from runs where {ACTIVE_RUN} order by seq")  # noqa: S608 - a constant


async def _position(db: Reader, table: Table, cursor: str, where: Mapping[str, Any]) -> int:
    conditions = ["id = :cursor", *(f"{column} = :{column}" for column in where)]
    rows = await db.look_up(f"select seq from {table} {_where(conditions)}", **where, cursor=cursor)  # noqa: S608
    if not rows:
        raise UnknownCursorError(cursor)
    return int(rows[0]["seq"])


def _where(conditions: list[str]) -> str:
    return f"where {' and '.join(conditions)}" if conditions else ""


def _listed(values: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Placeholders for an IN list, and what stands in their place."""
    named = {f"v{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named
