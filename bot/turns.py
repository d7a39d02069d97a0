"""A turn's life: open it, run the assistant, let the reply grow, end it; whatever happens on the way."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from assistants.connector import AssistantsClient, NotFoundError
from assistants.contract import Run
from bot import runs
from bot.adapter import Adapter, PartState, PlatformError, Reply, Turn
from bot.commands import HELP
from bot.incoming import Place
from bot.roster import Member, Roster
from bot.segments import Notice, Remedy, Segment, Snapshot, Text
from storage import conversations, turns
from storage.database import Database
from storage.records import Conversation, TurnRow

TRIES = 5
THINKING = "Thinking…"
GREETING = f"I am here, and read only words: write your question in the same message. {HELP}"

log = structlog.get_logger()


class Turns:
    """Takes one turn at a time of a conversation, from its first message to the platform's last acceptance."""

    def __init__(self, db: Database, client: AssistantsClient, roster: Roster, adapters: Mapping[str, Adapter]) -> None:
        self._db = db
        self._client = client
        self._roster = roster
        self._adapters = adapters

    async def take(self, conversation_id: int) -> bool:
        """Work one turn of a conversation to its end; False when nothing waits there."""
        row = await self._db.write(turns.open_next, conversation_id, time.time())
        if row is None:
            return False
        conversation = await conversations.by_id(self._db, conversation_id)
        with structlog.contextvars.bound_contextvars(turn=row.tag, conversation=conversation.key):
            try:
                await self._work(row, conversation)
            except turns.SupersededError:
                log.warning("turn taken over by another process")
        return True

    async def _work(self, row: TurnRow, conversation: Conversation) -> None:
        """Try until the turn has ended; after the last try it ends with an apology, and the conversation goes on."""
        while True:
            turn, member = await self._opened(row, conversation)
            reply = self._adapters[conversation.platform].reply(turn)
            try:
                async with aclosing(reply):
                    await self._answer(row, turn, member, reply)
                return
            except turns.SupersededError:
                raise
            except Exception as error:
                failures = await self._db.write(turns.record_failure, row.id, row.attempts)
                if isinstance(error, PlatformError):
                    log.warning("turn failed", failures=failures, error=str(error))
                else:
                    log.exception("turn failed", failures=failures)
                if failures >= TRIES or _is_lasting(error):
                    await self._give_up(row, turn)
                    return
                await asyncio.sleep(_pause(failures, error))
                row = replace(row, failures=failures)
                conversation = await conversations.by_id(self._db, conversation.id)

    async def _opened(self, row: TurnRow, conversation: Conversation) -> tuple[Turn, Member]:
        """The turn as its adapter sees it, and who answers it."""
        incoming = await turns.incoming_of(self._db, row.id)
        member = self._roster.get(row.assistant)
        if member is None:
            member = await self._roster.pick(_place(conversation), row.author or "", conversation)

        async def keep_part(number: int, ref: str, state: PartState) -> None:
            await self._db.write(turns.keep_part, row.id, row.attempts, number, ref, state)

        turn = Turn(
            id=row.id,
            tag=row.tag,
            conversation=conversation,
            incoming=incoming,
            author=row.author or "",
            opened_at=row.opened_at,
            assistant=member.config.title,
            suspect=row.attempts > 1 or row.failures > 0,
            parts=await turns.parts_of(self._db, row.id),
            keep_part=keep_part,
        )
        return turn, member

    async def _answer(self, row: TurnRow, turn: Turn, member: Member, reply: Reply) -> None:
        if turn.suspect:
            await reply.find()
        if not any(message.body and message.body.strip() for message in turn.incoming):
            await reply.finish([Notice(GREETING)])
            await self._close(row, turns.Ending("answered"))
            return
        await reply.show(Snapshot(status=THINKING))
        outcome = await self._run(row, turn, member, reply)
        answered = outcome.run.status in ("completed", "incomplete") and bool(outcome.text)
        segments = self._segments(member, outcome)
        await reply.finish(segments)
        usage = outcome.run.usage
        ending = turns.Ending(
            outcome="answered" if answered else "failed",
            reason=None if answered else _reason(outcome),
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
        )
        await self._close(row, ending)

    async def _run(self, row: TurnRow, turn: Turn, member: Member, reply: Reply) -> runs.Outcome:
        """The turn's run, taken up where an earlier try left it or begun now."""
        thread_id = turn.conversation.thread_id or await self._new_thread(turn.conversation)
        texts = [message.body for message in turn.incoming if message.body]
        question = runs.Question(turn.tag, thread_id, member.id, texts)

        async def began(run: Run) -> None:
            stays = not self._roster.stands_in(member)
            await self._db.write(turns.record_run, row.id, row.attempts, member.name, run.id, stays=stays)

        async def grew(text: str) -> None:
            await reply.show(Snapshot((Text(text), *_label(member))))

        try:
            if turn.suspect and (run := await runs.find(self._client, question)):
                await began(run)
                return await runs.follow(self._client, run)
            return await runs.ask(self._client, question, began=began, grew=grew)
        except NotFoundError:
            question = replace(question, thread_id=await self._replacement(turn.conversation))
            return await runs.ask(self._client, question, began=began, grew=grew)

    async def _new_thread(self, conversation: Conversation, *, instead_of: str | None = None) -> str:
        thread = await self._client.threads.create(metadata={"conversation": conversation.key})
        return await self._db.write(conversations.keep_thread, conversation.id, thread.id, instead_of)

    async def _replacement(self, conversation: Conversation) -> str:
        """A new thread for a conversation whose thread the server no longer has; raises when it was not that."""
        if conversation.thread_id is None:
            raise LookupError("the server does not find what it has just made")
        try:
            await self._client.threads.retrieve(conversation.thread_id)
        except NotFoundError:
            log.warning("thread is gone on the server", thread=conversation.thread_id)
            return await self._new_thread(conversation, instead_of=conversation.thread_id)
        raise LookupError("the server has the thread, but not the assistant; restart Threadline to make it again")

    def _segments(self, member: Member, outcome: runs.Outcome) -> list[Segment]:
        segments: list[Segment] = [Text(outcome.text)] if outcome.text else []
        if outcome.run.status != "completed" or not outcome.text:
            remedy: Remedy | None = None if self._roster.ready(member) else "connect_model"
            segments.append(Notice(_reason(outcome), kind="problem", remedy=remedy))
        return [*segments, *_label(member)]

    async def _give_up(self, row: TurnRow, turn: Turn) -> None:
        sorry = f"Sorry, I could not answer this; please ask again. An operator finds the reason under turn {row.tag}."
        async with aclosing(self._adapters[turn.conversation.platform].reply(turn)) as reply:
            try:
                await reply.find()
                await reply.finish([Notice(sorry, kind="problem")])
            except PlatformError as refused:
                log.warning("apology not delivered", error=str(refused))
            except Exception:
                log.exception("apology not delivered")
            await self._close(row, turns.Ending("failed", reason=sorry))

    async def _close(self, row: TurnRow, ending: turns.Ending) -> None:
        await self._db.write(turns.close_turn, row.id, row.attempts, ending, time.time())
        log.info("turn ended", outcome=ending.outcome, seconds=round(time.time() - row.opened_at, 3))


def _place(conversation: Conversation) -> Place:
    return Place(
        conversation.key, conversation.platform, conversation.workspace, conversation.channel, conversation.thread
    )


def _label(member: Member) -> Sequence[Segment]:
    return [Notice(member.config.notice)] if member.config.notice else []


def _reason(outcome: runs.Outcome) -> str:
    """Why a run wrote nothing, or less than it wanted, in words for the person who asked."""
    run = outcome.run
    if run.last_error:
        return run.last_error.message
    if run.status == "incomplete":
        why = run.incomplete_details.reason if run.incomplete_details else None
        return "The answer was cut short: it reached its limit of tokens." if why else "The answer was cut short."
    return {
        "cancelled": "The answer was stopped.",
        "expired": "The assistant took longer than ten minutes, so the answer was given up.",
        "requires_action": "The assistant asked for a function that nobody here can run.",
    }.get(run.status, "The model answered with nothing.")


def _is_lasting(error: Exception) -> bool:
    """Whether the platform said that trying again is no use."""
    return isinstance(error, PlatformError) and not error.retryable


def _pause(failures: int, error: Exception) -> float:
    asked = getattr(error, "retry_after", None)
    return float(asked) if asked else min(30.0, 0.5 * 2**failures)
