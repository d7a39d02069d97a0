"""Builds new objects from requests and the API's defaults."""

from typing import Any

from assistants.contract import (
    Assistant,
    Attachment,
    CreatedMessage,
    CreateMessage,
    CreateRun,
    CreateThreadAndRun,
    Message,
    MessageCreation,
    Request,
    Run,
    RunStep,
    StepDetails,
    TextContent,
    TextInput,
    TextValue,
    ToolResources,
)
from assistants.service.rows import new_id, now

# Seconds after which an unfinished run expires.
RUN_SECONDS = 600

_INHERITED = ("model", "tools", "temperature", "top_p", "response_format", "reasoning_effort")
_OWN = (
    "metadata",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
)


def said(body: Request, *names: str) -> dict[str, Any]:
    """Return the fields of a request that are neither omitted nor null."""
    return {name: value for name in names if (value := getattr(body, name, None)) is not None}


def message(body: CreateMessage, thread_id: str) -> Message:
    parts = [TextInput(text=body.content)] if isinstance(body.content, str) else body.content
    made = now()
    return Message(
        id=new_id("msg"),
        created_at=made,
        thread_id=thread_id,
        status="completed",
        completed_at=made,
        role=body.role,
        content=[TextContent(text=TextValue(value=p.text)) if isinstance(p, TextInput) else p for p in parts],
        attachments=[Attachment.model_validate(a.wire()) for a in body.attachments or ()],
        metadata=body.metadata or {},
    )


def run(
    body: CreateRun | CreateThreadAndRun, assistant: Assistant, thread_id: str, resources: ToolResources | None = None
) -> Run:
    """Build a queued run; options missing from the request come from the assistant."""
    made = now()
    inherited = {name: getattr(assistant, name) for name in _INHERITED}
    return Run(
        **{**inherited, **said(body, *_INHERITED, *_OWN), "instructions": _instructions(body, assistant)},
        id=new_id("run"),
        created_at=made,
        expires_at=made + RUN_SECONDS,
        thread_id=thread_id,
        assistant_id=assistant.id,
        status="queued",
        tool_resources=resources or ToolResources(),
    )


def step(run: Run, details: StepDetails) -> RunStep:
    return RunStep(
        id=new_id("step"),
        created_at=now(),
        assistant_id=run.assistant_id,
        thread_id=run.thread_id,
        run_id=run.id,
        type=details.type,
        status="in_progress",
        step_details=details,
        expires_at=run.expires_at,
    )


def answer(run: Run) -> tuple[Message, RunStep]:
    """Build the message that a run begins to write, and its step."""
    made = Message(
        id=new_id("msg"),
        created_at=now(),
        thread_id=run.thread_id,
        status="in_progress",
        role="assistant",
        content=[],
        assistant_id=run.assistant_id,
        run_id=run.id,
    )
    return made, step(run, MessageCreation(message_creation=CreatedMessage(message_id=made.id)))


def _instructions(body: CreateRun | CreateThreadAndRun, assistant: Assistant) -> str | None:
    first = body.instructions if body.instructions is not None else assistant.instructions
    more = body.additional_instructions if isinstance(body, CreateRun) else None
    return "\n\n".join(filter(None, (first, more))) or first
