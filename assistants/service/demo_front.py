"""The HTTP front of the demo model's process: authenticated Chat Completions whose prompts are cut to fit."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistants.service.prompt import Message, fit

PROMPT_TOKENS = 512
COMPLETION_TOKENS = 256

# A model of this size needs a lower temperature and a higher repetition penalty than usual.
_DEFAULTS = {"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1}
# This model cannot use tools, formats and log probabilities, and they would lengthen the prompt.
_PASSED_ON = ("stream", "stream_options", "temperature", "top_p", "seed", "stop")


def front(
    client: httpx.AsyncClient, *, model: str, key: str, busy: Callable[[], AbstractContextManager[None]]
) -> ASGIApp:
    """Return the app in front of the model's own server, which `client` reaches. Each request runs in `busy`."""
    completions = _Completions(client)

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": model, "object": "model", "owned_by": "threadline"}]})

    routes = [
        Route("/v1/chat/completions", completions.create, methods=["POST"]),
        Route("/v1/models", models),
    ]
    return _Guarded(Starlette(routes=routes), key, busy)


class _Guarded:
    """Requires the key, because a loopback port is open to every user of the machine."""

    def __init__(self, app: ASGIApp, key: str, busy: Callable[[], AbstractContextManager[None]]) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()
        self._busy = busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, self._expected):
            await _error(401, "The key is wrong.")(scope, receive, send)
            return
        with self._busy():
            await self._app(scope, receive, send)


class _Completions:
    """Chat Completions of the model's own server, with requests reduced to what the model supports."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._tokenizer = _ServerTokenizer(client)

    async def create(self, request: Request) -> Response:
        try:
            asked = await request.json()
            messages = await fit(asked["messages"], self._tokenizer, limit=PROMPT_TOKENS)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, "The request is no chat completion's.")
        if not messages:
            return _error(400, "There is no text to answer.")
        body = {**_DEFAULTS, **_settings(asked), "messages": messages}
        return await self._relay(self._client.build_request("POST", "/v1/chat/completions", json=body))

    async def _relay(self, request: httpx.Request) -> Response:
        answer = await self._client.send(request, stream=True)
        return _Relayed(answer)


def _settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    limits = (asked.get("max_completion_tokens"), asked.get("max_tokens"), COMPLETION_TOKENS)
    most = min(limit for limit in limits if isinstance(limit, int) and limit > 0)
    return {name: asked[name] for name in _PASSED_ON if asked.get(name) is not None} | {"max_tokens": most}


class _Relayed(StreamingResponse):
    """The server's streamed response. It is closed when the client disconnects, so that the model also stops."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.aiter_raw(), answer.status_code, media_type=answer.headers.get("content-type"))
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.aclose()


class _ServerTokenizer:
    """Counts with the model's own template and vocabulary."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def count(self, messages: Sequence[Message]) -> int:
        prompt = await self._ask("/apply-template", "prompt", messages=messages)
        return len(await self._tokens(prompt))

    async def cut(self, text: str, tokens: int) -> str:
        whole = await self._tokens(text)
        if len(whole) <= tokens:
            return text
        beginning = await self._ask("/detokenize", "content", tokens=whole[:tokens])
        return str(beginning).rstrip("\ufffd")

    async def _tokens(self, text: str) -> list[int]:
        return list(await self._ask("/tokenize", "tokens", content=text, add_special=False, parse_special=True))

    async def _ask(self, path: str, wanted: str, **body: Any) -> Any:
        response = await self._client.post(path, json=body)
        return response.raise_for_status().json()[wanted]


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error", "code": None}}, status)
