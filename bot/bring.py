"""`threadline assistants import` and `export`: copies assistants, threads and files between servers, with their ids."""

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assistants.connector import AssistantsClient, AssistantsError
from assistants.contract import Assistant, Collection, KeptFile, KeptStore, KeptThread, VectorStoreFile
from bot.adapter import UserError
from bot.embedded import bring_in, take_out
from bot.settings import Settings
from storage.database import Database
from storage.lock import serving
from storage.objects import DEFAULT_PROJECT
from storage.sqlite import SQLiteDatabase, reading

__all__ = ["DEFAULT_PROJECT", "export_to", "import_from_file", "import_from_server"]


async def import_from_file(settings: Settings, path: Path, project: str) -> str:
    """Import the contents of a file; returns the report."""
    _expect_free(settings)
    try:
        said = json.loads(await asyncio.to_thread(path.read_text, "utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}.") from None
    return await _bring(settings, collection_of(said, path), project, [])


async def import_from_server(settings: Settings, url: str, key_env: str, threads: Sequence[str], project: str) -> str:
    """Import from a running server; returns the report."""
    _expect_free(settings)
    key = os.environ.get(key_env, "") if key_env else ""
    if key_env and not key:
        raise UserError(f"--key-env names {key_env}, which is not set in the environment.")
    try:
        client = AssistantsClient(url, api_key=key or None)
    except ValueError as error:
        raise UserError(f"--from: {error}") from None
    async with client:
        try:
            collection, lost = await _fetched(client, threads)
        except AssistantsError as error:
            raise UserError(f"--from: {error}") from None
    return await _bring(settings, collection, project, lost)


async def export_to(settings: Settings, path: Path, threads: Sequence[str], project: str) -> str:
    """Write all assistants of a project, and the requested threads, to a file that import reads."""
    with reading(settings.database_path) as db:
        collection = await take_out(db, project, threads)
    if unknown := set(threads) - {kept.thread.id for kept in collection.threads}:
        raise UserError(f"There is no thread {', '.join(sorted(unknown))} in project {project}.")
    try:
        await asyncio.to_thread(_write, path, collection.wire_json())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
    counts = {
        "assistant": len(collection.assistants),
        "vector store": len(collection.vector_stores),
        "file": len(collection.files),
        "thread": len(collection.threads),
    }
    return f"{path} contains {_counted({name: count for name, count in counts.items() if count})}."


def _expect_free(settings: Settings) -> None:
    """Refuse while Threadline is running, before anything is fetched."""
    if (holder := serving(settings.database_path)) is not None:
        who = f" (process {holder['pid']})" if "pid" in holder else ""
        raise UserError(f"Threadline is running on {settings.database_path}{who}: stop it, import, and start it again.")


def collection_of(said: Any, path: Path) -> Collection:
    """Parse an export of Threadline, an assistant, a list of assistants, or a page of an SDK's list."""
    try:
        if isinstance(said, dict) and {"assistants", "threads", "files", "vector_stores"} & set(said):
            return Collection.model_validate(said)
        several = said.get("data", [said]) if isinstance(said, dict) else said
        return Collection(assistants=[_assistant(one) for one in several])
    except (ValidationError, TypeError, AttributeError) as error:
        why = "it is neither an assistant, nor a list of assistants, nor an export"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc']))}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise UserError(f"{path} cannot be imported: {why}.") from None


def _assistant(said: dict[str, Any]) -> Assistant:
    # An SDK writes null for missing fields.
    return Assistant.model_validate({name: value for name, value in said.items() if value is not None})


async def _fetched(client: AssistantsClient, threads: Sequence[str]) -> tuple[Collection, list[str]]:
    """Fetch everything from a server; returns it with a sentence for each object that the server refused."""
    collection = Collection(
        assistants=[assistant async for assistant in client.assistants.list(limit=100, order="asc")]
    )
    for id_ in threads:
        thread = await client.threads.retrieve(id_)
        messages = [message async for message in client.threads.messages.list(id_, limit=100, order="asc")]
        collection.threads.append(KeptThread(thread=thread, messages=messages))
    lost: list[str] = []
    for id_ in sorted(collection.stores_named()):
        try:
            vector_store = await client.vector_stores.retrieve(id_)
            entries: list[VectorStoreFile] = [
                file async for file in client.vector_stores.files.list(id_, limit=100, order="asc")
            ]
        except AssistantsError as error:
            lost.append(f"Vector store {id_} was not imported: {error}")
        else:
            collection.vector_stores.append(KeptStore(vector_store=vector_store, files=entries))
    for id_ in sorted(collection.files_named()):
        try:
            file = await client.files.retrieve(id_)
            async with client.files.content(id_) as content:
                data = await content.read()
        except AssistantsError as error:
            lost.append(f"File {id_} was not imported: {error}")
        else:
            collection.files.append(KeptFile(file=file, content=base64.b64encode(data).decode()))
    return collection, lost


async def _bring(settings: Settings, collection: Collection, project: str, lost: Sequence[str]) -> str:
    async with _opened(settings) as db:
        report = await bring_in(db, collection, project)
    lines = [f"Imported: {_counted(report.came)}."]
    if report.here:
        lines.append(f"Already here and left unchanged: {_counted(report.here)}.")
    return "\n".join([*lines, *lost, *(f"{sentence}." for sentence in report.missing)])


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items()) or "nothing"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)  # people's messages are private
    path.write_text(text, "utf-8")


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    db = await asyncio.to_thread(SQLiteDatabase.open, settings.database_path)
    try:
        yield db
    finally:
        await db.close()
