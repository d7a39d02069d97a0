"""The database schema, as numbered additive migrations."""

from storage.sqlite_utils_light import Database, Migrations

migrations = Migrations("threadline")

TELLING_CALL = "(arguments <> '' or output is not null)"
ACTIVE_RUN = "status in ('queued', 'in_progress', 'requires_action', 'cancelling')"


@migrations()
def m001_conversations(db: Database) -> None:
    """The bot's tables: conversations, incoming messages, turns, parts of replies, picked assistants."""
    db.create_table(
        "conversations",
        {
            "id": int,
            "key": str,
            "platform": str,
            "workspace": str,
            "channel": str,
            "thread": str,
            "assistant": str,
            "thread_id": str,
            "engaged": int,
            "title": str,
            "created_at": float,
            "updated_at": float,
        },
        strict=True,
        pk="id",
        not_null={"key", "platform", "workspace", "channel", "engaged", "created_at", "updated_at"},
        defaults={"engaged": 0},
    )
    db.table("conversations").create_index(["key"], unique=True)
    db.table("conversations").create_index(["platform", "updated_at"])
    db.create_table(
        "turns",
        {
            "id": int,
            "tag": str,
            "conversation": int,
            "cause": str,
            "author": str,
            "assistant": str,
            "run_id": str,
            "attempts": int,
            "failures": int,
            "outcome": str,
            "reason": str,
            "prompt_tokens": int,
            "completion_tokens": int,
            "opened_at": float,
            "done_at": float,
        },
        strict=True,
        pk="id",
        not_null={"tag", "conversation", "cause", "attempts", "failures", "opened_at"},
        defaults={"attempts": 0, "failures": 0},
        foreign_keys=[("conversation", "conversations", "id")],
    )
    # Outside the database a turn is identified by its tag: ids may repeat after a restore, tags do not.
    db.table("turns").create_index(["tag"], unique=True)
    # These two partial indexes are the queue: open turns, and messages that wait for a turn.
    db.execute("create index turns_open on turns(conversation) where outcome is null")
    db.table("turns").create_index(["conversation", "id"])
    db.create_table(
        "incoming",
        {
            "id": int,
            "event": str,
            "conversation": int,
            "position": str,
            "author": str,
            "author_name": str,
            "body": str,
            "reply_to": str,
            "kind": str,
            "turn": int,
            "received_at": float,
        },
        strict=True,
        pk="id",
        # Only messages wait for a turn; other events may have no conversation and no position in one.
        not_null={"event", "kind", "author", "received_at"},
        defaults={"kind": "message"},
        foreign_keys=[("conversation", "conversations", "id"), ("turn", "turns", "id")],
    )
    db.table("incoming").create_index(["event"], unique=True)
    db.execute("create index incoming_turn on incoming(turn) where turn is not null")
    db.execute("create index incoming_waiting on incoming(conversation) where turn is null and kind = 'message'")
    db.create_table(
        "parts",
        {"turn": int, "number": int, "ref": str, "state": str},
        strict=True,
        pk=("turn", "number"),
        not_null={"ref", "state"},
        foreign_keys=[("turn", "turns", "id")],
    )
    db.table("parts").create_index(["ref"], unique=True)
    db.create_table(
        "choices",
        {"scope": str, "key": str, "assistant": str, "chosen_by": str, "chosen_at": float},
        strict=True,
        pk=("scope", "key"),
        not_null={"assistant", "chosen_by", "chosen_at"},
    )


@migrations()
def m002_assistants_api(db: Database) -> None:
    """The service's tables. `seq` is the order of creation; `body` is the rest of the API object, as JSON."""
    db.create_table(
        "assistants",
        {"seq": int, "id": str, "created_at": int, "name": str, "model": str, "body": str},
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "model", "body"},
    )
    db.create_table(
        "threads",
        {"seq": int, "id": str, "created_at": int, "body": str},
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "body"},
    )
    db.create_table(
        "messages",
        {
            "seq": int,
            "id": str,
            "created_at": int,
            "thread_id": str,
            "run_id": str,
            "assistant_id": str,
            "role": str,
            "status": str,
            "body": str,
        },
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "thread_id", "role", "status", "body"},
    )
    db.create_table(
        "runs",
        {
            "seq": int,
            "id": str,
            "created_at": int,
            "thread_id": str,
            "assistant_id": str,
            "status": str,
            "expires_at": int,
            "body": str,
        },
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "thread_id", "assistant_id", "status", "body"},
    )
    db.create_table(
        "run_steps",
        {
            "seq": int,
            "id": str,
            "created_at": int,
            "run_id": str,
            "thread_id": str,
            "type": str,
            "status": str,
            "body": str,
        },
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "run_id", "thread_id", "type", "status", "body"},
    )
    for table in ("assistants", "threads", "messages", "runs", "run_steps"):
        db.table(table).create_index(["id"], unique=True)
    db.table("messages").create_index(["thread_id", "seq"])
    db.table("messages").create_index(["run_id"])
    db.table("runs").create_index(["thread_id", "seq"])
    db.table("run_steps").create_index(["run_id", "seq"])
    # The thread lock: at most one active run per thread.
    db.execute(f"create unique index runs_active on runs(thread_id) where {ACTIVE_RUN}")


