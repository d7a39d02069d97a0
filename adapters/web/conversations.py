"""The conversations over JSON: list them, read one, write to one, see who can answer there."""

import asyncio
import time
from dataclasses import asdict
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.web.places import PERSON, PLATFORMS, place_of
from adapters.web.requests import event_id, json_object, message_text
from adapters.web.wire import answer_json, assistant_json, conversation_json, transcript_json
from bot.adapter import Bot
from bot.incoming import Command, Incoming
from bot.segments import Image

COMMAND = "/assistant"


class Conversations:
    """Endpoints over one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def latest(self, _: Request) -> Response:
        """The latest conversations of the page and the terminal, newest first."""
        found = await self._bot.conversations(PLATFORMS)
        return JSONResponse({"conversations": [conversation_json(c) for c in found]})

    async def transcript(self, request: Request) -> Response:
        """The last exchanges of a conversation; none when nobody wrote there yet."""
        place = place_of(request.path_params["key"])
        exchanges = await self._bot.transcript(place.key)
        return JSONResponse(await asyncio.to_thread(transcript_json, place.key, exchanges))

    async def assistants(self, request: Request) -> Response:
        """Who can answer here."""
        place = place_of(request.path_params["key"])
        choices = await self._bot.assistants(place, PERSON)
        return JSONResponse({"assistants": [assistant_json(c) for c in choices]})

    async def file(self, request: Request) -> Response:
        """A file of an answer: a picture to look at, anything else to keep."""
        file = await self._bot.file(request.path_params["id"])
        if file is None:
            raise HTTPException(404)
        way = "inline" if isinstance(file, Image) else "attachment"
        named = f"{way}; filename*=utf-8''{quote(file.name, safe='')}"
        return Response(file.data, media_type=file.media_type, headers={"content-disposition": named})

    async def post(self, request: Request) -> Response:
        """Take `{event, text}`: a message, durable when this answers, or a command, answered at once."""
        place = place_of(request.path_params["key"])
        body = await json_object(request)
        event, text = event_id(body), message_text(body)
        event = f"{place.platform}:{event}"
        if _is_command(text):
            return await self._command(Command(event, place, PERSON, text.strip().removeprefix(COMMAND).strip()))
        receipt = await self._bot.receive(
            Incoming(
                event=event,
                place=place,
                author=PERSON,
                text=text,
                position=f"{time.time_ns():020d}",
                addressed=True,
            )
        )
        return JSONResponse(asdict(receipt), 202)

    async def _command(self, command: Command) -> Response:
        return JSONResponse(answer_json(await self._bot.command(command)))


def _is_command(text: str) -> bool:
    return text.split(maxsplit=1)[0] == COMMAND
