"""The JSON endpoints for files: attach one before its message is sent, download one, discard one."""

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adapters.web.requests import BadRequestError, binary
from adapters.web.wire import attached_json
from bot.adapter import Bot, FileRefusedError
from bot.files import LARGEST, MOST_FILES, too_large
from bot.incoming import Attached
from bot.segments import Image


class Files:
    """Endpoints over one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        # Files whose message has not been sent; only these can be discarded.
        self._loose: set[str] = set()

    async def limits(self, _: Request) -> Response:
        """The limits for the number of files per message and for their size."""
        return JSONResponse({"most": MOST_FILES, "largest": LARGEST})

    async def attach(self, request: Request) -> Response:
        """Take the bytes of a file, with its name in the query; it is uploaded when this responds."""
        name = request.query_params.get("name", "").strip() or "file"
        data = await binary(request, LARGEST, too_large(name))
        try:
            file = await self._bot.keep_file(name, data)
        except FileRefusedError as error:
            raise BadRequestError(str(error)) from error
        self._loose.add(file.kept)
        return JSONResponse(attached_json(file), 201)

    async def show(self, request: Request) -> Response:
        """A file: a picture is displayed, anything else is downloaded."""
        file = await self._bot.file(request.path_params["id"])
        if file is None:
            raise HTTPException(404)
        way = "inline" if isinstance(file, Image) else "attachment"
        named = f"{way}; filename*=utf-8''{quote(file.name, safe='')}"
        return Response(file.data, media_type=file.media_type, headers={"content-disposition": named})

    async def discard(self, request: Request) -> Response:
        """Delete a file whose message was not sent; the file of a message stays."""
        file_id = request.path_params["id"]
        if file_id in self._loose:
            self._loose.discard(file_id)
            await self._bot.discard_file(file_id)
        return JSONResponse({})

    def sent(self, files: tuple[Attached, ...]) -> None:
        """Note that these files now belong to a message."""
        self._loose.difference_update(file.kept for file in files)
