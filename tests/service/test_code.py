"""A run with the code interpreter really runs the model's Python, and tells of it as the API does."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI

from assistants.service.app import Service, create_service
from assistants.service.asgi_transport import LocalTransport
from assistants.service.calls import Calls
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.measures import Traits
from assistants.service.models import Models
from assistants.service.pieces import CallPiece
from assistants.service.scripted import Body, ScriptedCall, ScriptedModel, ScriptedReply
from assistants.service.tools import Limits, Sandbox, SandboxUnavailable
from assistants.service.tools.bubblewrap import Bubblewrap
from assistants.service.tools.interpreter import CodeInterpreter
from assistants.service.tour import RUNNING, tour_model
from storage.database import Database

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TOOL: Any = {"type": "code_interpreter"}
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')"


async def opened(limits: Limits) -> Sandbox:
    """The sandbox without its probe, which has tests of its own."""
    return Sandbox(Bubblewrap.find(), limits, spares=0)


@pytest.fixture(autouse=True)
def _bubblewrap() -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def service(database: Database, script: ScriptedModel, limits: Limits) -> AsyncIterator[Service]:
    models = Models()
    transport = LocalTransport(script.app)
    models.connect(ChatCompletions(Endpoint("http://model.test/v1", "", "scripted"), transport=transport, back_off=0))
    plain = ChatCompletions(Endpoint("http://model.test/v1", "", "plain"), transport=transport, back_off=0)
    models.register("plain", plain, Traits(tools=False))
    models.register("tour", tour_model(), Traits(does_without=True))
    service = create_service(database, models, CodeInterpreter(database, limits, sandbox=opened))
    await service.start()
    yield service
    await service.stop()


def calling(code: str, text: str = "") -> ScriptedReply:
    return ScriptedReply(text=text, tool_calls=(ScriptedCall("code_interpreter", json.dumps({"code": code})),))


async def ran(client: AsyncOpenAI, thread_id: str, question: str = "Go.", **options: Any) -> tuple[Any, list[Any]]:
    """A run of a new assistant with the tool, and its steps, the first one first."""
    tutor = await client.beta.assistants.create(model=options.pop("model", "default"), tools=[TOOL], **options)
    run = await client.beta.threads.runs.create_and_poll(
        thread_id=thread_id,
        assistant_id=tutor.id,
        additional_messages=[{"role": "user", "content": question}],
        poll_interval_ms=10,
    )
    steps = await client.beta.threads.runs.steps.list(run.id, thread_id=thread_id, order="asc")
    return run, steps.data


@given(code=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), cuts=st.sets(st.integers(0, 60)))
def test_code_that_is_told_piece_by_piece_is_the_code(code: str, cuts: set[int]) -> None:
    """However the model's arguments are cut, also in the middle of an escape."""
    arguments = json.dumps({"code": code})
    calls, tool = Calls({"code_interpreter": CodeInterpreter(None)}), "code_interpreter"  # type: ignore[arg-type]
    places = sorted({0, len(arguments), *(cut for cut in cuts if cut < len(arguments))})
    told = ""
    for number, (start, end) in enumerate(itertools.pairwise(places)):
        delta: Any = calls.add(CallPiece(0, "call_1", None if number else tool, arguments[start:end]))
        told += (delta.code_interpreter.input or "") if delta else ""
    assert told == code
    (call,) = calls.details().wire()["tool_calls"]
    assert call["code_interpreter"] == {"input": code, "outputs": []}


def output(step: Any) -> str:
    return "".join(o.logs for o in step.step_details.tool_calls[0].code_interpreter.outputs if o.type == "logs")


