"""Builds the transcript of a conversation from the thread's messages and the recorded turns."""

from collections import defaultdict

from assistants.connector import AssistantsClient, NotFoundError
from assistants.contract import Message
from bot.files import attached
from bot.output_files import listed, made_in
from bot.roster import Roster
from bot.runs import TAG
from bot.segments import Notice, Remedy, Segment, Sources, Text
from bot.sources import citations_in, with_sources
from bot.views import Exchange, ExchangeState
from bot.words.asking import WORDLESS
from bot.words.output_files import named
from storage import turns
from storage.database import Database
from storage.records import Conversation, IncomingRow, TurnRow

_STATES: dict[str, ExchangeState] = {"answered": "answered", "stopped": "stopped"}


async def transcript(
    db: Database, client: AssistantsClient, roster: Roster, conversation: Conversation, limit: int
) -> list[Exchange]:
    """The last exchanges of a conversation, oldest first; waiting messages come last."""
    rows = await turns.latest(db, conversation.id, limit)
    asked: dict[int | None, list[IncomingRow]] = defaultdict(list)
    for message in await turns.incoming_since(db, conversation.id, rows):
        asked[message.turn].append(message)
    questions, written = await _said(client, conversation.thread_id, 3 * limit)
    answers = {run: await _answer(client, messages) for run, messages in written.items()}
    redone = {row.redoes for row in rows}
    origins = _origins(rows)
    exchanges = [
        _exchange(row, origins[row.id], asked[row.id] or asked[origins[row.id].id], questions, answers, roster)
        for row in rows
        if row.id not in redone
    ]
    # Each waiting message on its own: only the turn that takes it decides which messages are answered together.
    waiting = [_exchange(None, None, [message], questions, answers, roster) for message in asked[None]]
    return [*exchanges, *waiting]


def _origins(rows: list[TurnRow]) -> dict[int, TurnRow]:
    """For each turn, the turn that asked its question: an earlier one if the answer was regenerated."""
    origins: dict[int, TurnRow] = {}
    for row in rows:
        origins[row.id] = origins.get(row.redoes or row.id, row)
    return origins


async def _said(
    client: AssistantsClient, thread_id: str | None, limit: int
) -> tuple[dict[str, str], dict[str | None, list[Message]]]:
    """The thread's last messages: questions by the tag of their turn, answers by run."""
    questions: dict[str, list[str]] = defaultdict(list)
    answers: dict[str | None, list[Message]] = defaultdict(list)
    for message in reversed(await _newest(client, thread_id, limit)):
        if message.role == "assistant":
            answers[message.run_id].append(message)
        elif tag := (message.metadata or {}).get(TAG):
            questions[tag].append(message.text)
    said = {tag: [text for text in texts if text and text != WORDLESS] for tag, texts in questions.items()}
    return {tag: "\n\n".join(texts) for tag, texts in said.items()}, answers


async def _answer(client: AssistantsClient, messages: list[Message]) -> list[Segment]:
    text = "\n\n".join(filter(None, (message.text for message in messages)))
    where = {"thread_id": messages[0].thread_id, "run_id": messages[0].run_id or ""}
    text, notes = await with_sources(client, text, citations_in(messages), **where)
    words: list[Segment] = [Text(named(text))] if text else []
    return [*words, *await listed(client, made_in(messages)), *([Sources(notes)] if notes else [])]


async def _newest(client: AssistantsClient, thread_id: str | None, limit: int) -> list[Message]:
    found: list[Message] = []
    if thread_id is None:
        return found
    try:
        async for message in client.threads.messages.list(thread_id, order="desc", limit=100):
            found.append(message)
            if len(found) >= limit:
                break
    except NotFoundError:
        return []
    return found


def _exchange(
    row: TurnRow | None,
    origin: TurnRow | None,
    asked: list[IncomingRow],
    questions: dict[str, str],
    answers: dict[str | None, list[Segment]],
    roster: Roster,
) -> Exchange:
    bodies = [message.body for message in asked if message.body]
    # A question that never reached the thread is posted under the tag of the turn that regenerates its answer.
    tags = [turn.tag for turn in (row, origin) if turn]
    question = "\n\n".join(bodies) or next((questions[tag] for tag in tags if tag in questions), "")
    member = roster.get(row.assistant) if row else None
    segments: list[Segment] = []
    if row and row.outcome is not None:
        if row.run_id:
            segments += answers.get(row.run_id, [])
        if row.reason:
            segments.append(_reason(row, row.reason, can_help=member is not None and not roster.ready(member)))
        if member and member.config.notice:
            segments.append(Notice(member.config.notice))
    return Exchange(
        turn=row.id if row else None,
        question=question,
        answer=tuple(segments),
        assistant=member.config.title if member else "",
        state=_state(row),
        asked_at=asked[0].received_at if asked else (row.opened_at if row else 0.0),
        events=tuple(message.event for message in asked),
        files=tuple(file for message in asked for file in attached(message)),
    )


def _reason(row: TurnRow, words: str, *, can_help: bool) -> Notice:
    if row.outcome != "failed":
        return Notice(words)
    remedy: Remedy | None = "connect_model" if can_help else None
    return Notice(words, kind="problem", remedy=remedy)


def _state(row: TurnRow | None) -> ExchangeState:
    if row is None:
        return "waiting"
    if row.outcome is None:
        return "answering"
    return _STATES.get(row.outcome, "failed")
