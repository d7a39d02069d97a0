"""A request's view of the database: only its project's objects, and idempotency by key."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from assistants.contract import Failure, File, Message, Run, Thread, Upload, VectorStore, Wire
from assistants.service import store
from assistants.service.refusals import Refused
from assistants.service.rows import TABLES, from_row, now
from storage import objects, requests
from storage.database import Database, Row, Transaction
from storage.objects import DEFAULT_PROJECT

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Wire)

_OWNERS: Mapping[str, type[Wire]] = {"thread_id": Thread, "upload_id": Upload, "vector_store_id": VectorStore}


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: its project, and the id of its API key, if any."""

    project: str = DEFAULT_PROJECT
    key: str | None = None


class Answered(Exception):
    """The request repeats an earlier one with the same Idempotency-Key; `body` is the earlier answer."""

    def __init__(self, body: str) -> None:
        super().__init__("answered before")
        self.body = body


@dataclass(frozen=True, slots=True)
class Access:
    """The database as one request sees it."""

    db: Database
    project: str
    index: Callable[[], None]
    idempotency_key: str | None = None
    fingerprint: str = ""
    # Writes that run before the request's own in the same transaction, such as vector stores created for it.
    before: list[Callable[[Transaction], None]] = field(default_factory=list)

    def asking(self, *what: object) -> "Access":
        """Return the same access with the request's fingerprint, to detect another request under the same key."""
        fingerprint = hashlib.sha256(repr((self.fingerprint, *what)).encode()).hexdigest()
        return replace(self, fingerprint=fingerprint)

    def attached(self, messages: Sequence[Message]) -> None:
        """Index the files attached to new messages."""
        if any(message.attachments for message in messages):
            self.index()

    async def once(
        self,
        answer: "Callable[[T], Wire]",
        job: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Write, and store the answer under the request's Idempotency-Key in the same transaction.

        Raises `Answered` for a repeated request.
        """

        def do(tx: Transaction) -> T | Answered:
            key = self.idempotency_key
            if key is not None and (earlier := requests.answered(tx, self.project, key)):
                return Answered(self._same(key, earlier))
            for write in self.before:
                write(tx)
            result = job(tx, *args, **kwargs)
            if key is not None:
                requests.remember(tx, self.project, key, self.fingerprint, answer(result).wire_json(), now())
            return result

        done = await self.db.write(do)
        if isinstance(done, Answered):
            raise done
        if self.before:
            self.index()
        return done

    async def expect_new(self) -> None:
        """Raise `Answered` for a repeated request before a step that has side effects of its own."""
        if (key := self.idempotency_key) is not None and (before := await requests.seen(self.db, self.project, key)):
            raise Answered(self._same(key, before))

    async def modify(self, kind: type[W], id_: str, changes: Mapping[str, object]) -> W:
        """Change an object of this project. Return the changed object."""
        return await self.once(itself, store.modify, kind, id_, changes, self.project)

    async def row(self, kind: type[Wire], id_: str, **belongs: str) -> dict[str, Any]:
        """Return the row of an object of this project under the given parent. Raises the API's not-found error."""
        row = await objects.find(self.db, TABLES[kind], id_, self.project, **belongs)
        if row is not None and not _gone(kind, row):
            return row
        # If several objects are missing, the error names the outermost.
        if "run_id" in belongs:
            await self.row(Run, belongs["run_id"], thread_id=belongs["thread_id"])
        for column, owner in _OWNERS.items():
            if column in belongs and "run_id" not in belongs:
                await self.row(owner, belongs[column])
        raise Refused(store.missing(kind, id_))

    def _same(self, key: str, before: Row) -> str:
        """Return the answer stored for this request. Refuses a different request under the same key."""
        if before["fingerprint"] != self.fingerprint:
            raise Refused(_used_otherwise(key))
        return str(before["body"])

    async def find(self, kind: type[W], id_: str, **belongs: str) -> W:
        """Return the object instead of its row."""
        return from_row(kind, await self.row(kind, id_, **belongs))


def itself(thing: W) -> W:
    """Answer with the job's own result."""
    return thing


def _gone(kind: type[Wire], row: Mapping[str, Any]) -> bool:
    return kind is File and (row["expires_at"] or now() + 1) <= now()


def _used_otherwise(key: str) -> Failure:
    return Failure(
        422,
        f"The Idempotency-Key '{key[:64]}' was used for another request; send a new key with a new request.",
        code="idempotency_key_reused",
        type="idempotency_error",
    )
