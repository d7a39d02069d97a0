"""The runs of one turn: creates a run or finds an earlier one, follows it until it ends, and cancels it on request."""

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
# The metadata key for the event of a person's message, whichever turn posts it to the thread.
EVENT = "event"
DEADLINE = 660.0  # a run expires after ten minutes; the server says so a moment later
MOST_RUNS = 3
# How often one run may ask for function calls.
MOST_ROUNDS = 50
# How long another program's run may occupy the thread before it is cancelled.
FOREIGN = 60.0
# How long to wait for an occupied thread in all, and between two attempts while no run seems to occupy it.
LOCKED_SECONDS = 180.0
MOMENT = 0.5
# How long a cancelled run may take to end.
ENDING = 10.0
WAITING_FOR_OTHERS = "Waiting for another program that uses this conversation…"

JSON = dict[str, Any]
T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Question:
    """What a turn asks: people's messages in the format of the API. `tag` identifies the turn on the server."""

    tag: str
    thread_id: str
    assistant_id: str
    messages: Callable[[], Awaitable[Sequence[JSON]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that ended, and its text. `run` is None if the turn was stopped before a run existed."""

    run: Run | None
    text: str
    # Citation marks in the text, each with its file.
    files: Mapping[str, str] = field(default_factory=dict)
    made: Sequence[Made] = ()
    # Whether the question may have reached the thread.
    asked: bool = True


Grew = Callable[[str, Sequence[Step]], Awaitable[None]]
Began = Callable[[Run], None]
Says = Callable[[str], Awaitable[None]]


class Runs:
    """The runs of one turn. A request on `stop` cancels the run in progress.

    `calls` runs the functions that a run asks for. `began` receives each new run, `grew` the whole text so far with
    the current steps, and `says` a status while waiting.
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
        # The current run, and its number within the turn.
        self._run: Run | None = None
        self._number = 0
        # By message: the text so far, and the messages that are complete.
        self._written: dict[str, str] = {}
        self._whole: dict[str, Message] = {}
        self._progress = Progress()
        self._known = asyncio.Event()

    async def outcome(self, found: tuple[Run, int] | None) -> Outcome:
        """The answer of the turn, from the run that an earlier attempt created or from a new one."""
        if found:
            run, self._number = found
            self._note(run)
            ended = await self._to_its_end(None)
            if self._number >= MOST_RUNS or self._stop.asked.is_set() or not _ended_badly(ended):
                return ended
            # It failed while no process followed it.
            return await self.run_again()
        return await self._begin(await self._question.messages())

    async def run_again(self) -> Outcome:
        """Start another run after a failed one, whose messages are in the thread already."""
        return await self._begin([])

    async def _begin(self, messages: Sequence[JSON]) -> Outcome:
        """Start a run once no other run occupies the thread. Raises `ThreadLockedError` if that takes too long."""
        self._run = None
        self._number += 1
        self._written, self._whole, self._progress = {}, {}, Progress()
        self._known.clear()
        until = time.monotonic() + LOCKED_SECONDS
        while not self._stop.asked.is_set():
            try:
                return await self._ask(messages)
            except ThreadLockedError:
                if time.monotonic() > until:
                    raise
                await self._make_way()
        return Outcome(None, "", asked=self._number > 1)

    async def _ask(self, messages: Sequence[JSON]) -> Outcome:
        """Post the messages and start the run in one request."""
        question = self._question
        stream = self._runs.stream(
            question.thread_id,
            assistant_id=question.assistant_id,
            additional_messages=messages,
            metadata={TAG: f"{question.tag}.{self._number}"},
        )
        return await self._to_its_end(stream)

    async def _to_its_end(self, stream: RunStream | None) -> Outcome:
        """Read the run's stream, or poll without one, and submit the outputs it asks for, until the run has ended."""
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
        """Read a stream to its end. If it breaks or its request fails, poll the run instead where that can help."""
        received = False
        try:
            async with stream as events:
                async for event in events:
                    received = True
                    await self._take(event.data)
        except AssistantsError as error:
            if received:
                can_follow = isinstance(error, StreamBroken) and self._run is not None
            else:
                can_follow = await self._moved_on()
            if not can_follow:
                raise
            log.info("stream broken, polling its run", error=str(error))
            await self._follow()
            return
        if not received or self._run is None or self._run.status not in TERMINAL | {"requires_action"}:
            raise StreamBroken("The stream ended before its run did.")

    async def _take(self, told: object) -> None:
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
        """The stream in which the run continues with its outputs; None if the turn was stopped in the meantime."""
        outputs = await self._unless_stopped(self._calls.outputs(run, self._shows))
        if outputs is None:
            await self._cancel(run)
            return None
        return self._runs.submit_and_stream(run.thread_id, run.id, tool_outputs=outputs)

    async def _moved_on(self) -> bool:
        """Return whether a run no longer waits for the outputs sent: they arrived after all, or the run has ended."""
        run = self._run
        if run is None or run.status != "requires_action":
            return False
        return (await self._runs.retrieve(run.thread_id, run.id)).required_action != run.required_action

    async def _follow(self) -> None:
        """Poll until the run has ended or asks for outputs, then read its messages from the thread."""
        run = self._ours()
        run = self._run = await self._runs.wait(run.thread_id, run.id, deadline=DEADLINE)
        await self._look(run)

    async def _look_for_it(self) -> None:
        """Cancel the run whose creation got no response, if it exists by now. The next turn looks for it again."""
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
        """Read the run's messages from the thread, except where the stream delivered more of an unfinished one."""
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
        """Cancel the run that the block waits for when a stop is requested; `TimeoutError` if the run does not end."""
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
        """Free the thread: another program's run gets a minute to end, any other run is cancelled at once."""
        page = await self._runs.list(self._question.thread_id, order="desc", limit=20).page()
        run = next((run for run in page.data if run.status in ACTIVE), None)
        if run is None:
            # It ended a moment ago, or the server does not list it.
            await asyncio.sleep(MOMENT)
            return
        foreign = TAG not in (run.metadata or {})
        log.warning("another run occupies the thread", run=run.id, status=run.status, foreign=foreign)
        if foreign and run.status != "requires_action":
            await self._says(WAITING_FOR_OTHERS)
            with contextlib.suppress(RequestTimeoutError):
                await self._unless_stopped(self._runs.wait(run.thread_id, run.id, deadline=FOREIGN))
                return
        await self._cancel(run)
        with contextlib.suppress(RequestTimeoutError):
            await self._unless_stopped(self._runs.wait(run.thread_id, run.id, deadline=ENDING))

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of the work; None if the turn is stopped first."""
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
            # It has ended by itself, or the server is unreachable: waiting for its end will show which.
            log.info("run not cancelled", run=run.id, error=str(error))


async def find(client: AssistantsClient, thread_id: str, tag: str) -> tuple[Run, int] | None:
    """The newest run of a turn, and its number within the turn."""
    page = await client.threads.runs.list(thread_id, order="desc", limit=20).page()
    for run in page.data:
        turn, _, number = (run.metadata or {}).get(TAG, "").partition(".")
        if turn == tag:
            return run, int(number) if number.isdigit() else 1
    return None


def _ended_badly(outcome: Outcome) -> bool:
    """Return whether a run ended without any text in a way that another run may do better."""
    run = outcome.run
    if run is None or outcome.text or outcome.made:
        return False
    failed = run.last_error is not None and run.last_error.code in ("server_error", "rate_limit_exceeded")
    return run.status in ("expired", "cancelled") or (run.status == "failed" and failed)


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, texts))
