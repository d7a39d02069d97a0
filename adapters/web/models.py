"""The JSON endpoints for models: the connected one, those found on this machine, connecting another."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.web.requests import BadRequestError, json_object, string
from adapters.web.wire import found_json, status_json
from bot.adapter import Bot, ConfigurationError, ModelDesk

MOST_CHARACTERS = 2000
ELSEWHERE = "The assistants run on another server (ASSISTANTS_BASE_URL); connect models there."


class Models:
    """Endpoints over one bot's model desk."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def status(self, _: Request) -> Response:
        return JSONResponse({"models": status_json(self._desk().status())})

    async def found(self, _: Request) -> Response:
        """The model servers on this machine's loopback."""
        return JSONResponse({"found": [found_json(f) for f in await self._desk().discover()]})

    async def connect(self, request: Request) -> Response:
        """Take `{base_url, api_key, model}`, test the endpoint and use it from now on."""
        body = await json_object(request)
        base_url, api_key, model = (string(body, name).strip() for name in ("base_url", "api_key", "model"))
        _check(base_url, api_key, model)
        try:
            status = await self._desk().connect(base_url, api_key, model)
        except ConfigurationError as error:
            raise BadRequestError(str(error)) from error
        return JSONResponse({"models": status_json(status)})

    def _desk(self) -> ModelDesk:
        if self._bot.models is None:
            raise BadRequestError(ELSEWHERE)
        return self._bot.models


def _check(base_url: str, api_key: str, model: str) -> None:
    """Refuse values that no endpoint has."""
    if not base_url:
        raise BadRequestError("Enter the address of the endpoint, for example http://127.0.0.1:11434/v1.")
    for name, value in (("address", base_url), ("key", api_key), ("model's name", model)):
        if len(value) > MOST_CHARACTERS or not value.isprintable():
            raise BadRequestError(f"The {name} contains invalid characters or is too long; check it and try again.")
