"""The stream of server-sent events of a page: its conversation, what happens in it, and the state of the models.

`transcript` is the whole conversation; it comes first, and again whenever a turn begins that it does not contain.
`moment` is one thing that happened. Watching begins before the transcript is read, so nothing is missed between the
two; duplicates are harmless, because a moment names its turn. Each snapshot of a growing reply contains only what is
new since the previous one on this stream (`wire.Growth`); a finished reply comes whole. `models` is the state of the
models, `problem` a sentence before the stream ends, `here` a keep-alive.
"""

import asyncio
import json
from collections.abc import AsyncIterator

import structlog

from adapters.web.wire import JSON, Growth, moment_json, status_json, transcript_json
from assistants.connector import AssistantsError
from bot.adapter import Bot, ModelDesk

SIGN_OF_LIFE = 15.0
PACE = 0.06  # seconds between two snapshots of a growing reply; those in between are skipped
RETRY = b"retry: 1000\n\n"

_Queue = asyncio.Queue[bytes | Exception | None]

log = structlog.get_logger()


async def events(bot: Bot, key: str) -> AsyncIterator[bytes]:
    """Yield the events for a page of this conversation until the page closes or the program ends."""
    yield RETRY
    sources = [_conversation(bot, key)]
    if bot.models is not None:
        sources.append(_models(bot.models))
    try:
        async for event in _merged(*sources):
            yield event
    except AssistantsError as error:
        log.warning("conversation cannot be read", key=key, error=str(error))
        yield _event("problem", {"error": str(error)})


async def _conversation(bot: Bot, key: str) -> AsyncIterator[bytes]:
    moments = bot.watch(key)
    known, whole = await _transcript(bot, key)
    growth = Growth()
    yield whole
    async for moment in moments:
        if moment.turn is not None and moment.turn not in known:
            known, whole = await _transcript(bot, key)
            yield whole
        yield _event("moment", await asyncio.to_thread(moment_json, moment, growth))
        if moment.kind == "snapshot":
            await asyncio.sleep(PACE)


async def _transcript(bot: Bot, key: str) -> tuple[set[int | None], bytes]:
    exchanges = await bot.transcript(key)
    whole = _event("transcript", await asyncio.to_thread(transcript_json, key, exchanges))
    return {e.turn for e in exchanges}, whole


async def _models(desk: ModelDesk) -> AsyncIterator[bytes]:
    async for status in desk.watch():
        yield _event("models", status_json(status))


async def _merged(leader: AsyncIterator[bytes], *others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Merge the events of all sources until the first one ends, with keep-alives in between."""
    queue: _Queue = asyncio.Queue(maxsize=1)
    tasks = [asyncio.create_task(_pump(source, queue, leads=source is leader)) for source in (leader, *others)]
    try:
        while (event := await _next(queue)) is not None:
            yield event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(source: AsyncIterator[bytes], queue: "_Queue", *, leads: bool) -> None:
    try:
        async for event in source:
            await queue.put(event)
    except Exception as error:
        await queue.put(error)
    if leads:
        await queue.put(None)


async def _next(queue: "_Queue") -> bytes | None:
    try:
        async with asyncio.timeout(SIGN_OF_LIFE):
            said = await queue.get()
    except TimeoutError:
        return _event("here", {})
    if isinstance(said, Exception):
        raise said
    return said


def _event(name: str, data: JSON) -> bytes:
    # A model may stream half a character, which must not end the stream.
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
