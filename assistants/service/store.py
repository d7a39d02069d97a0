"""The service's write functions. Each runs in one transaction and refuses before it changes anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from assistants.contract import (
    TERMINAL,
    Assistant,
    Content,
    Failure,
    File,
    FunctionCall,
    Message,
    MessageCreation,
    RequiredAction,
    Run,
    RunStep,
    Thread,
    ToolCalls,
    ToolOutput,
    Upload,
    UploadPart,
    Usage,
    VectorStore,
    VectorStoreFile,
    VectorStoreFileBatch,
    Wire,
    cannot_cancel,
    messages_locked,
    no_outputs_wanted,
    no_such,
    no_such_file,
    outputs_missing,
    thread_busy,
)
from assistants.service import attaching, lifecycle
from assistants.service.calls import is_ours
from assistants.service.lifecycle import Ending
from assistants.service.refusals import Refused
from assistants.service.rows import TABLES, from_row, now, to_row
from storage import objects
from storage.database import Transaction
from storage.objects import DEFAULT_PROJECT

W = TypeVar("W", bound=Wire)

NAMES: Mapping[type[Wire], str] = {
    Assistant: "assistant",
    Thread: "thread",
    Message: "message",
    Run: "run",
    RunStep: "run step",
    File: "file",
    Upload: "upload",
    UploadPart: "part",
    VectorStore: "vector store",
    VectorStoreFile: "file",
    VectorStoreFileBatch: "file batch",
}


@dataclass(frozen=True, slots=True)
class Work:
    """A run to work on, with its earlier steps and the message that it was writing when interrupted."""

    run: Run
    steps: list[RunStep]
    half: tuple[Message, RunStep] | None
    using: RunStep | None = None
    """Calls of tools of ours that had begun and not ended."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a run wrote since it started or resumed: content by message, and a step of calls not stored yet.

    `said` are messages completed before these calls.
    """

    content: Mapping[str, list[Content]] = field(default_factory=dict)
    said: Sequence[tuple[Message, RunStep]] = ()
    calls: RunStep | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An ended run, with the messages and steps that ended with it."""

    run: Run
    closed: list[tuple[Message | None, RunStep]]


def add(tx: Transaction, *things: Wire, project: str = DEFAULT_PROJECT) -> None:
    for thing in things:
        table = TABLES[type(thing)]
        tx.insert(table, to_row(thing, **({"project": project} if table in objects.ROOTS else {})))


def replace(tx: Transaction, *things: Wire) -> None:
    for thing in things:
        objects.save(tx, TABLES[type(thing)], to_row(thing))


def create_thread(tx: Transaction, thread: Thread, messages: Sequence[Message], project: str) -> Thread:
    add(tx, thread, *messages, project=project)
    return attaching.attach(tx, thread, messages, project)


def post_message(tx: Transaction, message: Message, project: str) -> None:
    thread = need(tx, Thread, message.thread_id, project)
    if active := objects.active_run(tx, message.thread_id):
        raise Refused(messages_locked(message.thread_id, active["id"]))
    add(tx, message)
    attaching.attach(tx, thread, [message], project)


def create_run(
    tx: Transaction, run: Run, messages: Sequence[Message], project: str, thread: Thread | None = None
) -> None:
    """Post the messages and create the run, already in progress, on a new thread if one is given."""
    if thread is not None:
        add(tx, thread, project=project)
    thread = need(tx, Thread, run.thread_id, project)
    if active := objects.active_run(tx, run.thread_id):
        raise Refused(thread_busy(run.thread_id, active["id"]))
    add(tx, *messages, lifecycle.begin(run, now()))
    attaching.attach(tx, thread, messages, project)


def begin(tx: Transaction, run_id: str) -> Work | None:
    """Load a run to work on; a queued one becomes in progress. Return None if it was deleted or has ended."""
    run = get(tx, Run, run_id)
    if run is None or run.status in TERMINAL:
        return None
    if run.status == "queued":
        run = lifecycle.begin(run, now())
        replace(tx, run)
    steps = _steps(tx, run_id)
    halves = ((_message_of(tx, step), step) for step in steps if step.status == "in_progress")
    half = next(((message, step) for message, step in halves if message), None)
    return Work(
        run, steps, half, next((step for step in steps if step.status == "in_progress" and is_ours(step)), None)
    )


def open_answer(tx: Transaction, message: Message, step: RunStep) -> bool:
    """Begin a message. Return False if the run is no longer in progress."""
    if not _at_work(tx, step.run_id):
        return False
    add(tx, message, step)
    return True


Keep = Callable[[Transaction], None]


def open_calls(tx: Transaction, written: Written) -> bool:
    """Record calls before they are run. Return False if the run is no longer in progress.

    The message before them is completed in the same transaction: the model produces both in one response, and after a
    crash produces both again.
    """
    if written.calls is None or not _at_work(tx, written.calls.run_id):
        return False
    _end_said(tx, written)
    add(tx, written.calls)
    return True


def _end_said(tx: Transaction, written: Written) -> None:
    for message, step in written.said:
        replace(tx, message, step)
        if not message.content:
            _unsay(tx, message, step)


def close_calls(tx: Transaction, calls: RunStep, keeps: Sequence[Keep]) -> RunStep | None:
    """Complete calls together with their results. Return None if the run is no longer in progress."""
    if not _at_work(tx, calls.run_id):
        return None
    ended = lifecycle.end_step(calls, Ending("completed"), now())
    replace(tx, ended)
    for keep in keeps:
        keep(tx)
    return ended


