"""The JSON endpoints for conversations: list, read, rename, delete, send a message, list the assistants."""

import asyncio
import time
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.web.files import Files
from adapters.web.places import PERSON, PLATFORMS, place_of
from adapters.web.requests import attached_files, event_id, json_object, message_text, string
from adapters.web.wire import answer_json, assistant_json, conversation_json, transcript_json
from bot.adapter import Bot
from bot.incoming import Command, Incoming

COMMAND = "/assistant"


class Conversations:
    """Endpoints over one bot."""

    def __init__(self, bot: Bot, files: Files) -> None:
        self._bot = bot
        self._files = files
        self._newest = 0

    async def latest(self, _: Request) -> Response:
        """The latest conversations of the page and the terminal, newest first."""
        found = await self._bot.conversations(PLATFORMS)
        return JSONResponse({"conversations": [conversation_json(c) for c in found]})

    async def transcript(self, request: Request) -> Response:
        """The last exchanges of a conversation; empty if nobody has written there yet."""
        place = place_of(request.path_params["key"])
        exchanges = await self._bot.transcript(place.key)
        return JSONResponse(await asyncio.to_thread(transcript_json, place.key, exchanges))

    async def rename(self, request: Request) -> Response:
        """Take `{title}`."""
        place, body = place_of(request.path_params["key"]), await json_object(request)
        await self._bot.rename(place, string(body, "title"))
        return JSONResponse({})

    async def delete(self, request: Request) -> Response:
        """Delete permanently; responds once the conversation is gone."""
        await self._bot.delete(place_of(request.path_params["key"]), PERSON)
        return JSONResponse({})

    async def assistants(self, request: Request) -> Response:
        """The assistants that can answer here."""
        place = place_of(request.path_params["key"])
        choices = await self._bot.assistants(place, PERSON)
        return JSONResponse({"assistants": [assistant_json(c) for c in choices]})

    async def post(self, request: Request) -> Response:
        """Take `{event, text, files}`: a message, which is stored when this responds, or a command."""
        place = place_of(request.path_params["key"])
        body = await json_object(request)
        files = attached_files(body)
        event, text = event_id(body), message_text(body, may_be_empty=bool(files))
        event = f"{place.platform}:{event}"
        if _is_command(text):
            return await self._command(Command(event, place, PERSON, text.strip().removeprefix(COMMAND).strip()))
        receipt = await self._bot.receive(
            Incoming(
                event=event,
                place=place,
                author=PERSON,
                text=text,
                position=self._position(),
                addressed=True,
                files=files,
            )
        )
        self._files.sent(files)
        return JSONResponse(asdict(receipt), 202)

    def _position(self) -> str:
        """A position after all earlier ones, even if the clock was set back."""
        self._newest = max(self._newest + 1, time.time_ns())
        return f"{self._newest:020d}"

    async def _command(self, command: Command) -> Response:
        return JSONResponse(answer_json(await self._bot.command(command)))


def _is_command(text: str) -> bool:
    return text.split(maxsplit=1)[:1] == [COMMAND]
