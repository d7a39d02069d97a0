"""The files that code may read: those of the assistant, the thread and the run, each with its name in the folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from assistants.contract import Run
from assistants.service import files
from assistants.service.rows import now
from assistants.service.tools import resources
from assistants.service.tools.bubblewrap import WORK
from assistants.service.tools.limits import Limits, size
from assistants.service.tools.session import InputRefused, Session
from storage import objects
from storage.database import Reader, Row


@dataclass(frozen=True, slots=True)
class Input:
    """A stored file and what it is called in the working folder."""

    name: str
    row: Row

    def __str__(self) -> str:
        return f"{WORK}/{self.name} ({size(self.row['bytes'])})"


async def inputs_of(db: Reader, run: Run) -> list[Input]:
    """The files there are for a run, without those that were deleted."""
    ids = await resources.named(db, run, "code_interpreter", "file_ids")
    rows = [await objects.find(db, "files", id_) for id_ in ids]
    return _named([row for row in rows if row and (row["expires_at"] or now() + 1) > now()])


async def place(db: Reader, session: Session, inputs: Sequence[Input], limits: Limits) -> list[str]:
    """Put the files a session does not have into its folder; a sentence for each that does not fit. Raises `Ended`."""
    refused = []
    for each in inputs:
        if each.name in session.files:
            continue
        try:
            if each.row["bytes"] > limits.disk:
                raise InputRefused(f"{each.name} ({size(each.row['bytes'])}) does not fit into the working folder.")
            await session.put(each.name, b"".join([piece async for piece in files.content(db, each.row)]))
        except InputRefused as error:
            refused.append(str(error))
    return refused


def _named(rows: Sequence[Row]) -> list[Input]:
    """Each by its own name; of two that have the same one, the later has a piece of its id in it."""
    named: dict[str, Input] = {}
    for row in rows:
        name = _plain(row["filename"])
        if name in named:
            path = PurePosixPath(name)
            name = f"{path.stem}-{row['id'][-6:]}{path.suffix}"
        named[name] = Input(name, row)
    return list(named.values())


def _plain(filename: str) -> str:
    """A name that a folder takes: no folders in it, nothing that cannot be seen, not long."""
    name = re.sub(r"[/\\]", "_", "".join(letter for letter in filename if letter.isprintable())).strip(". ")
    path = PurePosixPath(name or "file")
    return f"{path.stem[:40]}{path.suffix[:10]}"