def pause(
    tx: Transaction, calls: RunStep, action: RequiredAction, keeps: Sequence[Keep] = (), written: Written | None = None
) -> Run | None:
    """Make the run wait for tool outputs. Return None if the run is no longer in progress."""
    run = _at_work(tx, calls.run_id)
    if run is None:
        return None
    if written is not None:
        _end_said(tx, written)
    paused = lifecycle.pause(run, action)
    replace(tx, paused)
    # A step that also has server-side calls is already stored.
    if not objects.save(tx, TABLES[RunStep], to_row(calls)):
        add(tx, calls)
    for keep in keeps:
        keep(tx)
    return paused


def finish(tx: Transaction, run_id: str, wanted: Ending, written: Written) -> Ended | None:
    """End a run with its open messages and steps. Return None if it was deleted or has ended."""
    run = get(tx, Run, run_id)
    if run is None or run.status in TERMINAL:
        return None
    ending, time = lifecycle.ending_of(run, wanted), now()
    _end_said(tx, written)
    steps = _steps(tx, run_id)
    open_steps = [step for step in steps if step.status == "in_progress"]
    closed = [pair for step in open_steps if (pair := _close(tx, step, ending, written, time))]
    if written.calls is not None:
        step = lifecycle.end_step(written.calls, ending, time)
        add(tx, step)
        closed.append((None, step))
    before = [step.usage for step in steps if step.status != "in_progress"]
    usage = lifecycle.total([*before, *(step.usage for _, step in closed)])
    run = lifecycle.end(run, ending, usage, time)
    replace(tx, run)
    return Ended(run, closed)


def cancel(tx: Transaction, thread_id: str, run_id: str, project: str = DEFAULT_PROJECT) -> Run:
    run = need_run(tx, thread_id, run_id, project)
    if run.status in TERMINAL or run.status == "cancelling":
        raise Refused(cannot_cancel(run.status))
    run = lifecycle.cancelling(run)
    replace(tx, run)
    return run


def submit(
    tx: Transaction, thread_id: str, run_id: str, outputs: Sequence[ToolOutput], project: str
) -> tuple[Run, RunStep]:
    """Submit the outputs that a run waits for, and queue it again."""
    run = need_run(tx, thread_id, run_id, project)
    if run.status != "requires_action" or run.required_action is None:
        raise Refused(no_outputs_wanted(run.status))
    expected = [call.id for call in run.required_action.submit_tool_outputs.tool_calls]
    if sorted(expected) != sorted(output.tool_call_id for output in outputs):
        raise Refused(outputs_missing(expected, [output.tool_call_id for output in outputs]))
    waiting = _steps(tx, run_id)[-1]
    step = lifecycle.end_step(_answered(waiting, outputs), Ending("completed"), now())
    run = lifecycle.requeue(run)
    replace(tx, step, run)
    return run, step


def modify(tx: Transaction, kind: type[W], id_: str, changes: Mapping[str, object], project: str | None = None) -> W:
    thing = need(tx, kind, id_, project).model_copy(update=dict(changes))
    replace(tx, thing)
    return thing


def get(tx: Transaction, kind: type[W], id_: str, project: str | None = None) -> W | None:
    row = objects.get(tx, TABLES[kind], id_, project)
    return from_row(kind, row) if row else None


def need(tx: Transaction, kind: type[W], id_: str, project: str | None = None) -> W:
    thing = get(tx, kind, id_, project)
    if thing is None:
        raise Refused(missing(kind, id_))
    return thing


def missing(kind: type[Wire], id_: str) -> Failure:
    """Return the API's not-found error."""
    return no_such_file(id_) if kind is File else no_such(NAMES[kind], id_)


def need_run(tx: Transaction, thread_id: str, run_id: str, project: str) -> Run:
    need(tx, Thread, thread_id, project)
    run = get(tx, Run, run_id)
    if run is None or run.thread_id != thread_id:
        raise Refused(no_such("run", run_id))
    return run


def _at_work(tx: Transaction, run_id: str) -> Run | None:
    run = get(tx, Run, run_id)
    return run if run and run.status == "in_progress" else None


def _steps(tx: Transaction, run_id: str) -> list[RunStep]:
    return [from_row(RunStep, row) for row in objects.steps_of(tx, run_id)]


def _message_of(tx: Transaction, step: RunStep) -> Message | None:
    details = step.step_details
    return get(tx, Message, details.message_creation.message_id) if isinstance(details, MessageCreation) else None


def _close(
    tx: Transaction, step: RunStep, ending: Ending, written: Written, time: int
) -> tuple[Message | None, RunStep] | None:
    message = _message_of(tx, step)
    if message is not None:
        message = lifecycle.end_message(message, written.content.get(message.id, message.content), ending, time)
        replace(tx, message)
    step = lifecycle.end_step(step.model_copy(update={"usage": written.usage or step.usage}), ending, time)
    replace(tx, step)
    if message is not None and message.status == "completed" and not message.content:
        _unsay(tx, message, step)
        return None
    return message, step


def _unsay(tx: Transaction, message: Message, step: RunStep) -> None:
    """Remove a message that a killed process began and the next process did not need."""
    objects.remove(tx, "messages", message.id)
    objects.remove(tx, "run_steps", step.id)


def _answered(step: RunStep, outputs: Sequence[ToolOutput]) -> RunStep:
    texts = {output.tool_call_id: output.output for output in outputs}
    assert isinstance(step.step_details, ToolCalls)  # noqa: S101 - a run waits on no other kind
    calls = [
        call.model_copy(update={"function": call.function.model_copy(update={"output": texts[call.id]})})
        if isinstance(call, FunctionCall)
        else call
        for call in step.step_details.tool_calls
    ]
    return step.model_copy(update={"step_details": ToolCalls(tool_calls=list(calls))})
