"""The Web API's door: arguments from query, form and JSON, tokens, scopes, faults, and the log of every call."""

import json
from typing import Any

from aiohttp import web

from tests.simulators.common.http import lost
from tests.simulators.slack import methods
from tests.simulators.slack.records import Call, Fault
from tests.simulators.slack.site import Site


class WebApi:
    """Every method the app may call. One that is not here is answered `unknown_method` and recorded as a failure."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        call = Call(name, await _arguments(request), self._world.now())
        self._world.calls.append(call)
        await self._world.changed()
        fault = await self._world.meet(name)
        if fault is not None and fault.lose == "before":
            return lost(request)
        call.status, call.response, wait = await self._answer(call, request, fault)
        await self._world.changed()
        if fault is not None and fault.lose == "after":
            return lost(request)
        headers = {"Retry-After": f"{wait:g}"} if call.status == 429 else None
        return web.json_response(call.response, status=call.status, headers=headers)

    async def _answer(
        self, call: Call, request: web.Request, fault: Fault | None
    ) -> tuple[int, dict[str, Any], float | None]:
        """Status, body, and after a 429 the seconds to wait."""
        if fault is not None and fault.status != 200:
            error = "ratelimited" if fault.status == 429 else "internal_error"
            return fault.status, {"ok": False, "error": error}, fault.retry_after
        if fault is not None and fault.error:
            return 200, {"ok": False, "error": fault.error}, None
        try:
            self._check_token(call, request)
            method = await self._method(call)
            wait = self._site.limits.wait(call.method, method.tier, str(call.arguments.get("channel", "")))
            if wait:
                return 429, {"ok": False, "error": "ratelimited"}, wait
            context = methods.Context(self._site, call.arguments)
            context.scope(method.scope)
            return 200, {"ok": True, **await method.run(context)}, None
        except methods.SlackError as error:
            return 200, {"ok": False, "error": error.code, **error.more}, None

    async def _method(self, call: Call) -> methods.Method:
        method = methods.METHODS.get(call.method)
        if method is None:
            await self._world.fail(f"The app called {call.method}, which this simulator does not know.")
            raise methods.SlackError("unknown_method")
        return method

    def _check_token(self, call: Call, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or call.arguments.pop("token", "")
        wants_app = call.method == "apps.connections.open"
        if not token:
            raise methods.SlackError("not_authed")
        if token not in (self._world.bot_token, self._world.app_token):
            raise methods.SlackError("invalid_auth")
        if wants_app != (token == self._world.app_token):
            raise methods.SlackError("not_allowed_token_type")


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Query, form and JSON merged; arrays and objects may come as JSON strings in the first two."""
    merged: dict[str, Any] = {name: _value(value) for name, value in request.query.items()}
    if request.content_type == "application/json":
        merged |= json.loads(await request.text() or "{}")
    elif request.can_read_body:
        merged |= {name: _value(value) for name, value in (await request.post()).items()}
    return merged


def _value(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
