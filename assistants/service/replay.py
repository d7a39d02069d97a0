"""Rebuilds a run's event stream from the database, for a client that retries after losing the first stream."""

from collections.abc import AsyncIterator

from assistants.contract import (
    DoneEvent,
    ImageFileContent,
    ImageFileDelta,
    Message,
    MessageDelta,
    MessageDeltaEvent,
    MessageEvent,
    MessagePiece,
    RefusalContent,
    RefusalDelta,
    Run,
    RunEvent,
    RunStep,
    RunStepDelta,
    RunStepDeltaEvent,
    RunStepEvent,
    StepPiece,
    StreamEvent,
    TextContent,
    TextDelta,
    TextValueDelta,
    ToolCalls,
    ToolCallsDelta,
)
from assistants.service.feed import Reader as FeedReader
from assistants.service.feed import as_told
from assistants.service.rows import from_row
from assistants.service.tools.telling import news
from storage import objects
from storage.database import Reader


async def stream(db: Reader, run_id: str, live: FeedReader | None) -> AsyncIterator[str]:
    """Yield a run's events as server-sent text once it has ended or waits; a `live` reader tells when."""
    if live is not None:
        async for _ in live:
            pass
    for event in await events(db, run_id):
        yield as_told(event, content=False).sse()


async def events(db: Reader, run_id: str) -> list[StreamEvent]:
    """Return a run's events from its creation to its present state, each text in one piece."""
    row = await objects.find(db, "runs", run_id)
    if row is None:
        return [DoneEvent()]
    run = from_row(Run, row)
    begun = [run.model_copy(update={"status": status}) for status in ("queued", "queued", "in_progress")]
    told: list[StreamEvent] = [
        RunEvent(f"thread.run.{name}", past)
        for name, past in zip(("created", "queued", "in_progress"), begun, strict=True)
    ]
    messages = {row["id"]: from_row(Message, row) for row in await objects.messages_of(db, [run_id])}
    for step_row in await objects.steps_done(db, run_id):
        told += _step(from_row(RunStep, step_row), messages)
    return [*told, RunEvent(f"thread.run.{run.status}", run), DoneEvent()]


def _step(step: RunStep, messages: dict[str, Message]) -> list[StreamEvent]:
    begun = step.model_copy(update={"status": "in_progress"})
    told: list[StreamEvent] = [RunStepEvent(f"thread.run.step.{state}", begun) for state in ("created", "in_progress")]
    if isinstance(step.step_details, ToolCalls):
        told[0] = RunStepEvent(
            "thread.run.step.created", begun.model_copy(update={"step_details": ToolCalls(tool_calls=[])})
        )
        told[1] = RunStepEvent("thread.run.step.in_progress", told[0].data)
        pieces = [
            delta for index, call in enumerate(step.step_details.tool_calls) if (delta := news(index, None, call))
        ]
        piece = ToolCallsDelta(tool_calls=pieces)
        told.append(
            RunStepDeltaEvent("thread.run.step.delta", RunStepDelta(id=step.id, delta=StepPiece(step_details=piece)))
        )
    elif message := messages.get(step.wire()["step_details"]["message_creation"]["message_id"]):
        told += _message(message)
    if step.status != "in_progress":
        told.append(RunStepEvent(f"thread.run.step.{step.status}", step))
    return told


def _message(message: Message) -> list[StreamEvent]:
    begun = message.model_copy(update={"status": "in_progress", "content": []})
    told: list[StreamEvent] = [MessageEvent(f"thread.message.{state}", begun) for state in ("created", "in_progress")]
    for index, part in enumerate(message.content):
        if isinstance(part, TextContent):
            value = TextValueDelta(value=part.text.value, annotations=[])
            delta = MessagePiece(content=[TextDelta(index=index, text=value)])
        elif isinstance(part, ImageFileContent):
            delta = MessagePiece(content=[ImageFileDelta(index=index, image_file=part.image_file)])
        elif isinstance(part, RefusalContent):
            delta = MessagePiece(content=[RefusalDelta(index=index, refusal=part.refusal)])
        else:
            continue
        told.append(MessageDeltaEvent("thread.message.delta", MessageDelta(id=message.id, delta=delta)))
    if message.status != "in_progress":
        told.append(MessageEvent(f"thread.message.{message.status}", message))
    return told
