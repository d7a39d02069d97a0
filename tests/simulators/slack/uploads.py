"""The bytes of files: posted without a token where the app was told to, downloaded with the bot's."""

from aiohttp import web

from tests.simulators.slack.site import Site

MOST = 64 * 1024 * 1024
LOGIN = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to Threadline Sim</body></html>"


class Uploads:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/upload/{id}", self._upload),
            web.get("/files-pri/{id}/{name}", self._download),
            web.get("/files-pri/{id}/download/{name}", self._download),
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        """Raw bytes, as many as were announced."""
        file = self._world.files.get(request.match_info["id"])
        content = await request.read()
        if file is None or file.uploaded or len(content) != file.size:
            return web.Response(status=400, text="bad upload")
        file.uploaded = True
        self._world.bytes[file.id] = content
        await self._world.changed()
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        """The bytes; without a token that may read files, the login page, which Slack sends with status 200."""
        name = request.match_info["id"].rpartition("-")[2]
        file, fault = self._world.files.get(name), await self._world.meet("download")
        if fault is not None and fault.status != 200:
            return web.Response(status=fault.status)
        if not self._may(request):
            return web.Response(text=LOGIN, content_type="text/html")
        if file is None or name not in self._world.bytes:
            return web.Response(status=404)
        return web.Response(body=self._world.bytes[name], content_type=file.mimetype)

    def _may(self, request: web.Request) -> bool:
        """The bot's token, or the page of a person who is signed in."""
        if request.query.get("as") in self._world.users:
            return True
        is_bot = request.headers.get("Authorization") == f"Bearer {self._world.bot_token}"
        return is_bot and "files:read" in self._world.app.scopes
