"""REST's door: which call it is, who may make it, what goes wrong with it, its limits, and the log of every call."""

import json
from typing import Any

from aiohttp import web

from tests.simulators.common.http import lost
from tests.simulators.common.records import Call
from tests.simulators.discord import commands, messages, places, refusals, responses
from tests.simulators.discord.audience import Audience
from tests.simulators.discord.buckets import Buckets
from tests.simulators.discord.context import Context, Route, Upload
from tests.simulators.discord.errors import ApiError, refusal
from tests.simulators.discord.records import Fault
from tests.simulators.discord.refusals import Answer
from tests.simulators.discord.world import World

ROUTES = [*places.ROUTES, *messages.ROUTES, *responses.ROUTES, *commands.ROUTES]
BASE = "/api/v10"
MAJOR = ("channel", "guild", "token")
REQUEST_LIMIT = 25 * 1024 * 1024


class Rest:
    """Every call the app may make. One that is not here is answered 404 and recorded as a failure."""

    def __init__(self, world: World, audience: Audience) -> None:
        self.content_type = "application/json"
        self.buckets = Buckets(world.clock)
        self._world = world
        self._audience = audience

    def add_to(self, app: web.Application) -> None:
        for route in ROUTES:
            app.router.add_route(route.verb, BASE + route.path, self._handler(route))
        app.router.add_route("*", "/api/{rest:.*}", self._unknown)
        app.router.add_get("/attachments/{channel}/{id}/{name}", self._download)

    def _handler(self, route: Route) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(route, request)

        return handle

    async def _handle(self, route: Route, request: web.Request) -> web.StreamResponse:
        context = await self._context(request)
        call = Call(route.name, _arguments(context), self._world.now())
        self._world.calls.append(call)
        await self._world.changed()
        fault = await self._world.meet(route.name)
        if fault is not None and fault.lose == "before":
            return lost(request)
        answer = await self._answer(route, request, context, fault)
        call.status, call.response = answer.status, answer.body if isinstance(answer.body, dict) else {}
        await self._world.changed()
        return lost(request) if fault is not None and fault.lose == "after" else self._written(answer)

    async def _answer(self, route: Route, request: web.Request, context: Context, fault: Fault | None) -> Answer:
        prescribed = refusals.of_fault(fault) if fault is not None else None
        if prescribed is not None:
            return prescribed
        if not route.is_open and (refused_for := self.buckets.take_of_all()):
            return refusals.rate_limited(refused_for, "global", {})
        bucket, refused_for = self._bucket(route, context)
        if refused_for:
            return refusals.rate_limited(refused_for, "user", bucket)
        try:
            if not route.is_open and request.headers.get("Authorization") != f"Bot {self._world.token}":
                raise refusal(0)
            body = await route.run(context)
            return Answer(204 if body is None else 200, body, {**refusals.VIA, **bucket})
        except ApiError as error:
            return refusals.of_error(error)

    def _bucket(self, route: Route, context: Context) -> tuple[dict[str, str], float]:
        major = next((context.path[name] for name in MAJOR if name in context.path), "")
        return self.buckets.take(route.name, major)

    def _written(self, answer: Answer) -> web.Response:
        """Content-Type says exactly `application/json`, unless a test set another."""
        if answer.body is None:
            return web.Response(status=answer.status, headers=answer.headers)
        html = isinstance(answer.body, str)
        text = answer.body if html else json.dumps(answer.body)
        headers = {**answer.headers, "Content-Type": "text/html" if html else self.content_type}
        return web.Response(status=answer.status, body=text.encode(), headers=headers)

    async def _context(self, request: web.Request) -> Context:
        body, files = await _body(request)
        return Context(self._world, self._audience, dict(request.match_info), dict(request.query), body, files)

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        await self._world.fail(f"The app called {request.method} {request.path}, which this simulator does not know.")
        return self._written(Answer(404, {"message": "404: Not Found", "code": 0}))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        kept = self._world.files.get(request.match_info["id"])
        if kept is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=kept[1], content_type=kept[0])


async def _body(request: web.Request) -> tuple[Any, dict[str, Upload]]:
    """JSON, or a form with `payload_json` and the files as `files[n]`."""
    if request.content_type == "application/json":
        return json.loads(await request.text() or "{}"), {}
    if not request.content_type.startswith("multipart/"):
        return {}, {}
    form = await request.post()
    files = {
        name.removeprefix("files[").removesuffix("]"): Upload(part.filename, part.content_type, part.file.read())
        for name, part in form.items()
        if isinstance(part, web.FileField)
    }
    return json.loads(str(form.get("payload_json", "{}"))), files


def _arguments(context: Context) -> dict[str, Any]:
    """Path, query and body in one, as tests look at them. An interaction's token is a secret."""
    body = context.body if isinstance(context.body, dict) else {"body": context.body}
    path = {name: value for name, value in context.path.items() if name != "token"}
    files = {"files": [file.filename for file in context.files.values()]} if context.files else {}
    return {**context.query, **body, **path, **files}
