"""The files that threadline.toml gives to an assistant: read from disk and uploaded for file search."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from assistants.connector import AssistantsClient
from bot.adapter import ConfigurationError

# The prefix of a file that ships with Threadline.
BUILT_IN = "builtin:"

Files = Mapping[str, bytes]


def read_files(assistant: str, names: Sequence[str], folder: Path) -> Files:
    """The files by their plain names, read from `folder` unless built in. Raises `ConfigurationError`."""
    found: dict[str, bytes] = {}
    for name in names:
        place = resources.files("bot") if name.startswith(BUILT_IN) else folder
        try:
            data = place.joinpath(name.removeprefix(BUILT_IN)).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"assistants.{assistant}.files: {name} cannot be read: {error.strerror}."
            ) from None
        found[Path(name.removeprefix(BUILT_IN)).name] = data
    return found


def digest(files: Files) -> str:
    """A digest by which to compare files with those on the server; empty if there are none."""
    if not files:
        return ""
    hashes = [name.encode() + hashlib.sha256(data).digest() for name, data in files.items()]
    return hashlib.sha256(b"".join(hashes)).hexdigest()[:32]


async def upload(client: AssistantsClient, title: str, files: Files) -> str:
    """Upload files into a new vector store; returns its id. The server indexes them in the background."""
    kept = [await client.files.create(data, purpose="assistants", filename=name) for name, data in files.items()]
    store = await client.vector_stores.create(name=title, file_ids=[file.id for file in kept])
    return store.id
