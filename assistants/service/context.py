"""What a run asks its model: the instructions, what of the thread there is room for, and the run's own steps so far."""

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
# Gives a stored picture as a data URL, None when it is gone.
Picture = Callable[[str], Awaitable[str | None]]

# This part of a prompt is left to the talk, whatever a run's searches found.
TALK = 4
GONE = "[A picture that was deleted.]"


class Exhausted(Exception):
    """A run used up what it was given before it came to its end; `budget` is the parameter that says so."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self.budget = budget


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request for the model, and how many tokens its answer may have."""

    body: dict[str, Any]
    completion_tokens: int | None

    @property
    def beside(self) -> int:
        """Bytes of what is said beside the messages."""
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
    """The request of a run. Raises `Exhausted`, and `ModelError` when the run wants what cannot be done here."""
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
    """What the run did so far. What its searches found is shortened where little else would fit beside it."""
    messages = {row["id"]: row for row in await objects.messages_of(db, [run.id])}
    steps = await objects.steps_done(db, run.id)
    own, limit = chat_messages.did(steps, messages), room - room // TALK
    searches = chat_messages.searches(own)
    if not searches or sum(map(gauge.tokens, own)) <= limit:
        return own
    least = sum(map(gauge.tokens, chat_messages.did(steps, messages, 0)))
    return chat_messages.did(steps, messages, gauge.bytes_in(limit - least) // searches)


def _left(run: Run, steps: Iterable[RunStep]) -> tuple[int | None, int | None]:
    """What is left of the tokens a run may use, None where there is no limit."""
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
    """The talk with its pictures as the model can have them."""
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
    # Some models refuse even the default temperature: what nobody chose is not sent.
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
    # A tool is forced before the answer, not for ever: once one was called, the model may answer.
    if choice not in (None, "none", "auto") and any(step.type == "tool_calls" for step in steps):
        choice = "auto"
    return {"tools": list(tools), "tool_choice": choice or "auto", "parallel_tool_calls": run.parallel_tool_calls}


def _choice(wanted: ToolChoice | None) -> Any:
    """A choice in a model's terms, to whom every tool is a function."""
    if not isinstance(wanted, NamedToolChoice):
        return wanted
    return wanted.wire() if wanted.function else {"type": "function", "function": {"name": wanted.type}}
