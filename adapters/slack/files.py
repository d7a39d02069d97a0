"""Uploads the files of a reply and shares them in its thread, each once."""

from collections.abc import Sequence
from typing import Any

from adapters.slack.posted import Posted
from adapters.slack.workspace import Workspace
from bot.adapter import Turn
from bot.segments import File, Image
from bot.words.harmless import harmless

# Slack's limit for the alternative text of a picture.
ALT = 1_000


class Files:
    """The files of one reply."""

    def __init__(self, workspace: Workspace, turn: Turn, posted: Posted) -> None:
        self._workspace = workspace
        self._turn = turn
        self._posted = posted
        self._is_uncertain = turn.suspect

    async def send(self, files: Sequence[File], note: str) -> None:
        """Share files below the reply, with a note; files that an earlier attempt shared are not sent again."""
        there = await self._shared() if self._is_uncertain else set()
        self._is_uncertain = True
        if missing := [file for file in files if harmless(file.name) not in there]:
            await self._share([await self._upload(file) for file in missing], note)

    async def _upload(self, file: File) -> dict[str, str]:
        name = harmless(file.name)
        arguments: dict[str, Any] = {"filename": name, "length": len(file.data)}
        if isinstance(file, Image) and file.alt:
            arguments["alt_txt"] = harmless(file.alt)[:ALT]
        place = await self._workspace.read("files.getUploadURLExternal", **arguments)
        await self._workspace.post_bytes(str(place["upload_url"]), file.data)
        return {"id": str(place["file_id"]), "title": name}

    async def _share(self, files: Sequence[dict[str, str]], note: str) -> None:
        conversation = self._turn.conversation
        await self._workspace.call(
            "files.completeUploadExternal",
            files=list(files),
            channel_id=conversation.channel,
            thread_ts=conversation.thread,
            initial_comment=note,
        )

    async def _shared(self) -> set[str]:
        """The names of the files shared by an earlier attempt, which come after the reply's first message.

        Files before that message belong to an earlier reply, even if they have the same names.
        """
        first = self._posted.first
        shared = [message async for message in self._posted.said() if message["ts"] > first]
        return {str(file.get("name")) for message in shared for file in message.get("files") or ()}
