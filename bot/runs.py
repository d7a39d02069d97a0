"""The runs of one turn on its conversation's thread: found again or created, followed to their end, stopped."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from assistants.connector import (
    AssistantsClient,
    AssistantsError,
    NotFoundError,
    RequestTimeoutError,
    RunStream,
    StreamBroken,
    ThreadLockedError,
)
from assistants.contract import (
    ACTIVE,
    TERMINAL,
    Message,
    MessageDelta,
    Run,
    RunStep,
    RunStepDelta,
)
from bot import settling
from bot.calls import Calls
from bot.output_files import Made, made_in
from bot.progress import Progress
from bot.segments import Step
from bot.sources import citations_in
from bot.stops import Stop

TAG = "turn"
# Which message of a person's it is, whichever turn brings it into the thread.
EVENT = "event"
DEADLINE = 660.0  # a run expires after ten minutes; the server says so a moment later
MOST_RUNS = 3
# So often a run may ask for functions.
MOST_ROUNDS = 50
# How long somebody else's run on our thread is waited for before it is cancelled.
FOREIGN = 60.0
# How long the thread is tried for at all, and between two tries where nobody seems to hold it.
PATIENCE = 180.0
MOMENT = 0.5
# How long a run that was cancelled may take to end.
ENDING = 10.0
WAITING_FOR_OTHERS = "Waiting for another program that uses this conversation…"

JSON = dict[str, Any]
T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Question:
    """What a turn asks: the people's messages, in the API's shape. `tag` is the turn's name on the server."""

    tag: str
    thread_id: str
    assistant_id: str
    messages: Callable[[], Awaitable[Sequence[JSON]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that ended, with the text it wrote; without a run where the turn was stopped before there was one."""

    run: Run | None
    text: str
    # Marks in the text that stand for a source, each with its file.
    files: Mapping[str, str] = field(default_factory=dict)
    made: Sequence[Made] = ()
    # Whether the thread may have the question.
    asked: bool = True


Grew = Callable[[str, Sequence[Step]], Awaitable[None]]
Began = Callable[[Run], None]
Says = Callable[[str], Awaitable[None]]


class Runs:
    """The runs of one turn. `stop` says when somebody wants it to end: then what is under way is cancelled.

    `calls` answers what they ask for. `began` is told each run, `grew` the whole text as it grows and the steps under
    way, `says` what is waited for.
    """

    def __init__(
        self,
        client: AssistantsClient,
        question: Question,
        calls: Calls,
        *,
        stop: Stop,
        began: Began,
        grew: Grew,
        says: Says,
    ) -> None:
        self._client = client
        self._runs = client.threads.runs
        self._messages = client.threads.messages
        self._question = question
        self._stop = stop
        self._began = began
        self._grew = grew
        self._says = says
        self._calls = calls
        # The run there is, and which one of the turn's it is.
        self._run: Run | None = None
        self._number = 0
        # By message: the words so far, and those that have ended.
        self._written: dict[str, str] = {}
        self._whole: dict[str, Message] = {}
        self._progress = Progress()
        self._known = asyncio.Event()

    async def outcome(self, found: tuple[Run, int] | None) -> Outcome:
        """The turn's answer: from the run that an earlier try created, found again, or from a new one."""
        if found:
            run, self._number = found
            self._note(run)
            ended = await self._to_its_end(None)
            if self._number >= MOST_RUNS or self._stop.asked.is_set() or not _ended_badly(ended):
                return ended
            # It came to nothing while nobody watched.
            return await self.once_more()
        return await self._begin(await self._question.messages())

    async def once_more(self) -> Outcome:
        """Another run after one that came to nothing; its messages are in the thread."""
        return await self._begin([])

    async def _begin(self, messages: Sequence[JSON]) -> Outcome:
        """Run it, as soon as nobody else uses the thread. Raises `ThreadLockedError` where that never comes."""
        self._run = None
        self._number += 1
        self._written, self._whole, self._progress = {}, {}, Progress()
        self._known.clear()
        until = time.monotonic() + PATIENCE
        while not self._stop.asked.is_set():
            try:
                return await self._ask(messages)
            except ThreadLockedError:
                if time.monotonic() > until:
                    raise
                await self._make_way()
        return Outcome(None, "", asked=self._number > 1)

    async def _ask(self, messages: Sequence[JSON]) -> Outcome:
        """Post the messages and run the assistant in one request. A stream that breaks off is followed by polling."""
        question = self._question
        stream = self._runs.stream(
            question.thread_id,
            assistant_id=question.assistant_id,
            additional_messages=messages,
            metadata={TAG: f"{question.tag}.{self._number}"},
        )
        return await self._to_its_end(stream)

    async def _to_its_end(self, stream: RunStream | None) -> Outcome:
        """Read the run's stream, or follow it without one, and give it what it asks for, until it has ended."""
        try:
            async with self._stoppable():
                for _ in range(MOST_ROUNDS):
                    await (self._read(stream) if stream is not None else self._follow())
                    if self._run is None or self._run.status != "requires_action":
                        break
                    stream = await self._answered(self._run)
                else:
                    log.warning("a run calls functions without end", run=self._run and self._run.id)
                    await self._cancel(self._ours())
        except RequestTimeoutError:
            raise
        except TimeoutError:
            log.warning("a stopped run does not end", run=self._run and self._run.id)
            if self._run is None:
                await self._look_for_it()
            if self._run is not None:
                await self._look(self._run)
        whole, asked = self._whole.values(), self._run is not None or self._number > 1
        return Outcome(self._run, _joined(self._written.values()), citations_in(whole), made_in(whole), asked=asked)

    async def _read(self, stream: RunStream) -> None:
        """Hear a stream to its end; where it breaks off, or was asked for in vain, the run is followed instead."""
        heard = False
        try:
            async with stream as events:
                async for event in events:
                    heard = True
                    await self._hear(event.data)
        except AssistantsError as error:
            if not (isinstance(error, StreamBroken) and self._run is not None if heard else await self._moved_on()):
                raise
            log.info("stream broke, asking for its run", error=str(error))
            await self._follow()
            return
        if not heard or self._run is None or self._run.status not in TERMINAL | {"requires_action"}:
            raise StreamBroken("The stream ended before its run did.")

    async def _hear(self, told: object) -> None:
        if isinstance(told, Run):
            self._note(told)
        elif isinstance(told, MessageDelta):
            self._written[told.id] = self._written.get(told.id, "") + told.text
            await self._show()
        elif isinstance(told, Message):
            self._written[told.id] = told.text
            self._whole[told.id] = told
        elif isinstance(told, RunStep | RunStepDelta) and self._progress.hear(told):
            await self._show()

    async def _show(self) -> None:
        await self._grew(_joined(self._written.values()), self._progress.steps)

    async def _shows(self, step: Step) -> None:
        self._progress.note(step)
        await self._show()

    async def _answered(self, run: Run) -> RunStream | None:
        """The stream in which the run goes on with what it asked for; None where the turn was stopped meanwhile."""
        outputs = await self._unless_stopped(self._calls.outputs(run, self._shows))
        if outputs is None:
            await self._cancel(run)
            return None
        return self._runs.submit_and_stream(run.thread_id, run.id, tool_outputs=outputs)

    async def _moved_on(self) -> bool:
        """Whether a run that waited for outputs waits for these no more: they arrived after all, or it has ended."""
        run = self._run
        if run is None or run.status != "requires_action":
            return False
        return (await self._runs.retrieve(run.thread_id, run.id)).required_action != run.required_action

    async def _follow(self) -> None:
        """Wait until the run has ended or asks for something, and read what it wrote from the thread."""
        run = self._ours()
        run = self._run = await self._runs.wait(run.thread_id, run.id, deadline=DEADLINE)
        await self._look(run)

    async def _look_for_it(self) -> None:
        """End the run whose creation nobody answered, where there is one by now; who asks next looks once more."""
        await asyncio.sleep(settling.COMMIT)
        try:
            async with asyncio.timeout(ENDING):
                if found := await find(self._client, self._question.thread_id, self._question.tag):
                    self._note(found[0])
                    if found[0].status in ACTIVE:
                        await self._cancel(found[0])
        except (AssistantsError, TimeoutError) as error:
            log.warning("not known whether a run was created", error=str(error))

    async def _look(self, run: Run) -> None:
        """Read what the run wrote from the thread; of a message that still grows, its stream may have told more."""
        async for message in self._messages.list(run.thread_id, run_id=run.id, order="asc", limit=100):
            if message.status != "in_progress" or message.id not in self._written:
                self._written[message.id] = message.text
                self._whole[message.id] = message

    def _ours(self) -> Run:
        if self._run is None:
            raise LookupError("there is no run to follow")
        return self._run

    @contextlib.asynccontextmanager
    async def _stoppable(self) -> AsyncIterator[None]:
        """A stop cancels the run that this block waits for; if that is no use, the block ends with `TimeoutError`."""
        stopping: list[asyncio.Task[None]] = []
        async with asyncio.timeout(None) as limit:
            try:
                with self._stop.does(lambda: stopping.append(asyncio.create_task(self._cancel_soon(limit)))):
                    yield
            finally:
                for task in stopping:
                    task.cancel()
                    await asyncio.wait([task])

    async def _cancel_soon(self, limit: asyncio.Timeout) -> None:
        """Cancel the run as soon as it is known."""
        limit.reschedule(asyncio.get_running_loop().time() + ENDING)
        await self._known.wait()
        if self._run is not None and self._run.status in ACTIVE:
            await self._cancel(self._run)

    def _note(self, run: Run) -> None:
        if self._run is None or self._run.id != run.id:
            self._began(run)
        self._run = run
        self._known.set()

    async def _make_way(self) -> None:
        """Let the run end that holds the thread: somebody else's has a minute; ours, or one that waits, has none."""
        page = await self._runs.list(self._question.thread_id, order="desc", limit=20).page()
        run = next((run for run in page.data if run.status in ACTIVE), None)
        if run is None:
            # It ended a moment ago, or the server does not tell of it.
            await asyncio.sleep(MOMENT)
            return
        foreign = TAG not in (run.metadata or {})
        log.warning("another run holds the thread", run=run.id, status=run.status, foreign=foreign)
        if foreign and run.status != "requires_action":
            await self._says(WAITING_FOR_OTHERS)
            with contextlib.suppress(RequestTimeoutError):
                await self._unless_stopped(self._runs.wait(run.thread_id, run.id, deadline=FOREIGN))
                return
        await self._cancel(run)
        with contextlib.suppress(RequestTimeoutError):
            await self._unless_stopped(self._runs.wait(run.thread_id, run.id, deadline=ENDING))

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What it gives; None where the turn is stopped before it gives anything."""
        working = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stop.asked.wait())
        try:
            await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            stopped.cancel()
            await asyncio.wait({working, stopped})

    async def _cancel(self, run: Run) -> None:
        try:
            await self._runs.cancel(run.thread_id, run.id)
        except NotFoundError:
            return
        except AssistantsError as error:
            # It ended by itself meanwhile, or cannot be reached: whoever waits for its end will see.
            log.info("run not cancelled", run=run.id, error=str(error))


async def find(client: AssistantsClient, thread_id: str, tag: str) -> tuple[Run, int] | None:
    """The newest run of a turn, and which one of the turn's it is."""
    page = await client.threads.runs.list(thread_id, order="desc", limit=20).page()
    for run in page.data:
        turn, _, number = (run.metadata or {}).get(TAG, "").partition(".")
        if turn == tag:
            return run, int(number) if number.isdigit() else 1
    return None


def _ended_badly(outcome: Outcome) -> bool:
    """Whether a run ended, without a word, in a way that another one may do better."""
    run = outcome.run
    if run is None or outcome.text or outcome.made:
        return False
    failed = run.last_error is not None and run.last_error.code in ("server_error", "rate_limit_exceeded")
    return run.status in ("expired", "cancelled") or (run.status == "failed" and failed)


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, texts))
