"""What a run asks its model: the instructions, the newest messages of the thread, and the run's own steps so far."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assistants.contract import (
    FunctionCall,
    FunctionTool,
    ImageUrlContent,
    Message,
    MessageCreation,
    NamedToolChoice,
    Run,
    RunStep,
    TextContent,
    ToolCalls,
)
from assistants.service.pieces import ModelError

# A thread is read from its end; what is older than this many messages is not sent.
NEWEST = 100

Chat = list[dict[str, Any]]


def depth(run: Run) -> int:
    """How many of the thread's newest messages a run reads."""
    strategy = run.truncation_strategy
    return (strategy.last_messages if strategy else None) or NEWEST


def request(run: Run, thread: Sequence[Message], steps: Iterable[RunStep]) -> dict[str, Any]:
    """The Chat-Completions request of a run. Raises `ModelError` when the run wants what cannot be done here."""
    system: Chat = [{"role": "system", "content": run.instructions}] if run.instructions else []
    said = [_said(message) for message in thread if message.run_id != run.id and message.content]
    own = {message.id: message for message in thread if message.run_id == run.id}
    return {"messages": [*system, *said, *_own(steps, own)], **_options(run), **_tools(run)}


def _said(message: Message) -> dict[str, Any]:
    if all(isinstance(part, TextContent) for part in message.content):
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: Any) -> dict[str, Any]:
    if isinstance(part, TextContent):
        return {"type": "text", "text": part.text.value}
    if isinstance(part, ImageUrlContent):
        return {"type": "image_url", "image_url": part.image_url.wire()}
    raise ModelError(f"A message holds a part of type {part.type}, which cannot be sent to a model here.")


def _own(steps: Iterable[RunStep], messages: Mapping[str, Message]) -> Chat:
    chat: Chat = []
    for step in steps:
        if step.status != "completed":
            continue
        if isinstance(step.step_details, MessageCreation):
            message = messages.get(step.step_details.message_creation.message_id)
            if message is not None and message.content:
                chat.append(_said(message))
        elif isinstance(step.step_details, ToolCalls):
            _add_calls(chat, [call for call in step.step_details.tool_calls if isinstance(call, FunctionCall)])
    return chat


def _add_calls(chat: Chat, calls: Sequence[FunctionCall]) -> None:
    # What a model said before its calls is part of the same message to it.
    if not chat or chat[-1]["role"] != "assistant":
        chat.append({"role": "assistant", "content": None})
    functions = [(call.id, {"name": call.function.name, "arguments": call.function.arguments}) for call in calls]
    chat[-1]["tool_calls"] = [{"id": id_, "type": "function", "function": function} for id_, function in functions]
    chat.extend({"role": "tool", "tool_call_id": call.id, "content": call.function.output or ""} for call in calls)


def _options(run: Run) -> dict[str, Any]:
    # Some models refuse even the default temperature: what nobody chose is not sent.
    said = {
        "temperature": run.temperature if run.temperature != 1.0 else None,
        "top_p": run.top_p if run.top_p != 1.0 else None,
        "max_completion_tokens": run.max_completion_tokens,
        "reasoning_effort": run.reasoning_effort,
        "response_format": None if run.response_format in (None, "auto") else run.wire()["response_format"],
    }
    return {name: value for name, value in said.items() if value is not None}


def _tools(run: Run) -> dict[str, Any]:
    for tool in run.tools:
        if not isinstance(tool, FunctionTool):
            raise ModelError(f"{tool.type} is not available on this server; take it out of the assistant's tools.")
    if not run.tools:
        return {}
    choice = run.tool_choice.wire() if isinstance(run.tool_choice, NamedToolChoice) else run.tool_choice
    tools = [tool.wire() for tool in run.tools]
    return {"tools": tools, "tool_choice": choice or "auto", "parallel_tool_calls": run.parallel_tool_calls}
