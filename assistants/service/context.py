"""Builds a run's request to its model: instructions, as much of the thread as fits, and the run's own steps."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assistants.contract import NamedToolChoice, Run, RunStep, ToolChoice
from assistants.service import chat_messages, window
from assistants.service.chat_messages import Chat, ChatMessage
from assistants.service.measures import Measure
from assistants.service.pieces import ModelError
from assistants.service.thread_cache import Recent
from assistants.service.tokens import Gauge
from assistants.service.tools.server_tool import Toolbox
from storage import objects
from storage.database import Reader

Budget = Literal["max_prompt_tokens", "max_completion_tokens"]
# Returns a stored picture as a data URL, None if it was deleted.
Picture = Callable[[str], Awaitable[str | None]]

# One part in this many of a prompt is reserved for messages, however much the run's searches found.
TALK = 4
GONE = "[A picture that was deleted.]"


class Exhausted(Exception):
    """A run used up its token budget before it finished; `budget` names the parameter."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.budget = budget


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request for the model, and the maximum number of tokens of its answer."""

    body: dict[str, Any]
    completion_tokens: int | None

    @property
    def beside(self) -> int:
        """Return the size in bytes of the request's parts besides the messages."""
        rest = {name: self.body[name] for name in ("tools", "response_format") if name in self.body}
        return len(json.dumps(rest)) if rest else 0


async def prepare(
    db: Reader,
    run: Run,
    steps: Iterable[RunStep],
    measure: Measure,
    *,
    picture: Picture | None = None,
    toolbox: Toolbox,
    recent: Recent,
) -> Prepared:
    """Build a run's request. Raises `Exhausted`, and `ModelError` when the run needs something unavailable here."""
    steps = [step for step in steps if step.status == "completed"]
    prompt_left, completion_left = _left(run, steps)
    offered = await toolbox.offered(run, needed=not measure.traits.does_without)
    options = {**_options(run), **_tools(run, steps, offered)}
    if completion_left is not None:
        options["max_completion_tokens"] = completion_left
    system: Chat = [{"role": "system", "content": run.instructions}] if run.instructions else []
    kept = sum(map(measure.gauge.tokens, system)) + measure.gauge.of_bytes(len(json.dumps(options)))
    room = measure.prompt_room(completion_left) - kept
    if prompt_left is not None:
        room = min(room, prompt_left - kept)
    own = await _own(db, run, measure.gauge, room) if steps else []
    own_tokens = sum(map(measure.gauge.tokens, own))
    kept, room = kept + own_tokens, room - own_tokens
    talk, spent = await window.read(db, _wanted(run, room), measure.gauge, recent)
    if prompt_left is not None and kept + spent > prompt_left:
        raise Exhausted("max_prompt_tokens")
    talk = await _shown(talk, measure, run.model, picture)
    return Prepared({"messages": [*system, *talk, *own], **options}, completion_left)


def _wanted(run: Run, room: int) -> window.Wanted:
    strategy = run.truncation_strategy
    last = strategy.last_messages if strategy and strategy.type == "last_messages" else None
    return window.Wanted(run.thread_id, run.id, room, last, calls=bool(run.tools))


async def _own(db: Reader, run: Run, gauge: Gauge, room: int) -> Chat:
    """Return the run's own steps so far, with search results shortened if they would crowd out the thread."""
    messages = {row["id"]: row for row in await objects.messages_of(db, [run.id])}
    steps = await objects.steps_done(db, run.id)
    own, limit = chat_messages.did(steps, messages), room - room // TALK
    searches = chat_messages.searches(own)
    if not searches or sum(map(gauge.tokens, own)) <= limit:
        return own
    least = sum(map(gauge.tokens, chat_messages.did(steps, messages, 0)))
    return chat_messages.did(steps, messages, gauge.bytes_in(limit - least) // searches)


def _left(run: Run, steps: Iterable[RunStep]) -> tuple[int | None, int | None]:
    """Return the run's remaining prompt and completion tokens, None for no limit."""
    used = [step.usage for step in steps if step.usage]
    prompt, completion = run.max_prompt_tokens, run.max_completion_tokens
    if prompt is not None:
        prompt -= sum(usage.prompt_tokens for usage in used)
        if prompt <= 0:
            raise Exhausted("max_prompt_tokens")
    if completion is not None:
        completion -= sum(usage.completion_tokens for usage in used)
        if completion <= 0:
            raise Exhausted("max_completion_tokens")
    return prompt, completion


async def _shown(talk: Chat, measure: Measure, model: str, picture: Picture | None) -> Chat:
    """Return the messages with pictures in a form that the model accepts."""
    if not any(map(chat_messages.pictured, talk)):
        return talk
    if measure.traits.vision is False:
        if any(map(chat_messages.pictured, _unanswered(talk))):
            sentence = f"The model {model} cannot see pictures; ask without one, or choose a model with vision."
            raise ModelError(sentence, code="invalid_prompt")
        return [chat_messages.without_pictures(message) for message in talk]
    return [await _with_pictures(message, picture) if chat_messages.pictured(message) else message for message in talk]


def _unanswered(talk: Chat) -> Chat:
    last = max((place for place, message in enumerate(talk) if message["role"] == "assistant"), default=-1)
    return talk[last + 1 :]


async def _with_pictures(message: ChatMessage, picture: Picture | None) -> ChatMessage:
    parts = []
    for part in message["content"]:
        if part["type"] == "image_file":
            file = part["image_file"]
            url = await picture(file["file_id"]) if picture else None
            detail = {"detail": file["detail"]} if "detail" in file else {}
            shown = {"type": "image_url", "image_url": {"url": url, **detail}}
            parts.append(shown if url else {"type": "text", "text": GONE})
        else:
            parts.append(part)
    return {**message, "content": parts}


def _options(run: Run) -> dict[str, Any]:
    # Some models reject even the default temperature, so options left at their default are not sent.
    said = {
        "temperature": run.temperature if run.temperature != 1.0 else None,
        "top_p": run.top_p if run.top_p != 1.0 else None,
        "reasoning_effort": run.reasoning_effort,
        "response_format": None if run.response_format in (None, "auto") else run.wire()["response_format"],
    }
    return {name: value for name, value in said.items() if value is not None}


def _tools(run: Run, steps: Iterable[RunStep], tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not tools:
        return {}
    choice = _choice(run.tool_choice)
    # Force a tool only until one was called; after that the model may answer.
    if choice not in (None, "none", "auto") and any(step.type == "tool_calls" for step in steps):
        choice = "auto"
    return {"tools": list(tools), "tool_choice": choice or "auto", "parallel_tool_calls": run.parallel_tool_calls}


def _choice(wanted: ToolChoice | None) -> Any:
    """Return the tool choice as a model knows it: every tool is a function."""
    if not isinstance(wanted, NamedToolChoice):
        return wanted
    return wanted.wire() if wanted.function else {"type": "function", "function": {"name": wanted.type}}
