"""Prepares files for Discord: limits their number and size, and adds alternative text."""

import io
import json
from collections.abc import Sequence
from typing import Any

import discord

from adapters.discord.render import small
from bot.segments import File, Image
from bot.words.harmless import harmless

# Discord's limits: files per message, bytes per file and per request, characters of an alternative text.
MOST_FILES = 10
LARGEST = 10 * 1024 * 1024
REQUEST = 24 * 1024 * 1024
DESCRIPTION = 1_024


def files_that_fit(files: Sequence[File]) -> tuple[tuple[File, ...], list[str]]:
    """The files that fit one message, and a sentence for each one that does not."""
    fit: list[File] = []
    complaints: list[str] = []
    for file in files:
        name = harmless(file.name)
        if len(file.data) > LARGEST:
            complaints.append(small(f"`{name}` is too large: the limit on Discord is {LARGEST // 1024 // 1024} MiB."))
        elif len(fit) == MOST_FILES or sum(len(one.data) for one in fit) + len(file.data) > REQUEST:
            complaints.append(small(f"`{name}` does not fit in one message on Discord with the other files."))
        else:
            fit.append(file)
    return tuple(fit), complaints


def uploads(files: Sequence[File]) -> list[discord.File]:
    return [
        discord.File(
            io.BytesIO(file.data),
            filename=harmless(file.name),
            description=harmless(file.alt)[:DESCRIPTION] if isinstance(file, Image) else None,
        )
        for file in files
    ]


def body_of(message: dict[str, Any], files: Sequence[File]) -> dict[str, Any]:
    """The request arguments for a message: JSON, or a form if there are files."""
    if not files:
        return {"json": message}
    sent = uploads(files)
    told = {**message, "attachments": [file.to_dict(number) for number, file in enumerate(sent)]}
    form: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(told)}]
    for number, (file, upload) in enumerate(zip(files, sent, strict=True)):
        form.append(
            {
                "name": f"files[{number}]",
                "value": upload.fp,
                "filename": upload.filename,
                "content_type": file.media_type,
            }
        )
    return {"form": form, "files": sent}
