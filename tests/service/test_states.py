"""Every state of a run as a stock SDK sees it: how it is come to, what is told of it, what it allows."""

# ruff: noqa: ARG002 - the SDK passes its callbacks what they are called with by name

from collections.abc import AsyncGenerator
from typing import Any

import openai
import pytest
from openai import AsyncAssistantEventHandler, AsyncOpenAI

from assistants.service import making
from assistants.service.app import Service
from assistants.service.pieces import CallPiece, End, ModelError, Piece, Request, TextPiece
from assistants.service.scripted import ScriptedCall, ScriptedError, ScriptedModel, ScriptedReply
from storage.database import Database

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOW: Any = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
HELLO: Any = {"messages": [{"role": "user", "content": "hello"}]}
# Seconds after which a run expires in these tests, and in which a slow machine still comes to what is to expire.
LONG_ENOUGH = 4
CALL = ScriptedReply(tool_calls=(ScriptedCall("now", '{"zone": "UTC"}', id="call_1"),))


class Heard(AsyncAssistantEventHandler):
    """Writes down which of its callbacks the SDK calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def _note(self, name: str) -> None:
        if not self.calls or self.calls[-1] != name:
            self.calls.append(name)

    async def on_run_step_created(self, run_step: Any) -> None:
        self._note("step created")

    async def on_run_step_done(self, run_step: Any) -> None:
        self._note("step done")

    async def on_message_created(self, message: Any) -> None:
        self._note("message created")

    async def on_message_done(self, message: Any) -> None:
        self._note("message done")

    async def on_text_created(self, text: Any) -> None:
        self._note("text created")

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self._note("text delta")

    async def on_text_done(self, text: Any) -> None:
        self._note("text done")

    async def on_tool_call_created(self, tool_call: Any) -> None:
        self._note("call created")

    async def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self._note("call delta")

    async def on_tool_call_done(self, tool_call: Any) -> None:
        self._note("call done")

    async def on_exception(self, exception: Exception) -> None:
        self._note("exception")

    async def on_end(self) -> None:
        self._note("end")


async def waiting(stock: AsyncOpenAI, script: ScriptedModel) -> Any:
    """A run that waits for the output of a call."""
    script.play(CALL)
    assistant = await stock.beta.assistants.create(model="default", tools=[NOW])
    run = await stock.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=HELLO, poll_interval_ms=10)
    assert run.status == "requires_action"
    return run


async def polled(stock: AsyncOpenAI, run: Any) -> Any:
    return await stock.beta.threads.runs.poll(run.id, thread_id=run.thread_id, poll_interval_ms=10)


async def test_an_event_handler_is_told_everything_of_a_call_and_of_the_answer(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    script.play(CALL, ScriptedReply(text="It is noon."))
    assistant = await stock.beta.assistants.create(model="default", tools=[NOW])
    first, second = Heard(), Heard()
    async with stock.beta.threads.create_and_run_stream(
        assistant_id=assistant.id, thread=HELLO, event_handler=first
    ) as stream:
        await stream.until_done()
        run = await stream.get_final_run()
    assert first.calls == ["step created", "call created", "call delta", "call done", "end"]
    async with stock.beta.threads.runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": "call_1", "output": "12:00"}],
        event_handler=second,
    ) as stream:
        await stream.until_done()
        (message,) = await stream.get_final_messages()
    assert second.calls[-6:] == ["text created", "text delta", "text done", "message done", "step done", "end"]
    content: Any = message.content[0]
    assert content.text.value == "It is noon."
    steps = (await stock.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc")).data
    details: Any = steps[0].step_details
    assert (details.tool_calls[0].function.output, steps[0].status) == ("12:00", "completed")


async def test_outputs_are_submitted_and_polled_to_the_end(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    run = await waiting(stock, script)
    ended = await stock.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": "call_1", "output": "12:00"}],
        poll_interval_ms=10,
    )
    assert (ended.status, ended.required_action, ended.expires_at) == ("completed", None, None)
    with pytest.raises(openai.BadRequestError, match='Runs in status "completed" do not accept tool outputs'):
        await stock.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=[])


async def test_a_run_that_waits_is_cancelled_and_gives_its_thread_back(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    run = await waiting(stock, script)
    assert (await stock.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)).status == "cancelling"
    ended = await polled(stock, run)
    assert (ended.status, ended.required_action, ended.cancelled_at is None) == ("cancelled", None, False)
    (step,) = (await stock.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id)).data
    assert step.status == "cancelled"
    await stock.beta.threads.messages.create(run.thread_id, role="user", content="never mind")
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'cancelled'"):
        await stock.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)


async def test_a_run_whose_tool_outputs_never_come_expires(
    stock: AsyncOpenAI, script: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "RUN_SECONDS", LONG_ENOUGH)
    ended = await still(stock, await waiting(stock, script), "requires_action")
    assert (ended.status, ended.required_action) == ("expired", None)
    with pytest.raises(openai.BadRequestError, match='Runs in status "expired" do not accept tool outputs'):
        await stock.beta.threads.runs.submit_tool_outputs(ended.id, thread_id=ended.thread_id, tool_outputs=[])


async def test_a_model_that_takes_too_long_leaves_what_it_said(
    stock: AsyncOpenAI, script: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "RUN_SECONDS", LONG_ENOUGH)
    script.play(ScriptedReply(text="one two", hold_after=1))
    assistant = await stock.beta.assistants.create(model="default")
    run = await stock.beta.threads.create_and_run(assistant_id=assistant.id, thread=HELLO)
    ended = await polled(stock, run)
    assert ended.status == "expired"
    message: Any = (await stock.beta.threads.messages.list(run.thread_id)).data[0]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_expired")
    assert message.content[0].text.value == "one"


async def still(stock: AsyncOpenAI, run: Any, status: str) -> Any:
    """The run as soon as it is in this state no more."""
    while True:
        now = await stock.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        if now.status != status:
            return now


async def test_a_content_filter_fails_the_run_and_marks_what_was_said(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(text="one two", finish="content_filter"))
    assistant = await stock.beta.assistants.create(model="default")
    run = await stock.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=HELLO, poll_interval_ms=10)
    assert (run.status, run.last_error and run.last_error.code) == ("failed", "invalid_prompt")
    message = (await stock.beta.threads.messages.list(run.thread_id)).data[0]
    assert message.incomplete_details is not None
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "content_filter")


async def test_a_run_that_breaks_ends_its_stream_with_an_error_that_sdks_raise(
    stock: AsyncOpenAI, script: ScriptedModel, database: Database
) -> None:
    script.play(ScriptedReply(text="one " + "x" * 100_000, hold_after=1))
    assistant = await stock.beta.assistants.create(model="default")
    async with stock.beta.threads.create_and_run_stream(assistant_id=assistant.id, thread=HELLO) as stream:
        await script.held()
        # The disk is full: no transaction that needs room succeeds.
        await database.write(lambda tx: tx.query("pragma max_page_count = 1"))
        script.release()
        with pytest.raises(openai.APIError, match="The server had an error"):
            await stream.until_done()


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"tool_choice": "required"}, "'tool_choice' is only allowed when 'tools' are specified"),
        (
            {"tools": [NOW], "tool_choice": {"type": "function", "function": {"name": "then"}}},
            "Tool choice 'then' not found in 'tools' parameter",
        ),
        (
            {"truncation_strategy": {"type": "last_messages"}},
            "Missing required parameter: 'truncation_strategy.last_messages'",
        ),
        ({"max_completion_tokens": 10}, "integer below minimum value. Expected a value >= 256, but got 10"),
        ({"extra_query": {"include[]": "everything"}}, "Invalid value: 'everything'"),
    ],
)
async def test_a_run_that_contradicts_itself_is_refused(stock: AsyncOpenAI, wanted: Any, sentence: str) -> None:
    assistant = await stock.beta.assistants.create(model="default")
    thread = await stock.beta.threads.create()
    with pytest.raises(openai.BadRequestError, match=sentence):
        await stock.beta.threads.runs.create(thread.id, assistant_id=assistant.id, **wanted)


async def test_a_model_that_is_limited_says_how_long(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    assistant = await stock.beta.assistants.create(model="default")
    for after, words in (("1", "1 second."), ("1.2", "2 seconds."), ("soon", "a moment.")):
        script.play(ScriptedReply(error=ScriptedError(429, retry_after=after)))
        run = await stock.beta.threads.create_and_run_poll(assistant_id=assistant.id, poll_interval_ms=10)
        assert run.last_error is not None
        assert run.last_error.code == "rate_limit_exceeded"
        assert run.last_error.message == f"Rate limit is exceeded. Try again in {words}"


async def test_a_deleted_thread_ends_the_run_on_it(stock: AsyncOpenAI, script: ScriptedModel, service: Service) -> None:
    script.play(ScriptedReply(text="one two", hold_after=1))
    assistant = await stock.beta.assistants.create(model="default")
    async with stock.beta.threads.create_and_run_stream(assistant_id=assistant.id, thread=HELLO) as stream:
        texts = aiter(stream.text_deltas)
        await anext(texts)
        run = stream.current_run
        assert run is not None
        await stock.beta.threads.delete(run.thread_id)
        assert [text async for text in texts] == []
    assert service.runner._lives == {}


class Hasty:
    """A model whose first word and whose failure come at the same moment."""

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        yield TextPiece("one")
        raise ModelError("The model fell over.")

    async def aclose(self) -> None: ...


async def test_what_a_failing_model_said_stays_and_is_marked(stock: AsyncOpenAI, service: Service) -> None:
    """The message must have its row before the run ends, or it would not be ended with it."""
    service.models.register("hasty", Hasty())
    assistant = await stock.beta.assistants.create(model="hasty")
    run = await stock.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=HELLO, poll_interval_ms=10)
    message: Any = (await stock.beta.threads.messages.list(run.thread_id)).data[0]
    assert (run.status, message.status, message.role) == ("failed", "incomplete", "assistant")
    assert (message.incomplete_details.reason, message.content[0].text.value) == ("run_failed", "one")


class Counting:
    """A model that tells everything it counted."""

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        if "tool" in [message["role"] for message in request["messages"]]:
            yield TextPiece("noon")
            yield End("stop", 30, 3, 20, 2)
        else:
            yield CallPiece(0, "call_1", "now", "{}")
            yield End("tool_calls", 10, 1, None, 1)

    async def aclose(self) -> None: ...


async def test_what_an_endpoint_counts_is_told_for_steps_and_run(stock: AsyncOpenAI, service: Service) -> None:
    service.models.register("counting", Counting())
    assistant = await stock.beta.assistants.create(model="counting", tools=[NOW])
    run = await stock.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=HELLO, poll_interval_ms=10)
    assert run.usage is None
    ended: Any = await stock.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": "call_1", "output": "12:00"}],
        poll_interval_ms=10,
    )
    assert ended.usage.model_dump() == {
        "prompt_tokens": 40,
        "completion_tokens": 4,
        "total_tokens": 44,
        "prompt_token_details": {"cached_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    steps = (await stock.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc")).data
    assert [step.usage and step.usage.total_tokens for step in steps] == [11, 33]
