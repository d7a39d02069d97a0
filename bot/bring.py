"""`threadline assistants import` and `export`: brings what people have on another server, keeps its ids, reports."""

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
    """Bring in what a file holds; returns the report."""
    _expect_free(settings)
    try:
        said = json.loads(await asyncio.to_thread(path.read_text, "utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UserError(f"{path} is no JSON: {error}.") from None
    return await _bring(settings, collection_of(said, path), project, [])


async def import_from_server(settings: Settings, url: str, key_env: str, threads: Sequence[str], project: str) -> str:
    """Bring in what a running server has; returns the report."""
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
    """Write everything of a project, and the threads that are asked for, to a file that import reads."""
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
    return f"{path} holds {_counted({name: count for name, count in counts.items() if count})}."


def _expect_free(settings: Settings) -> None:
    """Refuses at once, not after everything was fetched."""
    if (holder := serving(settings.database_path)) is not None:
        who = f" (process {holder['pid']})" if "pid" in holder else ""
        raise UserError(f"Threadline is running on {settings.database_path}{who}: stop it, import, and start it again.")


def collection_of(said: Any, path: Path) -> Collection:
    """What a JSON value is: our own export, one assistant, a list of them, or a page of an SDK's list."""
    try:
        if isinstance(said, dict) and {"assistants", "threads", "files", "vector_stores"} & set(said):
            return Collection.model_validate(said)
        several = said.get("data", [said]) if isinstance(said, dict) else said
        return Collection(assistants=[_assistant(one) for one in several])
    except (ValidationError, TypeError, AttributeError) as error:
        why = "it is neither an assistant, nor a list of them, nor an export"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc']))}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise UserError(f"{path} cannot be imported: {why}.") from None


def _assistant(said: dict[str, Any]) -> Assistant:
    # An SDK's dump says null for what was not there.
    return Assistant.model_validate({name: value for name, value in said.items() if value is not None})


async def _fetched(client: AssistantsClient, threads: Sequence[str]) -> tuple[Collection, list[str]]:
    """What a server has, and sentences about what it does not give away."""
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
            lost.append(f"Vector store {id_} was not given: {error}")
        else:
            collection.vector_stores.append(KeptStore(vector_store=vector_store, files=entries))
    for id_ in sorted(collection.files_named()):
        try:
            file = await client.files.retrieve(id_)
            async with client.files.content(id_) as content:
                data = await content.read()
        except AssistantsError as error:
            lost.append(f"File {id_} was not given: {error}")
        else:
            collection.files.append(KeptFile(file=file, content=base64.b64encode(data).decode()))
    return collection, lost


async def _bring(settings: Settings, collection: Collection, project: str, lost: Sequence[str]) -> str:
    async with _opened(settings) as db:
        report = await bring_in(db, collection, project)
    lines = [f"Came over: {_counted(report.came)}."]
    if report.here:
        lines.append(f"Was here already and stays as it is: {_counted(report.here)}.")
    return "\n".join([*lines, *lost, *(f"{sentence}." for sentence in report.missing)])


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items()) or "nothing"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)  # what people said is for its owner alone
    path.write_text(text, "utf-8")


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    db = await asyncio.to_thread(SQLiteDatabase.open, settings.database_path)
    try:
        yield db
    finally:
        await db.close()
