"""The core's views as the JSON that the page reads."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from adapters.web.render import html
from bot.segments import Segment, Text
from bot.views import Answer, AssistantChoice, Exchange, FoundEndpoint, ModelStatus, Moment
from storage.records import Conversation

JSON = dict[str, Any]


def conversation_json(conversation: Conversation) -> JSON:
    return {
        "key": conversation.key,
        "platform": conversation.platform,
        "title": conversation.title or "",
        "updated_at": conversation.updated_at,
    }


def transcript_json(key: str, exchanges: Sequence[Exchange]) -> JSON:
    """Takes a while for long answers: leave the event loop to others meanwhile."""
    return {"key": key, "exchanges": [_exchange(exchange) for exchange in exchanges]}


def moment_json(moment: Moment) -> JSON:
    """Takes a while for a long answer, as `transcript_json` does."""
    return {**asdict(moment), "segments": _segments(moment.segments, growing=moment.kind == "snapshot")}


def assistant_json(choice: AssistantChoice) -> JSON:
    return asdict(choice)


def status_json(status: ModelStatus) -> JSON:
    return asdict(status)


def found_json(found: FoundEndpoint) -> JSON:
    return asdict(found)


def answer_json(answer: Answer) -> JSON:
    conversation = answer.place.key if answer.place else None
    return {"outcome": "command", "text": answer.text, "html": html(answer.text), "conversation": conversation}


def _exchange(exchange: Exchange) -> JSON:
    return {**asdict(exchange), "answer": _segments(exchange.answer, growing=exchange.state == "answering")}


def _segments(segments: Sequence[Segment], *, growing: bool) -> list[JSON]:
    return [_text(s, growing=growing) if isinstance(s, Text) else {"type": "notice", **asdict(s)} for s in segments]


def _text(text: Text, *, growing: bool) -> JSON:
    return {"type": "text", "markdown": text.markdown, "html": html(text.markdown, growing=growing)}
