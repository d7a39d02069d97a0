"""Detaches expired vector stores from a thread, so that the conversation continues without its old documents."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError

T = TypeVar("T")

log = structlog.get_logger()


async def detach_expired(client: AssistantsClient, thread_id: str) -> bool:
    """Detach expired vector stores from a thread (they would fail its runs). Return whether there were any."""
    try:
        resources = (await client.threads.retrieve(thread_id)).tool_resources
        if resources is None or resources.file_search is None:
            return False
        stores = await _there(client.vector_stores.retrieve, resources.file_search.vector_store_ids)
        kept = [store.id for store in stores if store.status != "expired"]
        if len(kept) == len(stores):
            return False
        # The request replaces the whole list, and must not name a file that no longer exists.
        code = resources.code_interpreter
        files = await _there(client.files.retrieve, code.file_ids if code else [])
        said = {
            "file_search": {"vector_store_ids": kept},
            "code_interpreter": {"file_ids": [file.id for file in files]},
        }
        await client.threads.modify(thread_id, tool_resources=said)
    except AssistantsError as error:
        log.warning("expired vector stores not detached", thread=thread_id, error=str(error))
        return False
    return True


async def _there(retrieve: Callable[[str], Awaitable[T]], ids: Sequence[str]) -> list[T]:
    """Retrieve those that still exist on the server."""

    async def found(id_: str) -> list[T]:
        try:
            return [await retrieve(id_)]
        except NotFoundError:
            return []

    return [each for some in await asyncio.gather(*map(found, ids)) for each in some]