@migrations()
def m003_promises(db: Database) -> None:
    """State behind the guarantees: who was notified, who stopped a turn, what was not answered and why."""
    for table, column, kind, default in (
        ("conversations", "bots", int, 0),  # messages of bots since a person last spoke
        ("incoming", "noted", int, 0),  # its author was told that it waits
        ("turns", "stopped_by", str, None),
        ("turns", "redoes", int, None),  # the turn that this one answers again
        ("turns", "error", str, None),  # the cause for operators, where people saw a simpler reason
    ):
        db.table(table).add_column(column, kind, not_null_default=default)
    db.table("conversations").create_index(["platform", "workspace", "channel", "updated_at"])
    # The position up to which no message of a platform is missing: where a catch-up starts.
    db.create_table("heard", {"platform": str, "until": str}, strict=True, pk="platform", not_null={"until"})
    db.create_table(
        "unanswered",
        {"seq": int, "event": str, "reason": str, "at": float},
        strict=True,
        pk="seq",
        not_null={"event", "reason", "at"},
    )
    db.table("unanswered").create_index(["event"])


@migrations()
def m004_files_and_projects(db: Database) -> None:
    """Projects and their API keys, files, vector stores, and answered requests (for idempotency)."""
    for table in ("assistants", "threads"):
        db.table(table).add_column("project", str, not_null_default="default")
    db.execute("create index assistants_project on assistants(project, seq)")
    _objects(db, "files", {"project": str, "purpose": str, "filename": str, "bytes": int, "expires_at": int})
    _objects(db, "uploads", {"project": str, "status": str, "expires_at": int})
    _objects(db, "upload_parts", {"upload_id": str, "bytes": int})
    _objects(db, "vector_stores", {"project": str, "status": str, "expires_at": int})
    _objects(db, "vector_store_batches", {"vector_store_id": str})
    for table, columns in (
        ("files", "project, seq"),
        ("uploads", "status, expires_at"),
        ("upload_parts", "upload_id"),
        ("vector_stores", "project, seq"),
    ):
        db.execute(f"create index {table}_{columns.split(',')[0]} on {table}({columns})")
    db.execute("create index files_expiry on files(expires_at) where expires_at is not null")
    db.execute("create index vector_stores_expiry on vector_stores(expires_at) where expires_at is not null")
    # A file's bytes, in pieces small enough for one write. Those of a completed upload stay under its parts' ids.
    db.create_table(
        "blobs",
        {"seq": int, "id": str, "number": int, "data": bytes},
        strict=True,
        pk="seq",
        not_null={"id", "number", "data"},
    )
    db.table("blobs").create_index(["id", "number"], unique=True)
    _chunks(db)
    db.create_table(
        "api_keys",
        {
            "id": str,
            "hash": str,
            "hint": str,
            "project": str,
            "owner": str,
            "scope": str,
            "rate": int,
            "created_at": int,
            "revoked_at": int,
        },
        strict=True,
        pk="id",
        not_null={"hash", "hint", "project", "owner", "scope", "created_at"},
    )
    db.table("api_keys").create_index(["hash"], unique=True)
    db.create_table(
        "answered_requests",
        {"project": str, "key": str, "fingerprint": str, "body": str, "created_at": int},
        strict=True,
        pk=("project", "key"),
        not_null={"fingerprint", "body", "created_at"},
    )
    db.table("answered_requests").create_index(["created_at"])


@migrations()
def m005_attachments(db: Database) -> None:
    """Attachments of a message: a JSON list of the platform's file descriptions, never their contents."""
    db.table("incoming").add_column("attachments", str)


@migrations()
def m006_written_files(db: Database) -> None:
    """Which run wrote a file, and its path in the working folder; a figure has no path."""
    db.table("files").add_column("run_id", str)
    db.table("files").add_column("path", str)
    db.execute("create index files_run on files(run_id) where run_id is not null")


@migrations()
def m007_calls(db: Database) -> None:
    """Function calls of a turn's runs. A call is recorded before it starts and again before its output is submitted."""
    db.create_table(
        "calls",
        {
            "run_id": str,
            "call_id": str,
            "turn": int,
            "function": str,
            "arguments": str,
            "asked_at": float,
            "verdict": str,
            "decided_by": str,
            "started_at": float,
            "output": str,
            "done_at": float,
        },
        strict=True,
        pk=("run_id", "call_id"),
        not_null={"turn", "function", "arguments", "asked_at"},
        foreign_keys=[("turn", "turns", "id")],
    )
    db.table("calls").create_index(["turn"])


@migrations()
def m008_vectors(db: Database) -> None:
    """Embeddings of chunks, keyed by `id`, which is never reused (unlike a chunk's `seq`)."""
    db.execute(
        "create table vectors (id integer primary key autoincrement, chunk integer not null,"
        " vector_store_id text not null, model text not null, data blob not null) strict"
    )
    db.table("vectors").create_index(["chunk"], unique=True)
    db.table("vectors").create_index(["vector_store_id", "id"])
    db.execute("create trigger vectors_out after delete on chunks begin delete from vectors where chunk = old.seq; end")


