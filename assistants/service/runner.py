"""Runs each active run in its own task: asks the model, records the answer, waits for tool outputs, ends the run."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Literal

from assistants.contract import (
    ErrorEvent,
    LastError,
    Run,
    RunEvent,
    RunStep,
    RunStepEvent,
    StreamEvent,
    Thread,
    ThreadEvent,
    server_failed,
)
from assistants.service import context, files, lifecycle, replay, store
from assistants.service.answering import Answer, NotAtWork, closed
from assistants.service.context import Exhausted, Prepared
from assistants.service.feed import Feed, Reader
from assistants.service.lifecycle import Ending
from assistants.service.measures import Measure
from assistants.service.models import Models
from assistants.service.pieces import CallPiece, ChatModel, End, ModelError, Piece, PromptTooLong
from assistants.service.rows import from_row
from assistants.service.store import Work, Written
from assistants.service.thread_cache import Recent
from assistants.service.tool_use import Using
from assistants.service.tools.server_tool import Toolbox
from storage import objects
from storage.database import Database

logger = logging.getLogger(__name__)

Order = Literal["go on", "cancel", "expire"]
# The task is the finished task of a step's tool calls; its result is true when the run goes on.
MailboxItem = Piece | ModelError | Order | asyncio.Task[bool]

# A run fails after this many rounds of tool calls.
MOST_ROUNDS = 100


class _Life:
    """An active run: its event feed, its task, and one mailbox for everything it reacts to."""

    def __init__(self, thread_id: str) -> None:
        self.thread_id = thread_id
        self.feed = Feed()
        self.mailbox: asyncio.Queue[MailboxItem] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self.waiting = False  # for tool outputs, which may take any time
        self.answer: Answer | None = None

    @property
    def written(self) -> Written:
        """Return what was written and is not in the database yet."""
        return self.answer.written if self.answer else Written()


class Runner:
    """All active runs of this process."""

    def __init__(self, db: Database, models: Models, toolbox: Toolbox) -> None:
        self._db = db
        self._models = models
        self._toolbox = toolbox
        self._lives: dict[str, _Life] = {}
        self._pumps: set[asyncio.Task[None]] = set()
        self._recent = Recent()
        self.draining = False

    def launch(
        self, run: Run, *, stream: bool | None, thread: Thread | None = None, includes: bool = False
    ) -> Reader | None:
        """Start a newly created run. With `stream`, return a reader of all its events."""
        life = self._lives[run.id] = _Life(run.thread_id)
        life.feed.includes = includes
        reader = life.feed.attach() if stream else None
        news: list[StreamEvent] = [ThreadEvent("thread.created", thread)] if thread else []
        life.feed.emit(*news, RunEvent("thread.run.created", run), RunEvent("thread.run.queued", run))
        # The database already has the run in progress, so the model can be asked without a write.
        self._begin(life, run, Work(lifecycle.begin(run, run.created_at), [], None))
        return reader

    async def resume(self) -> None:
        """Resume the runs that an earlier process left."""
        for row in await objects.active_runs(self._db):
            run = from_row(Run, row)
            life = self._lives[run.id] = _Life(run.thread_id)
            self._begin(life, run)

    def go_on(self, run: Run, step: RunStep, *, stream: bool | None) -> Reader | None:
        """Continue a run whose tool outputs were submitted. With `stream`, return a reader of its further events."""
        life = self._life(run)
        reader = life.feed.attach() if stream else None
        life.feed.emit(RunStepEvent("thread.run.step.completed", step), RunEvent("thread.run.queued", run))
        life.mailbox.put_nowait("go on")
        return reader

    def retell(self, run: Run) -> AsyncIterator[str]:
        """Return a run's stream for a repeated request: once it has ended or waits, each text in one piece."""
        life = self._lives.get(run.id)
        return replay.stream(self._db, run.id, life.feed.attach() if life and not life.waiting else None)

    def abandon(self, thread_id: str) -> None:
        """Stop the work on a deleted thread."""
        self._toolbox.forget(thread_id)
        self._recent.forget(thread_id)
        for life in self._lives.values():
            if life.thread_id == thread_id:
                life.mailbox.put_nowait("cancel")

    def cancel(self, run: Run) -> None:
        """Interrupt a run that is now cancelling."""
        life = self._life(run)
        life.feed.emit(RunEvent("thread.run.cancelling", run))
        life.mailbox.put_nowait("cancel")

    async def drain(self, grace: float) -> None:
        """Accept no more runs, and wait up to `grace` seconds for runs in progress."""
        self.draining = True
        working = [life.task for life in self._lives.values() if life.task and not life.waiting]
        if working:
            await asyncio.wait(working, timeout=grace)

    async def stop(self) -> None:
        """Stop all tasks; the next process resumes the runs."""
        tasks = [*(life.task for life in self._lives.values() if life.task), *self._pumps]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _life(self, run: Run) -> _Life:
        life = self._lives.get(run.id)
        if life is None:
            life = self._lives[run.id] = _Life(run.thread_id)
            self._begin(life, run)
        return life

    def _begin(self, life: _Life, run: Run, work: Work | None = None) -> None:
        life.task = asyncio.create_task(self._live(life, run, work), name=f"run {run.id}")

    async def _live(self, life: _Life, run: Run, work: Work | None) -> None:
        left = (run.expires_at or 0) - time.time()
        expiry = asyncio.get_running_loop().call_later(left, life.mailbox.put_nowait, "expire")
        try:
            await self._until_end(life, run, work)
        except Exception:
            logger.exception("Run %s broke", run.id)
            life.feed.emit(ErrorEvent("error", server_failed().detail()))
        finally:
            expiry.cancel()
            self._lives.pop(run.id, None)
            life.feed.close()

    async def _until_end(self, life: _Life, run: Run, work: Work | None) -> None:
        waiting = run.status == "requires_action"
        while True:
            ending, written = (None, Written()) if waiting else await self._work(life, run.id, work)
            work = None
            if ending is None:
                life.waiting = True
                ending = _verdict(await life.mailbox.get())
                life.waiting = False
            if ending is not None:
                await self._end(life, run.id, ending, written)
                return
            waiting = False

    async def _work(self, life: _Life, run_id: str, known: Work | None) -> tuple[Ending | None, Written]:
        """Work on the run. Return its ending, or None if it now waits for tool outputs."""
        work = known or await self._db.write(store.begin, run_id)
        if work is None or work.run.status == "cancelling":
            return Ending("cancelled"), Written()
        if work.run.status == "requires_action":
            return None, Written()
        if (work.run.expires_at or 0) <= time.time():
            return Ending("expired"), Written()
        life.feed.emit(RunEvent("thread.run.in_progress", work.run))
        ending = await self._ending(life, work)
        if ending is None:
            life.feed.done()
        return ending, life.written if ending else Written()

    async def _ending(self, life: _Life, work: Work) -> Ending | None:
        run_id, life.answer = work.run.id, None
        try:
            for _ in range(MOST_ROUNDS):
                came = work.using or await self._ask(life, work)
                if not isinstance(came, RunStep):
                    return came
                life.answer = None
                used = await self._use(life, work.run, came)
                if used is not True:
                    return used or None
                work = await self._again(run_id)
            raise ModelError(
                f"The model used its tools {MOST_ROUNDS} times without reaching an answer; rephrase the question."
            )
        except Exhausted as error:
            return Ending("incomplete", budget=error.budget)
        except NotAtWork:
            return Ending("cancelled")
        except ModelError as error:
            return Ending("failed", LastError(code=error.code, message=str(error)))
        except Exception:
            logger.exception("Run %s failed", run_id)
            return Ending("failed", LastError(code="server_error", message=server_failed().message))

    async def _again(self, run_id: str) -> Work:
        """Reload the run with its tool outputs. Raises `NotAtWork`."""
        work = await self._db.write(store.begin, run_id)
        if work is None or work.run.status != "in_progress":
            raise NotAtWork
        return work

    async def _ask(self, life: _Life, work: Work) -> Ending | RunStep | None:
        # If both model and sandbox are missing, report the model first.
        model = self._models.resolve(work.run.model)
        measure = self._models.measure(work.run.model)
        while True:
            try:
                prepared = await self._prepare(work, measure)
                tools = self._toolbox.of(work.run)
                life.answer = Answer(self._db, life.feed, work, tools=tools, limit=prepared.completion_tokens)
                return await self._answer(life, model, life.answer, prepared, measure)
            except PromptTooLong as error:
                # Raised before the first word: retry with less of the thread.
                if not measure.was_too_long(error.limit):
                    raise

    async def _prepare(self, work: Work, measure: Measure) -> Prepared:
        picture = partial(files.picture, self._db)
        return await context.prepare(
            self._db, work.run, work.steps, measure, picture=picture, toolbox=self._toolbox, recent=self._recent
        )

    async def _use(self, life: _Life, run: Run, step: RunStep) -> Ending | bool:
        """Use the tools that a step calls. Return true if the run goes on, false if it also waits for functions."""
        using = Using(self._db, life.feed, run, step, self._toolbox.of(run))
        task = asyncio.create_task(using.use(), name=f"tools of {run.id}")
        task.add_done_callback(life.mailbox.put_nowait)
        try:
            while True:
                item = await life.mailbox.get()
                if isinstance(item, asyncio.Task):
                    return item.result()
                if (ending := _verdict(item)) is not None:
                    return ending
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _answer(
        self, life: _Life, model: ChatModel, answer: Answer, prepared: Prepared, measure: Measure
    ) -> Ending | RunStep | None:
        end: Ending | End | None = None
        pump = asyncio.create_task(_pump(model, prepared.body, life.mailbox))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        try:
            end = await self._read(life, answer)
        finally:
            # After the final piece the pump only finishes its connection.
            if not isinstance(end, End):
                pump.cancel()
                await asyncio.wait([pump])
            await answer.opened()
        await answer.settle()
        if isinstance(end, End):
            if end.prompt_tokens is not None:
                measure.gauge.learn(prepared.body["messages"], prepared.beside, end.prompt_tokens)
            return await answer.end(end)
        return end

    async def _read(self, life: _Life, answer: Answer) -> Ending | End:
        """Record the model's answer until it ends, or the run is cancelled or expires."""
        while True:
            item = await life.mailbox.get()
            if isinstance(item, End):
                return item
            if isinstance(item, ModelError):
                raise item
            if isinstance(item, str):
                if (ending := _verdict(item)) is not None:
                    return ending
            elif answer.full():
                return Ending("incomplete")
            elif isinstance(item, CallPiece):
                await answer.call(item)
            elif not isinstance(item, asyncio.Task):
                await answer.say(item)

    async def _end(self, life: _Life, run_id: str, ending: Ending, written: Written) -> None:
        ended = await self._db.write(store.finish, run_id, ending, written)
        if ended is not None:
            life.feed.emit(*closed(ended.closed), RunEvent(f"thread.run.{ended.run.status}", ended.run))
        life.feed.done()


async def _pump(model: ChatModel, request: Mapping[str, Any], mailbox: asyncio.Queue[MailboxItem]) -> None:
    """Copy the model's pieces into the mailbox, so that an order to stop need not wait for a silent model.

    Anything after the final piece is ignored.
    """
    try:
        async with aclosing(model.stream(request)) as pieces:
            async for piece in pieces:
                mailbox.put_nowait(piece)
                if isinstance(piece, End):
                    mailbox = asyncio.Queue()
    except ModelError as error:
        mailbox.put_nowait(error)
    except Exception:
        logger.exception("A model failed")
        mailbox.put_nowait(ModelError(server_failed().message))


def _verdict(item: MailboxItem) -> Ending | None:
    if item == "cancel":
        return Ending("cancelled")
    return Ending("expired") if item == "expire" else None
