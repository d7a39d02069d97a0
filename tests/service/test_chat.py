"""A Chat-Completions endpoint is read in pieces, and what goes wrong with it is said in one sentence."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assistants.service.asgi_transport import LocalTransport
from assistants.service.chat import ChatCompletions
from assistants.service.endpoints import Endpoint
from assistants.service.models import ModelMissing, Models
from assistants.service.pieces import CallPiece, ChatModel, End, ModelError, Piece, TextPiece
from assistants.service.script import ScriptedCall, ScriptedError, ScriptedReply
from assistants.service.scripted import ScriptedModel
from assistants.service.tour import MENU, tour, tour_model
from bot.words.asking import WORDLESS

KEY = "sk-very-secret"

HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def script() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def model(script: ScriptedModel, serve: Any) -> AsyncIterator[ChatCompletions]:
    async with serve(script.app) as address:
        model = ChatCompletions(Endpoint(f"{address}/v1", KEY, "the-model"), back_off=0)
        yield model
        await model.aclose()


async def answer(model: ChatModel, request: dict[str, Any] | None = None) -> list[Piece]:
    return [piece async for piece in model.stream(request or HELLO)]


async def test_an_answer_comes_in_pieces_and_tells_its_usage(model: ChatCompletions, script: ScriptedModel) -> None:
    script.play(ScriptedReply(text="It is four."))
    assert await answer(model) == [TextPiece("It"), TextPiece(" is"), TextPiece(" four."), End("stop", 1, 3)]
    assert script.requests[0]["model"] == "the-model"


async def test_a_call_is_put_together_from_its_fragments(model: ChatCompletions, script: ScriptedModel) -> None:
    script.play(ScriptedReply(tool_calls=(ScriptedCall("add", '{"a": 1, "b": 22}'), ScriptedCall("now"))))
    pieces = [piece for piece in await answer(model) if isinstance(piece, CallPiece)]
    assert [(p.index, p.id is not None, p.name) for p in pieces if p.name] == [(0, True, "add"), (1, True, "now")]
    assert "".join(p.arguments for p in pieces if p.index == 0) == '{"a": 1, "b": 22}'


async def test_an_endpoint_that_fails_at_first_is_asked_again(model: ChatCompletions, script: ScriptedModel) -> None:
    script.play(*[ScriptedReply(error=ScriptedError(503))] * 2, ScriptedReply(text="there"))
    assert (await answer(model))[0] == TextPiece("there")


async def test_an_endpoint_that_keeps_failing_is_given_up(model: ChatCompletions, script: ScriptedModel) -> None:
    script.play(*[ScriptedReply(error=ScriptedError(503, "overloaded"))] * 9)
    with pytest.raises(ModelError, match=r"answered with an error \(503\): overloaded"):
        await answer(model)
    assert len(script.requests) == 3


async def test_an_answer_that_broke_off_after_its_first_word_is_not_asked_again(
    model: ChatCompletions, script: ScriptedModel
) -> None:
    script.play(ScriptedReply(text="one two three", cut_after=2))
    with pytest.raises(ModelError, match="in the middle of its answer"):
        await answer(model)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ScriptedError(429, retry_after="7"), "rate_limit_exceeded", "Rate limit is exceeded. Try again in 7 seconds."),
        (ScriptedError(401, f"Incorrect API key: {KEY}"), "server_error", "rejected the API key"),
        (
            ScriptedError(404, "no model the-model"),
            "server_error",
            "does not know this model or this address: no model the-model",
        ),
        (ScriptedError(400, f"what is {KEY}?"), "invalid_prompt", "refused the request: what is …?"),
        (
            ScriptedError(200, body="<html>Welcome</html>"),
            "server_error",
            "does not answer like a Chat Completions endpoint",
        ),
    ],
)
async def test_a_refusal_is_a_sentence_without_the_key(
    model: ChatCompletions, script: ScriptedModel, error: ScriptedError, code: str, sentence: str
) -> None:
    script.play(ScriptedReply(error=error))
    with pytest.raises(ModelError) as told:
        await answer(model)
    assert told.value.code == code
    assert sentence in str(told.value)
    assert KEY not in str(told.value)


async def test_an_endpoint_that_is_not_there_is_named_by_host() -> None:
    model = ChatCompletions(Endpoint("http://user:pass@127.0.0.1:9/v1", KEY, "m"), back_off=0)
    with pytest.raises(ModelError, match=r"The model at 127\.0\.0\.1:9 cannot be reached"):
        await answer(model)
    await model.aclose()


async def test_the_next_answer_comes_over_the_same_connection() -> None:
    """The last bytes of an answer come after its end; whoever hangs up there pays for a new connection each time."""
    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
                head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                told = {"choices": [{"delta": {"content": "there"}, "finish_reason": "stop"}]}
                for part in (head, *map(_chunk, (f"data: {json.dumps(told)}\n\n", "data: [DONE]\n\n", ""))):
                    writer.write(part)
                    await writer.drain()
                    for _ in range(20):  # what the client does at the end, it does before the rest comes
                        await asyncio.sleep(0)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = ChatCompletions(Endpoint(f"http://127.0.0.1:{port}/v1", KEY, "m"))
        for _ in range(3):
            assert await answer(model) == [TextPiece("there"), End("stop", None, None)]
        await model.aclose()
        for writer in connections:
            writer.close()
            await writer.wait_closed()
    assert len(connections) == 1


def _chunk(text: str) -> bytes:
    return f"{len(text):x}\r\n{text}\r\n".encode()


async def test_an_address_that_is_none_is_told() -> None:
    model = ChatCompletions(Endpoint("http://[::/v1", KEY, "m"))
    with pytest.raises(ModelError, match="The model's address is not a URL"):
        await answer(model)


async def test_a_model_is_started_when_it_is_first_asked(script: ScriptedModel, serve: Any) -> None:
    async with serve(script.app) as address:
        started = 0

        async def start() -> Endpoint:
            nonlocal started
            started += 1
            return Endpoint(f"{address}/v1", "", "lazy")

        model = ChatCompletions(start)
        assert started == 0
        assert await answer(model)
        assert (started, script.requests[0]["model"]) == (1, "lazy")
        await model.aclose()


async def test_a_name_nobody_registered_is_passed_to_the_connected_endpoint(
    model: ChatCompletions, script: ScriptedModel
) -> None:
    models = Models()
    models.connect(model)
    await answer(models.resolve("gpt-4o"))
    await answer(models.resolve("default"))
    assert [request["model"] for request in script.requests] == ["gpt-4o", "the-model"]


def test_without_an_endpoint_an_assistant_says_that_it_needs_a_model() -> None:
    with pytest.raises(ModelMissing, match=r"This assistant needs a model\. Connect one on Threadline's page"):
        Models().resolve("gpt-4o")


@given(st.text() | st.sampled_from(["menu", "1", "2", "3", "4", "5"]))
def test_every_reply_of_the_tour_is_there_within_three_seconds(said: str) -> None:
    reply = tour({"messages": [{"role": "user", "content": said}]})
    assert reply.text
    assert reply.chunk_delay * len(reply.pieces) <= 3


@pytest.mark.parametrize("said", ["what is in it?", WORDLESS])
def test_the_tour_says_what_became_of_the_files_it_is_sent(said: str) -> None:
    tools = [
        {"function": {"name": "code_interpreter", "description": "Runs. Files there: /mnt/data/a list.csv (2 KiB)."}},
        {"function": {"name": "file_search", "description": "Looks. Files there: threadline.md, a list.csv."}},
    ]
    parts = [{"type": "text", "text": said}, {"type": "image_url", "image_url": {"url": "data:"}}]
    told = [
        tour({"messages": [{"role": "user", "content": content}], "tools": tools}).text for content in (said, parts)
    ]
    assert "keeps “a list.csv”." in told[0]
    assert "keeps a picture, “a list.csv”." in told[1]
    assert all("/assistant use NAME" in text and said not in text for text in told)


def test_what_the_tour_does_not_know_it_repeats_and_leads_back_to_the_menu() -> None:
    reply = tour({"messages": [{"role": "user", "content": "what is 2+2?"}]})
    assert "what is 2+2?" in reply.text
    assert MENU in reply.text


async def test_the_tour_streams_like_any_model() -> None:
    model = tour_model()
    async with aclosing(model.stream({"messages": [{"role": "user", "content": "menu"}]})) as pieces:
        words = [await anext(pieces) for _ in range(4)]
    assert words[0] == TextPiece("Welcome")
    await model.aclose()


# NUL is the one character that no store keeps.
FRAGMENTED = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=20)


@given(FRAGMENTED)
async def test_any_text_arrives_as_it_was_sent(chunks: list[str]) -> None:
    script = ScriptedModel(ScriptedReply(chunks=tuple(chunks)))
    model = ChatCompletions(Endpoint("http://local/v1", "", "m"), transport=LocalTransport(script.app))
    pieces = await answer(model)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)) == "".join(chunks)
    await model.aclose()


@pytest.mark.parametrize(
    "fragments",
    [
        [{"id": "a", "function": {"name": "f", "arguments": "{}"}}, {"id": "b", "function": {"name": "g"}}],
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": {}}},
            {"index": 0, "id": "b", "function": {"name": "g"}},
        ],
        [
            {"index": 0, "function": {"name": "f"}},
            {"function": {"arguments": "{}"}},
            {"index": 1, "function": {"name": "g"}},
        ],
    ],
    ids=["no index", "one index for all", "no ids"],
)
async def test_calls_of_looser_endpoints_are_told_apart(fragments: list[dict[str, Any]]) -> None:
    async def complete(_: Request) -> Response:
        lines: list[Any] = [{"choices": [{"delta": {"tool_calls": [f]}, "finish_reason": None}]} for f in fragments]
        lines.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        stream = "".join(f"data: {json.dumps(line)}\n\n" for line in lines)
        return Response(stream, media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    model = ChatCompletions(Endpoint("http://local/v1", "", "m"), transport=LocalTransport(app))
    pieces = await answer(model)
    named = [(piece.index, piece.name) for piece in pieces if isinstance(piece, CallPiece) and piece.name]
    assert named == [(0, "f"), (1, "g")]
    assert "".join(p.arguments for p in pieces if isinstance(p, CallPiece) and p.index == 0) in ("{}",)
    assert pieces[-1] == End("tool_calls", None, None)
    await model.aclose()