@migrations()
def m009_token_rates(db: Database) -> None:
    """Measured tokens per byte of text, for each model."""
    db.create_table(
        "token_rates",
        {"model": str, "rate": float, "learnt_at": float},
        strict=True,
        pk="model",
        not_null={"rate", "learnt_at"},
    )


@migrations()
def m010_speakers(db: Database) -> None:
    """Whether several people speak in a conversation, updated with each message; `speaker` is the first of them."""
    db.table("conversations").add_column("speaker", str)
    db.table("conversations").add_column("several", int, not_null_default=0)
    db.execute(
        "update conversations set speaker = heard.first, several = heard.first != heard.last from"
        " (select conversation, min(author) as first, max(author) as last from incoming"
        " where conversation is not null group by conversation) as heard where heard.conversation = conversations.id"
    )


@migrations()
def m011_chunks_by_store(db: Database) -> None:
    """Make each store's chunks adjacent, so that a search reads no other store's chunks."""
    for name in ("trigger chunks_in", "trigger chunks_out", "table chunks_words"):
        db.execute(f"drop {name}")
    for table, number in (("chunks", "seq"), ("vectors", "chunk")):
        seq = f"(select s.seq from vector_stores s where s.id = {table}.vector_store_id)"  # noqa: S608 - constants
        db.execute(f"update {table} set {number} = {number} + coalesce({seq}, 0) * {1 << 32}")  # noqa: S608 - constants
    db.execute(
        "create virtual table chunks_words using fts5"
        "(text, content='chunks', content_rowid='seq', tokenize='porter unicode61')"
    )
    db.execute("insert into chunks_words(chunks_words) values ('rebuild')")
    db.execute(
        "create trigger chunks_in after insert on chunks begin insert into chunks_words(rowid, text)"
        " values (new.seq, new.text); end"
    )
    db.execute(
        "create trigger chunks_out after delete on chunks begin insert into chunks_words(chunks_words, rowid, text)"
        " values ('delete', old.seq, old.text); end"
    )


@migrations()
def m012_forgotten_calls(db: Database) -> None:
    """Indexes that find calls with text to blank, and calls by age."""
    db.execute(f"create index calls_that_tell on calls(turn) where {TELLING_CALL}")
    db.table("calls").create_index(["asked_at"])


@migrations()
def m013_notices(db: Database) -> None:
    """What an open turn must tell people below its answer, as a JSON array of sentences."""
    db.table("turns").add_column("notices", str)


def _objects(db: Database, table: str, columns: dict[str, type]) -> None:
    """A table of API objects: `seq` is the order of creation, `body` the rest of the object as JSON."""
    every = {"seq": int, "id": str, "created_at": int}
    db.create_table(
        table,
        {**every, **columns, "body": str},
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "body", *columns} - {"expires_at"},
    )
    db.table(table).create_index(["id"], unique=True)


def _chunks(db: Database) -> None:
    """Files of vector stores, their chunks, and the full-text index of the chunks."""
    db.create_table(
        "vector_store_files",
        {
            "seq": int,
            "id": str,
            "created_at": int,
            "vector_store_id": str,
            "batch_id": str,
            "status": str,
            "usage_bytes": int,
            "body": str,
        },
        strict=True,
        pk="seq",
        not_null={"id", "created_at", "vector_store_id", "status", "usage_bytes", "body"},
    )
    db.table("vector_store_files").create_index(["vector_store_id", "id"], unique=True)
    db.table("vector_store_files").create_index(["vector_store_id", "seq"])
    db.table("vector_store_files").create_index(["id"])
    db.execute("create index vector_store_files_batch on vector_store_files(batch_id, seq) where batch_id is not null")
    db.execute("create index vector_store_files_due on vector_store_files(seq) where status = 'in_progress'")
    db.create_table(
        "chunks",
        {"seq": int, "vector_store_id": str, "file_id": str, "number": int, "text": str},
        strict=True,
        pk="seq",
        not_null={"vector_store_id", "file_id", "number", "text"},
    )
    db.table("chunks").create_index(["vector_store_id", "file_id", "number"], unique=True)
    db.execute(
        "create virtual table chunks_words using fts5"
        "(vector_store_id, text, content='chunks', content_rowid='seq', tokenize='porter unicode61')"
    )
    told = "chunks_words(rowid, vector_store_id, text)"
    gone = "chunks_words(chunks_words, rowid, vector_store_id, text)"
    db.execute(
        f"create trigger chunks_in after insert on chunks begin insert into {told}"  # noqa: S608 - constants
        " values (new.seq, new.vector_store_id, new.text); end"
    )
    db.execute(
        f"create trigger chunks_out after delete on chunks begin insert into {gone}"  # noqa: S608 - constants
        " values ('delete', old.seq, old.vector_store_id, old.text); end"
    )


def known_migrations() -> set[str]:
    """Return the names of known migrations; any other name comes from a later version."""
    empty = Database(memory=True)
    try:
        return {migration.name for migration in migrations.pending(empty)}
    finally:
        empty.close()
