"""Completes a broken stream: polls the run and produces the missing events."""

from collections.abc import AsyncIterator

from assistants.connector.accumulator import Accumulator
from assistants.connector.exchange import Exchange, path
from assistants.connector.pages import Pages
from assistants.connector.polling import poll
from assistants.contract import (
    TERMINAL,
    Message,
    MessageDelta,
    MessageDeltaEvent,
    MessageEvent,
    MessagePiece,
    MessagesQuery,
    Run,
    RunEvent,
    RunStep,
    RunStepEvent,
    StreamEvent,
    TextContent,
    TextDelta,
    TextValueDelta,
)


def is_final(run: Run | None) -> bool:
    """Return whether a run's stream is complete: the run ended or waits for tool outputs."""
    return run is not None and (run.status in TERMINAL or run.status == "requires_action")


async def rest(
    exchange: Exchange, known: Accumulator, thread_id: str, run_id: str, *, deadline: float
) -> AsyncIterator[StreamEvent]:
    """Yield the events that the reader of a broken stream missed, up to the run's end. Leaves the run alone."""
    where = path("threads", "{thread_id}", "runs", "{run_id}", thread_id=thread_id, run_id=run_id)
    run = await poll(exchange, Run, where, until=is_final, deadline=deadline)
    written, done = await _messages(exchange, run), await _steps(exchange, where)
    before = {message.id: message for message in known.messages}
    for message in written:
        for event in _told(message, before.get(message.id)):
            yield event
    ended = {step.id for step in known.steps if step.status != "in_progress"}
    for step in done:
        if step.id not in ended:
            yield RunStepEvent(f"thread.run.step.{step.status}", step)
    yield RunEvent(f"thread.run.{run.status}", run)


async def _messages(exchange: Exchange, run: Run) -> list[Message]:
    where = path("threads", "{thread_id}", "messages", thread_id=run.thread_id)
    query = {"run_id": run.id, "order": "asc", "limit": 100}
    # Not every server supports `run_id` in a query.
    return [m async for m in Pages(exchange, Message, where, query, query=MessagesQuery) if m.run_id == run.id]


async def _steps(exchange: Exchange, run_path: str) -> list[RunStep]:
    return [step async for step in Pages(exchange, RunStep, f"{run_path}/steps", {"order": "asc", "limit": 100})]


def _told(message: Message, before: Message | None) -> list[StreamEvent]:
    if before is not None and before.status != "in_progress":
        return []
    events: list[StreamEvent] = []
    if before is None:
        begun = message.model_copy(update={"status": "in_progress", "content": [], "completed_at": None})
        events.append(MessageEvent("thread.message.created", begun))
    if pieces := _missing_text(message, before):
        events.append(MessageDeltaEvent("thread.message.delta", MessageDelta(id=message.id, delta=pieces)))
    if message.status != "in_progress":
        events.append(MessageEvent(f"thread.message.{message.status}", message))
    return events


def _missing_text(message: Message, before: Message | None) -> MessagePiece | None:
    """Return the text that a reader of deltas lacks; nothing if the text it has differs from the final one."""
    seen = before.content if before else []
    pieces = list[TextDelta]()
    for index, part in enumerate(message.content):
        if not isinstance(part, TextContent):
            continue
        had = seen[index] if index < len(seen) else None
        beginning = had.text.value if isinstance(had, TextContent) else ""
        tail = part.text.value.removeprefix(beginning)
        if part.text.value.startswith(beginning) and tail:
            pieces.append(TextDelta(index=index, text=TextValueDelta(value=tail)))
    return MessagePiece(content=[*pieces]) if pieces else None
