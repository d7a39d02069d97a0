"""One attempt at a turn: runs the assistant on the conversation's thread, shows its progress, and builds the reply."""

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
from bot.expired_stores import detach_expired
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
THREAD_GONE = "The server no longer has the earlier messages of this conversation; this answer does without them."
ASSISTANT_GONE = "The server no longer had this assistant, so it was created again."
UNREADABLE = (
    "{title} reads no documents. Your files are kept in this conversation for an assistant whose tools include"
    " file_search or code_interpreter."
)
UNREAD = "The earlier messages of this thread could not be read."
NOT_RUN = "{name} was not run: it may change something, and only read-only functions may run here."
EXPIRED = "The documents of this conversation expired after days without use. Send again what is still needed."

QUESTION_GONE = "The server no longer has this question; please ask it again."

MOST_REPAIRS = 2
# What a later attempt cannot notice again.
LASTING = frozenset({THREAD_GONE, ASSISTANT_GONE, EXPIRED})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Result:
    """The finished reply, and how the turn ends."""

    segments: Sequence[Segment]
    ending: turns.Ending


class _NothingAskedError(Exception):
    """None of the files sent could be read, and there is no text."""


@dataclass
class Answering:
    """One attempt at a turn."""

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
        """Run the assistant, showing its progress, and return the reply."""
        thread_id = self.turn.conversation.thread_id or await self._new_thread(None)
        # The server may have lost both the thread and the assistant, so two repairs may be needed.
        for repairs in range(MOST_REPAIRS + 1):
            try:
                return self._result(await self._outcome(thread_id))
            except _NothingAskedError:
                return Result(self.notices, turns.Ending("answered"))
            except NotFoundError:
                if repairs == MOST_REPAIRS:
                    raise
                lost, thread_id = thread_id, await self._repair(thread_id)
                if thread_id != lost and not self._has_question:
                    return _refusal(QUESTION_GONE)
        raise AssertionError("the last attempt returns or raises")

    @property
    def _has_question(self) -> bool:
        """Whether the question's text is still stored here: it is blanked once the thread has it."""
        return any(message.body or message.attachments for message in self.turn.incoming)

    async def _outcome(self, thread_id: str) -> Outcome:
        if self.row.redoes is not None:
            await self._forget(self.row.redoes, thread_id)
        found = await find(self.client, thread_id, self.turn.tag) if self.turn.suspect else None
        # A process that crashed before recording the run may have asked another assistant than the one picked now.
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
        if failed and self.member.config.searches_files and await detach_expired(self.client, thread_id):
            await self._note(EXPIRED)
            outcome = await runs.run_again()
        if functions:
            self.notices += [Notice(NOT_RUN.format(name=name)) for name in await refused(self.db, self.row.id)]
        # Files that only file search would have read.
        if outcome.run is not None and self.member.config.searches_files and not self.member.config.runs_code:
            sent = self.searched if self.searched or not self.turn.suspect else None
            unread = await complaints(self.client, thread_id, sent, tag={TAG: self.turn.tag})
            self.notices += [Notice(sentence) for sentence in unread]
        return await self._with_sources(outcome)

    async def _with_sources(self, outcome: Outcome) -> Outcome:
        """The outcome with its citations as footnotes; keeps their sources and the run's files for the reply."""
        if outcome.run is None:
            return outcome
        where = {"thread_id": outcome.run.thread_id, "run_id": outcome.run.id}
        text, self.sources = await with_sources(self.client, outcome.text, outcome.files, **where)
        self.files = await bring(self.client, outcome.made)
        return replace(outcome, text=named(text))

    async def _messages(self, thread_id: str) -> list[JSON]:
        """The messages for the run: those from before the first question, then the question itself."""
        several, there = bool(self.turn.conversation.several), await self._asked_before(thread_id)
        rows = [row for row in self.turn.incoming if (row.body or row.attachments) and row.event not in there]
        refusals: list[str] = []
        asked = [await self._message(row, refusals, several=several) for row in rows]
        asked = [message for message in asked if message["content"]]
        # What an earlier request could not pass on, this one may.
        await self._keep([*(notice for notice in _words(self.notices) if notice in LASTING), *refusals])
        if not asked and refusals:
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

    async def _note(self, sentence: str) -> None:
        """Tell people this below the answer, too."""
        await self._keep([*_words(self.notices), sentence])

    async def _keep(self, sentences: Sequence[str]) -> None:
        """Record what to tell people below the answer, for an attempt that may not notice it again."""
        once = list(dict.fromkeys(sentences))
        if once != _words(self.notices):
            self.notices = [Notice(sentence) for sentence in once]
            await self.db.write(turns.keep_notices, self.row.id, self.row.attempts, once)

    async def _message(self, row: IncomingRow, refusals: list[str], *, several: bool) -> JSON:
        config = self.member.config
        received = await receive(self.client, self.reply, attached(row), for_code=config.runs_code)
        refusals += received.refusals
        self.searched += searched(received.attachments)
        if received.documents and not config.reads_files:
            refusals.append(UNREADABLE.format(title=config.title))
        text = row.body or (WORDLESS if received.attachments else "")
        text = said_by(row.author_name or "", text) if several and text else text
        message: JSON = {"role": "user", "content": text, "metadata": {TAG: self.turn.tag, EVENT: row.event}}
        if received.pictures:
            message["content"] = [*([{"type": "text", "text": text}] if text else []), *received.pictures]
        if received.attachments:
            message["attachments"] = list(received.attachments)
        return message

    async def _before(self) -> str:
        if not isinstance(self.reply, KnowsBefore) or not await self._begins_the_thread():
            return ""
        try:
            before = await self.reply.said_before()
        except PlatformError as error:
            log.warning("earlier messages of the thread cannot be read", error=str(error))
            await self._note(UNREAD)
            return ""
        if before is None or not before.messages:
            return ""
        if before.more:
            await self._note(f"Only the newest {len(before.messages)} messages of this thread were read.")
        return context(before.messages, "this thread", more=before.more)

    async def _begins_the_thread(self) -> bool:
        """Whether nothing was asked in the thread before; an earlier attempt may have created it."""
        if self.turn.conversation.thread_id is None:
            return True
        return self.turn.suspect and await turns.before(self.db, self.row) is None

    def _began(self, run: Run) -> None:
        """Record the run in the background, and honour a stop request made before the run was known."""

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
        """Delete the answer that is being regenerated from the thread, so that the model does not read it."""
        earlier = await turns.by_id(self.db, redone)
        if earlier is None:
            return
        messages = self.client.threads.messages
        try:
            # A run that was stopped before it was known may exist all the same.
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
        """Create a thread and store its id before any run: a run in an unknown thread could not be found again."""
        conversation = self.turn.conversation
        thread = await self.client.threads.create(metadata={"conversation": conversation.key})
        return await self.db.write(conversations.keep_thread, conversation.id, thread.id, instead_of)

    async def _repair(self, thread_id: str) -> str:
        """Replace the thread or the assistant that the server no longer has; returns the thread to use."""
        if await _is_gone(self.client.threads.retrieve(thread_id)):
            log.warning("thread is gone on the server", thread=thread_id)
            await self._note(THREAD_GONE)
            return await self._new_thread(thread_id)
        if await _is_gone(self.client.assistants.retrieve(self.member.id)):
            log.warning("assistant is gone on the server", assistant=self.member.id)
            await self._note(ASSISTANT_GONE)
            self.member = await self.roster.renew(self.client, self.member)
            return thread_id
        raise LookupError(
            f"The assistants' server has thread {thread_id} and assistant {self.member.id}, but answers 404 to a run."
        )

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
        """How the turn ends, and the notices that people see below the text."""
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
    """Why a run wrote nothing, or less than intended, as a sentence for the person who asked."""
    if run is None:
        return "There is no answer."
    if run.last_error:
        return run.last_error.message
    if run.status == "incomplete":
        why = run.incomplete_details.reason if run.incomplete_details else None
        return "The answer was cut short: it reached its token limit." if why else "The answer was cut short."
    return {
        "cancelled": "The answer was stopped on the server.",
        "expired": "The answer was cancelled because it took longer than ten minutes.",
        "requires_action": f"The assistant called functions {MOST_ROUNDS} times without giving an answer. "
        "Ask in another way.",
    }.get(run.status, "The model returned an empty answer. Ask again, or pick another assistant.")
