"""The core's views as the JSON that the page reads."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot.segments import Segment, Text
from bot.views import AssistantChoice, Exchange, FoundEndpoint, ModelStatus, Moment
from storage.records import Conversation

JSON = dict[str, Any]


def conversation_json(conversation: Conversation) -> JSON:
    return {
        "key": conversation.key,
        "platform": conversation.platform,
        "title": conversation.title or "",
        "updated_at": conversation.updated_at,
    }


def exchange_json(exchange: Exchange) -> JSON:
    return {**asdict(exchange), "answer": _segments(exchange.answer)}


def moment_json(moment: Moment) -> JSON:
    return {**asdict(moment), "segments": _segments(moment.segments)}


def assistant_json(choice: AssistantChoice) -> JSON:
    return asdict(choice)


def status_json(status: ModelStatus) -> JSON:
    return asdict(status)


def found_json(found: FoundEndpoint) -> JSON:
    return asdict(found)


def _segments(segments: Sequence[Segment]) -> list[JSON]:
    return [{"type": "text" if isinstance(s, Text) else "notice", **asdict(s)} for s in segments]
