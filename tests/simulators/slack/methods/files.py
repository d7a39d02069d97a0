"""files.*: a place for bytes is asked for, the bytes are posted there, and the file is shared."""

import mimetypes
from typing import Any

from tests.simulators.slack import events
from tests.simulators.slack.methods.base import Context, Method, SlackError, invalid
from tests.simulators.slack.records import File, Message
from tests.simulators.slack.world import BOT, TEAM

ALT_LIMIT = 1_000


async def _upload_url(context: Context) -> dict[str, Any]:
    name, size = context.required("filename"), int(context.required("length"))
    alt = str(context.arguments.get("alt_txt") or "")
    if len(alt) > ALT_LIMIT:
        raise invalid("alt_txt is longer than 1,000 characters")
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = File(context.world.new_id("F"), name, size, mimetype, BOT["user_id"], alt=alt)
    context.world.files[file.id] = file
    return {"upload_url": f"{context.site.address}/upload/{file.id}", "file_id": file.id}


async def _complete(context: Context) -> dict[str, Any]:
    given = context.arguments.get("files")
    if not isinstance(given, list) or not given:
        raise invalid("missing field: files")
    files = [_file(context, str(one.get("id"))) for one in given]
    for file, one in zip(files, given, strict=True):
        if not file.uploaded:
            raise SlackError("file_upload_not_completed")
        file.title = one.get("title") or file.name
    if context.arguments.get("channel_id"):
        await _share(context, files)
    return {"files": [as_file(file, context.site.address) for file in files]}


async def _share(context: Context, files: list[File]) -> None:
    channel = context.joined("channel_id")
    message = Message(
        channel=channel.id,
        ts=context.world.new_ts(),
        user=BOT["user_id"],
        text=str(context.arguments.get("initial_comment") or ""),
        thread_ts=context.thread(channel),
        bot_id=BOT["bot_id"],
        files=[as_file(file, context.site.address) for file in files],
    )
    for file in files:
        file.shared = True
    context.world.add_message(message)
    await context.site.deliveries.tell(*events.of_message(message, channel, None))


async def _info(context: Context) -> dict[str, Any]:
    return {"file": as_file(_file(context, context.required("file")), context.site.address)}


async def _delete(context: Context) -> dict[str, Any]:
    file = _file(context, context.required("file"))
    if file.user != BOT["user_id"]:
        raise SlackError("cant_delete_file")
    del context.world.files[file.id]
    return {}


def _file(context: Context, name: str) -> File:
    file = context.world.files.get(name)
    if file is None:
        raise SlackError("file_not_found")
    return file


def as_file(file: File, address: str) -> dict[str, Any]:
    """A file as events and the Web API show it."""
    private = f"{address}/files-pri/{TEAM}-{file.id}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2] or "binary",
        "size": file.size,
        "user": file.user,
        "mode": "hosted",
        "is_external": False,
        "file_access": "visible",
        "alt_txt": file.alt,
        "url_private": f"{private}/{file.name}",
        "url_private_download": f"{private}/download/{file.name}",
    }


METHODS = {
    "files.getUploadURLExternal": Method(_upload_url, "files:write", tier=4),
    "files.completeUploadExternal": Method(_complete, "files:write", tier=4),
    "files.info": Method(_info, "files:read", tier=4),
    "files.delete": Method(_delete, "files:write", tier=3),
}
