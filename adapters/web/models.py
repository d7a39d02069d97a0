"""The model desk over JSON: what is connected, what was found on this machine, connecting another."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.web.requests import BadRequestError, json_object, string
from adapters.web.wire import found_json, status_json
from bot.adapter import Bot, ConfigurationError, ModelDesk

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
        """Take `{base_url, api_key, model}`, try it live, use it from now on."""
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
    """Refuse what cannot work, and what would break the file it is saved to."""
    if not _is_address(base_url):
        raise BadRequestError("The address must begin with http:// or https://, for example http://127.0.0.1:11434/v1.")
    if not model:
        raise BadRequestError("Name the model, as its server calls it.")
    for name, value in (("address", base_url), ("key", api_key), ("model's name", model)):
        if len(value) > 2000 or not value.isprintable():
            raise BadRequestError(f"The {name} has characters that do not belong there, or is far too long.")


def _is_address(base_url: str) -> bool:
    try:
        address = urlsplit(base_url)
        return address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        return False