async def test_code_is_run_and_its_output_goes_back_to_the_model(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(calling("x = (14 - 11) / 3\nprint(x)", text="Let me see."), ScriptedReply(text="x is 1."))
    thread = await stock.beta.threads.create()
    run, steps = await ran(stock, thread.id, "3x + 11 = 14?")
    assert (run.status, run.last_error) == ("completed", None)
    assert [(step.type, step.status) for step in steps] == [
        ("message_creation", "completed"),
        ("tool_calls", "completed"),
        ("message_creation", "completed"),
    ]
    call = steps[1].step_details.tool_calls[0]
    assert (call.type, call.code_interpreter.input) == ("code_interpreter", "x = (14 - 11) / 3\nprint(x)")
    assert [output.to_dict() for output in call.code_interpreter.outputs] == [{"type": "logs", "logs": "1.0\n"}]
    assert script.requests[0]["tools"][0]["function"]["name"] == "code_interpreter"
    assert script.requests[1]["messages"][-1] == {"role": "tool", "tool_call_id": call.id, "content": "1.0"}


async def test_variables_stay_for_the_thread_and_are_no_other_threads(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    script.play(calling("x = 42"), ScriptedReply(text="Kept."), calling("print(x)"), ScriptedReply(text="42"))
    one, other = await stock.beta.threads.create(), await stock.beta.threads.create()
    await ran(stock, one.id)
    _, steps = await ran(stock, one.id)
    assert output(steps[0]) == "42\n"
    script.play(calling("print(x)"), ScriptedReply(text="No."))
    _, steps = await ran(stock, other.id)
    assert "NameError" in output(steps[0])
    # A later run reads what the earlier ones called, and what came of it.
    earlier = [m for m in script.requests[3]["messages"] if m["role"] == "tool"]
    assert [message["content"] for message in earlier] == ["[It printed nothing.]", "42"]


async def test_a_stream_tells_code_as_it_is_written_and_what_came_of_it(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    script.play(calling(PLOT), ScriptedReply(text="There it is."))
    tutor = await stock.beta.assistants.create(model="default", tools=[TOOL])
    thread = await stock.beta.threads.create(messages=[{"role": "user", "content": "plot"}])
    pieces: list[Any] = []
    async with stock.beta.threads.runs.stream(thread_id=thread.id, assistant_id=tutor.id) as stream:
        async for event in stream:
            if event.event == "thread.run.step.delta":
                details: Any = event.data.delta.step_details
                pieces.append(details.tool_calls[0])
        steps: Any = await stream.get_final_run_steps()
        messages: Any = await stream.get_final_messages()
    first, *grown, last = pieces
    assert (first.index, first.id, first.code_interpreter.input, first.code_interpreter.outputs) == (
        0,
        "call_1_0",
        "",
        [],
    )
    assert len(grown) > 3
    assert "".join(piece.code_interpreter.input for piece in grown) == PLOT
    kinds = [(output.index, output.type) for output in last.code_interpreter.outputs]
    assert kinds == [(0, "logs"), (1, "image")]
    call = steps[0].step_details.tool_calls[0].code_interpreter
    assert (call.input, call.outputs[0].logs) == (PLOT, "drawn\n")
    # The figure stands in the message, before its words.
    image, text = messages[0].content
    assert (image.type, text.text.value) == ("image_file", "There it is.")
    assert image.image_file.file_id == call.outputs[1].image.file_id
    picture = await stock.files.content(image.image_file.file_id)
    assert picture.read().startswith(b"\x89PNG")


async def test_a_file_that_code_wrote_is_a_stored_file_and_its_link_is_annotated(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    said = "Ünïcode first: [the table](sandbox:/mnt/data/out.csv)."
    script.play(calling("open('out.csv', 'w').write('a,b')"), ScriptedReply(text=said))
    thread = await stock.beta.threads.create()
    run, _ = await ran(stock, thread.id)
    message: Any = (await stock.beta.threads.messages.list(thread.id, run_id=run.id)).data[0]
    (mark,) = message.content[0].text.annotations
    assert (mark.type, mark.text) == ("file_path", "sandbox:/mnt/data/out.csv")
    assert said[mark.start_index : mark.end_index] == mark.text
    file = await stock.files.retrieve(mark.file_path.file_id)
    assert (file.filename, file.purpose, file.bytes) == ("out.csv", "assistants_output", 3)
    assert (await stock.files.content(file.id)).read() == b"a,b"


async def test_a_file_that_the_answer_does_not_mention_is_linked_at_its_end(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    code = "import os\nos.mkdir('sub')\nopen('sub/my table.csv', 'w').write('a')"
    script.play(calling(code), ScriptedReply(text="Done."))
    thread = await stock.beta.threads.create()
    run, _ = await ran(stock, thread.id)
    message: Any = (await stock.beta.threads.messages.list(thread.id, run_id=run.id)).data[0]
    text = message.content[0].text
    assert text.value == "Done.\n\n[my table.csv](sandbox:/mnt/data/sub/my%20table.csv)"
    assert [mark.text for mark in text.annotations] == ["sandbox:/mnt/data/sub/my%20table.csv"]


async def test_attached_files_lie_in_the_working_folder(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    def made(name: str, data: bytes) -> Any:
        return stock.files.create(file=(name, data), purpose="assistants")

    attached, given, twin = await made("a.csv", b"1"), await made("b.csv", b"2"), await made("a.csv", b"3")
    thread = await stock.beta.threads.create(
        messages=[{"role": "user", "content": "x", "attachments": [{"file_id": attached.id, "tools": [TOOL]}]}],
        tool_resources={"code_interpreter": {"file_ids": [twin.id]}},
    )
    script.play(calling("import os\nfor n in sorted(os.listdir()): print(n, open(n).read())"), ScriptedReply(text="."))
    _, steps = await ran(stock, thread.id, tool_resources={"code_interpreter": {"file_ids": [given.id]}})
    lines = output(steps[0]).splitlines()
    assert sorted(line.split()[1] for line in lines) == ["1", "2", "3"]
    assert len({line.split()[0] for line in lines}) == 3
    assert "/mnt/data/b.csv (1 bytes)" in script.requests[0]["tools"][0]["function"]["description"]


@pytest.mark.parametrize("limits", [Limits(wall=1)])
async def test_a_killed_session_is_reported_and_the_next_call_starts_clean(
    stock: AsyncOpenAI, script: ScriptedModel
) -> None:
    script.play(
        calling("x = 1"), calling("while True: pass"), calling("print('x' in globals())"), ScriptedReply(text="Oh.")
    )
    thread = await stock.beta.threads.create()
    run, steps = await ran(stock, thread.id)
    assert run.status == "completed"
    assert "It ran longer than 1 seconds and was stopped." in output(steps[1])
    assert output(steps[2]).splitlines() == [
        "[This is a new session: variables and files of earlier calls are gone.]",
        "False",
    ]


async def test_cancelling_a_run_stops_its_code(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    code = "import time\ntime.sleep(50)"
    script.play(calling(code))
    tutor = await stock.beta.assistants.create(model="default", tools=[TOOL])
    thread = await stock.beta.threads.create(messages=[{"role": "user", "content": "sleep"}])
    written = ""
    async with stock.beta.threads.runs.stream(thread_id=thread.id, assistant_id=tutor.id) as stream:
        async for event in stream:
            if event.event == "thread.run.step.delta":
                details: Any = event.data.delta.step_details
                written += details.tool_calls[0].code_interpreter.input or ""
                if written == code:
                    assert stream.current_run
                    await stock.beta.threads.runs.cancel(stream.current_run.id, thread_id=thread.id)
        run = await stream.get_final_run()
    steps = await stock.beta.threads.runs.steps.list(run.id, thread_id=thread.id)
    assert (run.status, steps.data[0].status) == ("cancelled", "cancelled")


async def test_functions_called_beside_code_are_waited_for(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    weather: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    code = ScriptedCall("code_interpreter", json.dumps({"code": "print(6 * 7)"}))
    script.play(ScriptedReply(tool_calls=(code, ScriptedCall("weather", "{}"))), ScriptedReply(text="Warm, 42."))
    tutor = await stock.beta.assistants.create(model="default", tools=[TOOL, weather])
    thread = await stock.beta.threads.create(messages=[{"role": "user", "content": "both"}])
    runs = stock.beta.threads.runs
    run = await runs.create_and_poll(thread_id=thread.id, assistant_id=tutor.id, poll_interval_ms=10)
    assert run.required_action
    (asked,) = run.required_action.submit_tool_outputs.tool_calls
    outputs: Any = [{"tool_call_id": asked.id, "output": "warm"}]
    run = await runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=outputs, poll_interval_ms=10
    )
    assert run.status == "completed"
    told = [m["content"] for m in script.requests[1]["messages"] if m["role"] == "tool"]
    assert told == ["42", "warm"]


async def test_a_model_without_native_tools_runs_code_too(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    choice = {"function": "code_interpreter", "arguments": {"code": "print(6 * 7)"}}
    answer = {"function": "answer", "arguments": {}}
    script.play(
        ScriptedReply(text=json.dumps(choice)), ScriptedReply(text=json.dumps(answer)), ScriptedReply(text="It is 42.")
    )
    thread = await stock.beta.threads.create()
    run, steps = await ran(stock, thread.id, model="plain")
    assert (run.status, output(steps[0])) == ("completed", "42\n")
    assert "tools" not in script.requests[0]


@pytest.mark.parametrize("arguments", ["print(6 * 7)", '"print(6 * 7)"', '{"code": "print(6 * 7)"}'])
async def test_code_is_found_in_whatever_a_model_sends(
    stock: AsyncOpenAI, script: ScriptedModel, arguments: str
) -> None:
    script.play(ScriptedReply(tool_calls=(ScriptedCall("code_interpreter", arguments),)), ScriptedReply(text="42"))
    thread = await stock.beta.threads.create()
    _, steps = await ran(stock, thread.id)
    assert output(steps[0]) == "42\n"


async def test_a_figure_is_shown_also_where_nothing_is_said(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    script.play(calling(PLOT), ScriptedReply())
    thread = await stock.beta.threads.create()
    run, _ = await ran(stock, thread.id)
    assert (run.status, run.last_error) == ("completed", None)
    message = (await stock.beta.threads.messages.list(thread.id, run_id=run.id)).data[0]
    assert [part.type for part in message.content] == ["image_file"]


@pytest.fixture
async def refusing(database: Database, script: ScriptedModel) -> AsyncIterator[AsyncOpenAI]:
    """A stock SDK on a service where no backend stops every canary."""

    async def refused(_: Limits) -> Sandbox:
        raise SandboxUnavailable("bubblewrap is not installed.", "Install it: apt install bubblewrap.")

    models = Models()
    models.connect(ChatCompletions(Endpoint("http://model.test/v1", "", "x"), transport=LocalTransport(script.app)))
    models.register("tour", tour_model(), Traits(does_without=True))
    service = create_service(database, models, CodeInterpreter(database, sandbox=refused))
    await service.start()
    legacy: Any = httpx.AsyncClient(transport=LocalTransport(service.app), base_url="http://local/v1")
    async with legacy:
        yield AsyncOpenAI(base_url="http://local/v1", api_key="any", http_client=legacy)
    await service.stop()


async def test_without_a_sandbox_a_run_fails_with_reason_and_remedy(refusing: AsyncOpenAI) -> None:
    thread = await refusing.beta.threads.create()
    run, steps = await ran(refusing, thread.id)
    assert (run.status, steps) == ("failed", [])
    assert run.last_error.message == (
        "Code cannot be run here. bubblewrap is not installed. Install it: apt install bubblewrap."
    )


async def test_the_tour_runs_its_code_without_a_model(stock: AsyncOpenAI) -> None:
    thread = await stock.beta.threads.create()
    run, steps = await ran(stock, thread.id, "6", model="tour")
    assert (run.status, run.last_error) == ("completed", None)
    assert output(steps[1]) == "x = 1\n"
    answer, introduction, _ = (await stock.beta.threads.messages.list(thread.id)).data
    first: Any = introduction.content[0]
    assert first.text.value.startswith(RUNNING)
    figure, text = answer.content
    assert figure.type == "image_file"
    assert "It printed `x = 1`." in text.text.value  # type: ignore[union-attr]


async def test_the_tour_says_so_where_code_is_refused_and_goes_on(refusing: AsyncOpenAI) -> None:
    thread = await refusing.beta.threads.create()
    run, _ = await ran(refusing, thread.id, "6", model="tour")
    said: Any = (await refusing.beta.threads.messages.list(thread.id)).data[0].content[0]
    assert run.status == "completed"
    assert "Code does not run here" in said.text.value


async def test_a_model_that_never_stops_calling_is_stopped(
    stock: AsyncOpenAI, script: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistants.service.runner.MOST_ROUNDS", 3)

    def again(_: Body) -> ScriptedReply:
        return calling("1")

    script._script = again
    thread = await stock.beta.threads.create()
    run, steps = await ran(stock, thread.id)
    assert (run.status, len(steps)) == ("failed", 3)
    assert "used its tools 3 times" in run.last_error.message


async def test_a_deleted_thread_takes_its_session_with_it(
    stock: AsyncOpenAI, script: ScriptedModel, service: Service
) -> None:
    script.play(calling("x = 42"), ScriptedReply(text="Kept."))
    thread = await stock.beta.threads.create()
    await ran(stock, thread.id)
    tool = service._toolbox.get("code_interpreter")
    assert isinstance(tool, CodeInterpreter)
    sandbox = await tool._sandbox()
    assert sandbox.sessions == 1
    await stock.beta.threads.delete(thread.id)
    await asyncio.gather(*tool._ending)
    assert sandbox.sessions == 0


async def test_a_library_that_is_missing_is_named_with_what_brings_it(
    stock: AsyncOpenAI, script: ScriptedModel, service: Service
) -> None:
    tool = service._toolbox.get("code_interpreter")
    assert isinstance(tool, CodeInterpreter)
    tool._missing = ["absent_library"]
    script.play(calling("import absent_library"), ScriptedReply(text="Not here."))
    thread = await stock.beta.threads.create()
    _, steps = await ran(stock, thread.id)
    assert "absent_library is not installed here; it comes with Threadline's extra `sandbox`." in output(steps[0])
