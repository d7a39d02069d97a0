"""Converts the core's views to the JSON that the page reads."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from adapters.web.render import GrowingHtml, html
from bot.files import PICTURES
from bot.incoming import Attached
from bot.segments import File, Image, Notice, Segment, Sources, Step
from bot.views import Answer, AssistantChoice, Exchange, FoundEndpoint, ModelStatus, Moment
from bot.words.letter import body
from storage.records import Conversation

JSON = dict[str, Any]
_APART = (Notice, Step, Sources, File)


def conversation_json(conversation: Conversation) -> JSON:
    return {
        "key": conversation.key,
        "platform": conversation.platform,
        "title": conversation.title or "",
        "updated_at": conversation.updated_at,
    }


def transcript_json(key: str, exchanges: Sequence[Exchange]) -> JSON:
    """The transcript as JSON. Slow for long answers, so call it in a thread."""
    return {"key": key, "exchanges": [_exchange(exchange) for exchange in exchanges]}


class Growth:
    """What one reader has received of a growing reply: each snapshot then contains only what is new.

    `from` is how many characters of the `markdown` received so far remain, `keeps` how many of its `blocks` of HTML.
    """

    def __init__(self) -> None:
        self._turn: int | None = None
        self._texts: dict[int, _GrowingText] = {}

    def segments(self, moment: Moment) -> list[JSON]:
        before = self._texts if moment.turn == self._turn else {}
        self._turn, self._texts = moment.turn, {}
        return [self._segment(segment, place, before) for place, segment in enumerate(moment.segments)]

    def _segment(self, segment: Segment, place: int, before: "Mapping[int, _GrowingText]") -> JSON:
        if isinstance(segment, _APART):
            return _segment(segment, None)
        self._texts[place] = before.get(place) or _GrowingText()
        return self._texts[place].grow(body([segment]))


class _GrowingText:
    def __init__(self) -> None:
        self._html = GrowingHtml()
        self._markdown = ""
        self._blocks: list[str] = []

    def grow(self, markdown: str) -> JSON:
        blocks = self._html.blocks(markdown)
        begins, keeps = _common(self._markdown, markdown), _common(self._blocks, blocks)
        self._markdown, self._blocks = markdown, blocks
        return {"type": "text", "from": begins, "markdown": markdown[begins:], "keeps": keeps, "blocks": blocks[keeps:]}


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """How far two sequences are the same, found by halving: comparing is much faster than a loop over them."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def moment_json(moment: Moment, growth: Growth) -> JSON:
    """A moment as JSON. Slow for long answers, so call it in a thread."""
    growing = moment.kind == "snapshot"
    segments = growth.segments(moment) if growing else [_segment(segment, None) for segment in moment.segments]
    return {**_fields(moment), "segments": segments, "files": [attached_json(file) for file in moment.files]}


def attached_json(file: Attached) -> JSON:
    """A file of a question; without an id it cannot be downloaded."""
    picture = file.media_type in PICTURES
    return {"id": file.kept, "name": file.name, "size": file.size, "media_type": file.media_type, "picture": picture}


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
    growing = GrowingHtml() if exchange.state == "answering" else None
    answer = [_segment(segment, growing) for segment in exchange.answer]
    return {**_fields(exchange), "answer": answer, "files": [attached_json(file) for file in exchange.files]}


def _fields(view: Moment | Exchange) -> JSON:
    """The fields of a view, without its segments and files."""
    skipped = {"segments", "answer", "files"}
    return {field.name: getattr(view, field.name) for field in fields(view) if field.name not in skipped}


def _segment(segment: Segment, growing: GrowingHtml | None) -> JSON:
    if isinstance(segment, Notice):
        return {"type": "notice", **asdict(segment)}
    if isinstance(segment, Step):
        return {"type": "step", "text": segment.text, "state": segment.state, "key": segment.key}
    if isinstance(segment, Sources):
        return {"type": "sources", "notes": [asdict(note) for note in segment.notes]}
    if isinstance(segment, File):
        alt = segment.alt if isinstance(segment, Image) else ""
        shown = {"id": segment.id, "name": segment.name, "media_type": segment.media_type, "alt": alt}
        return {"type": "file", "picture": isinstance(segment, Image), **shown}
    markdown = body([segment])
    return {"type": "text", "markdown": markdown, "html": growing.of(markdown) if growing else html(markdown)}
