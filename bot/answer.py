"""One try of a turn: its run on the conversation's thread, shown as it grows, and what people are given in the end."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from assistants.connector import AssistantsClient, AssistantsError, NotFoundError
from assistants.contract import Run
from bot import settling
from bot.adapter import KnowsBefore, PlatformError, Reply, Turn
from bot.calls import Calls
from bot.expired_stores import let_go
from bot.files import attached, receive
from bot.output_files import bring
from bot.roster import Member, Roster
from bot.runs import EVENT, JSON, MOST_ROUNDS, TAG, Outcome, Question, Runs, find
from bot.segments import Notice, Remedy, Segment, Snapshot, Source, Sources, Step, Text
from bot.sources import with_sources
from bot.stops import NEWER_MESSAGE, Stop
from bot.trail import Trail
from bot.unreadable import complaints, searched
from bot.words.asking import WORDLESS, context, said_by
from bot.words.citations import cited
from bot.words.output_files import named
from storage import conversations, turns
from storage.calls import refused
from storage.database import Database
from storage.records import IncomingRow, TurnRow

STOPPED = "Stopped."
INTERRUPTED = "Interrupted by a newer message."
THREAD_GONE = "The server no longer has what was said here before: this answer begins anew."
ASSISTANT_GONE = "The server no longer had this assistant; it was made anew."
UNREADABLE = (
    "{title} reads no documents: what you sent is kept here for an assistant that has file_search or code_interpreter"
    " among its tools."
)
UNREAD = "What was said here before could not be read."
NOT_RUN = "{name} was not run: it may change something, and only functions that read may run here."
PUT_AWAY = (
    "The documents of this conversation were put away after days without use, and are not read any more; send again"
    " what is needed."
)
QUESTION_GONE = "The server no longer has this question; please ask it again."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Result:
    """What people are given, and how the turn ends with it."""

    segments: Sequence[Segment]
    ending: turns.Ending


class _NothingAskedError(Exception):
    """What was sent could not be read, and nothing else was said."""


@dataclass
class Answering:
    """A try of a turn: who answers, what is recorded of it, and who may stop it."""

    db: Database
    client: AssistantsClient
    roster: Roster
    row: TurnRow
    turn: Turn
    member: Member
    reply: Reply
    trail: Trail
    stop: Stop
    picked: bool = False
    maybe_asked: bool = True
    notices: list[Segment] = field(default_factory=list)
    sources: tuple[Source, ...] = ()
    files: Sequence[Segment] = ()
    searched: list[str] = field(default_factory=list)

    async def result(self) -> Result:
        """Run the assistant and grow the reply until there is nothing more to come."""
        thread_id = self.turn.conversation.thread_id or await self._new_thread(None)
        # A thread and an assistant may both be gone from the server.
        for _ in range(2):
            try:
                return self._result(await self._outcome(thread_id))
            except _NothingAskedError:
                return Result(self.notices, turns.Ending("answered"))
            except NotFoundError:
                thread_id = await self._mend(thread_id)
                if not self._is_known and THREAD_GONE in _words(self.notices):
                    return _refusal(QUESTION_GONE)
        return self._result(await self._outcome(thread_id))

    @property
    def _is_known(self) -> bool:
        """Whether we still have what was asked: once the thread has it, its words are blanked here."""
        return any(message.body or message.attachments for message in self.turn.incoming)

    async def _outcome(self, thread_id: str) -> Outcome:
        if self.row.redoes is not None:
            await self._forget(self.row.redoes, thread_id)
        found = await find(self.client, thread_id, self.turn.tag) if self.turn.suspect else None
        # Who died before it had written down whom it asked may have asked another than is picked now.
        self.member = (found and self.roster.by_id(found[0].assistant_id)) or self.member
        question = Question(self.turn.tag, thread_id, self.member.id, partial(self._messages, thread_id))
        functions = self.roster.functions(self.member)
        runs = Runs(
            self.client,
            question,
            Calls(self.db, self.row, functions),
            stop=self.stop,
            began=self._began,
            grew=self._grew,
            says=self._waits,
        )
        outcome = await runs.outcome(found)
        failed = outcome.run is not None and outcome.run.status == "failed"
        if failed and self.member.config.searches_files and await let_go(self.client, thread_id):
            self.notices.append(Notice(PUT_AWAY))
            outcome = await runs.once_more()
        if functions:
            self.notices += [Notice(NOT_RUN.format(name=name)) for name in await refused(self.db, self.row.id)]
        # What only the search would have read.
        if outcome.run is not None and self.member.config.searches_files and not self.member.config.runs_code:
            sent = self.searched if self.searched or not self.turn.suspect else None
            unread = await complaints(self.client, thread_id, sent, tag={TAG: self.turn.tag})
            self.notices += [Notice(sentence) for sentence in unread]
        return await self._with_sources(outcome)

    async def _with_sources(self, outcome: Outcome) -> Outcome:
        """The same outcome with footnotes; what they stand for is kept for the end."""
        if outcome.run is None:
            return outcome
        where = {"thread_id": outcome.run.thread_id, "run_id": outcome.run.id}
        text, self.sources = await with_sources(self.client, outcome.text, outcome.files, **where)
        self.files = await bring(self.client, outcome.made)
        return replace(outcome, text=named(text))

    async def _messages(self, thread_id: str) -> list[JSON]:
        """What the run is asked: what was said here before the first question, then what people wrote and sent."""
        several, there = bool(self.turn.conversation.several), await self._asked_before(thread_id)
        rows = [row for row in self.turn.incoming if (row.body or row.attachments) and row.event not in there]
        asked = [await self._message(row, several=several) for row in rows]
        asked = [message for message in asked if message["content"]]
        if not asked and self.notices:
            raise _NothingAskedError
        before = await self._before() if asked else None
        return [{"role": "user", "content": before}, *asked] if before else asked

    async def _asked_before(self, thread_id: str) -> set[str]:
        """The messages that an earlier turn brought into the thread before its run was known."""
        if not self.maybe_asked or not self.turn.incoming:
            return set()
        before = await turns.before(self.db, self.row)
        if before is None or before.run_id is not None:
            return set()
        await settling.settled_at(before.done_at or 0.0)
        page = await self.client.threads.messages.list(thread_id, order="desc", limit=100).page()
        return {message.metadata[EVENT] for message in page.data if EVENT in (message.metadata or {})}

    async def _message(self, row: IncomingRow, *, several: bool) -> JSON:
        config = self.member.config
        received = await receive(self.client, self.reply, attached(row), for_code=config.runs_code)
        self.notices += [Notice(refusal) for refusal in received.refusals]
        self.searched += searched(received.attachments)
        if received.documents and not config.reads_files:
            self.notices.append(Notice(UNREADABLE.format(title=config.title)))
        text = row.body or (WORDLESS if received.attachments else "")
        text = said_by(row.author_name or "", text) if several and text else text
        message: JSON = {"role": "user", "content": text, "metadata": {TAG: self.turn.tag, EVENT: row.event}}
        if received.pictures:
            message["content"] = [*([{"type": "text", "text": text}] if text else []), *received.pictures]
        if received.attachments:
            message["attachments"] = list(received.attachments)
        return message

    async def _before(self) -> str:
        if self.turn.conversation.thread_id is not None or not isinstance(self.reply, KnowsBefore):
            return ""
        try:
            before = await self.reply.said_before()
        except PlatformError as error:
            log.warning("what was said before cannot be read", error=str(error))
            self.notices.append(Notice(UNREAD))
            return ""
        if before is None or not before.messages:
            return ""
        if before.more:
            self.notices.append(Notice(f"Only the newest {len(before.messages)} messages of this thread were read."))
        return context(before.messages, "this thread", more=before.more)

    def _began(self, run: Run) -> None:
        """Have the run recorded while it works; who asked for a stop before it was known is heard now."""

        def look(write: "asyncio.Future[str | None]") -> None:
            if not write.cancelled() and not write.exception() and (by := write.result()):
                self.stop.ask(by)

        stays = self.turn.conversation.assistant is None and (self.picked or not self.roster.stands_in(self.member))
        write = self.trail.put(turns.record_run, self.row.id, self.row.attempts, self.member.name, run.id, stays=stays)
        write.add_done_callback(look)

    async def _grew(self, text: str, steps: Sequence[Step]) -> None:
        words = [Text(named(cited(text, growing=True)[0]))] if text else []
        if words or steps:
            await self.reply.show(Snapshot((*words, *steps, *(_label(self.member) if words else ()))))

    async def _waits(self, status: str) -> None:
        await self.reply.show(Snapshot(status=status))

    async def _forget(self, redone: int, thread_id: str) -> None:
        """Take the answer that is given anew out of the thread, so that the model does not read it."""
        earlier = await turns.by_id(self.db, redone)
        if earlier is None:
            return
        messages = self.client.threads.messages
        try:
            # One that was stopped before it was known may have come to be.
            found = None if earlier.run_id else await find(self.client, thread_id, earlier.tag)
            run_id = found[0].id if found else earlier.run_id
            if run_id is None:
                return
            for message in [m async for m in messages.list(thread_id, run_id=run_id, limit=100)]:
                if message.role == "assistant":
                    await messages.delete(thread_id, message.id)
        except AssistantsError as error:
            log.warning("the earlier answer stays in the thread", turn=earlier.tag, error=str(error))

    async def _new_thread(self, instead_of: str | None) -> str:
        """Awaited to its commit: a run in a thread that nobody remembers could not be found again."""
        conversation = self.turn.conversation
        thread = await self.client.threads.create(metadata={"conversation": conversation.key})
        return await self.db.write(conversations.keep_thread, conversation.id, thread.id, instead_of)

    async def _mend(self, thread_id: str) -> str:
        """Replace what the server no longer has, thread or assistant; the thread to go on with."""
        if await _is_gone(self.client.threads.retrieve(thread_id)):
            log.warning("thread is gone on the server", thread=thread_id)
            self.notices.append(Notice(THREAD_GONE))
            return await self._new_thread(thread_id)
        if await _is_gone(self.client.assistants.retrieve(self.member.id)):
            log.warning("assistant is gone on the server", assistant=self.member.id)
            self.notices.append(Notice(ASSISTANT_GONE))
            self.member = await self.roster.renew(self.client, self.member)
            return thread_id
        raise LookupError("the server does not find what it has")

    def _result(self, outcome: Outcome) -> Result:
        run = outcome.run
        segments: list[Segment] = [Text(outcome.text)] if outcome.text else []
        said, ending = self._ending(outcome)
        if self.notices:
            ending = replace(ending, reason=" ".join(filter(None, [ending.reason, *_words(self.notices)])))
        if run is not None and run.usage:
            ending = replace(
                ending, prompt_tokens=run.usage.prompt_tokens, completion_tokens=run.usage.completion_tokens
            )
        notes = [Sources(self.sources)] if self.sources else []
        return Result([*segments, *self.files, *notes, *said, *self.notices, *_label(self.member)], ending)

    def _ending(self, outcome: Outcome) -> tuple[list[Notice], turns.Ending]:
        """How the turn ends, and what people are told of that under the text there is."""
        status = outcome.run.status if outcome.run else None
        if self.stop.by and status not in ("completed", "incomplete", "failed"):
            newer = self.stop.by == NEWER_MESSAGE
            reason = INTERRUPTED if newer else STOPPED
            return [Notice(reason)], turns.Ending("stopped", reason, unasked=newer and not outcome.asked)
        if status == "completed" and (outcome.text or outcome.made):
            return [], turns.Ending("answered")
        reason = _why(outcome.run)
        remedy: Remedy | None = None if self.roster.ready(self.member) else "connect_model"
        notice = Notice(reason, kind="problem", remedy=remedy)
        if status == "incomplete" and outcome.text:
            return [notice], turns.Ending("answered", reason)
        return [notice], turns.Ending("failed", reason)


async def _is_gone(retrieving: Awaitable[object]) -> bool:
    try:
        await retrieving
    except NotFoundError:
        return True
    return False


def _label(member: Member) -> Sequence[Segment]:
    return [Notice(member.config.notice)] if member.config.notice else []


def _refusal(reason: str) -> Result:
    return Result([Notice(reason, kind="problem")], turns.Ending("failed", reason))


def _words(notices: Sequence[Segment]) -> list[str]:
    return [notice.text for notice in notices if isinstance(notice, Notice)]


def _why(run: Run | None) -> str:
    """Why a run wrote nothing, or less than it wanted, in words for the person who asked."""
    if run is None:
        return "Nothing was answered."
    if run.last_error:
        return run.last_error.message
    if run.status == "incomplete":
        why = run.incomplete_details.reason if run.incomplete_details else None
        return "The answer was cut short: it reached its limit of tokens." if why else "The answer was cut short."
    return {
        "cancelled": "The answer was stopped on the server.",
        "expired": "The assistant took longer than ten minutes, so the answer was given up.",
        "requires_action": f"The assistant called functions {MOST_ROUNDS} times without coming to an answer.",
    }.get(run.status, "The model answered with nothing.")
