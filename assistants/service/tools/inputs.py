"""Input files of the code interpreter: those of the assistant, the thread and the run."""

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
    """A stored file and its name in the working folder."""

    name: str
    row: Row

    def __str__(self) -> str:
        return f"{WORK}/{self.name} ({size(self.row['bytes'])})"


async def inputs_of(db: Reader, run: Run) -> list[Input]:
    """Return a run's input files, except deleted ones."""
    ids = await resources.named(db, run, "code_interpreter", "file_ids")
    rows = [await objects.find(db, "files", id_) for id_ in ids]
    return _named([row for row in rows if row and (row["expires_at"] or now() + 1) > now()])


async def place(db: Reader, session: Session, inputs: Sequence[Input], limits: Limits) -> list[str]:
    """Copy missing files into a session's folder. Return a sentence for each that does not fit. Raises `Ended`."""
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
    """Name the files; of two with the same name the later gets part of its id added."""
    named: dict[str, Input] = {}
    for row in rows:
        name = _plain(row["filename"])
        if name in named:
            path = PurePosixPath(name)
            name = f"{path.stem}-{row['id'][-6:]}{path.suffix}"
        named[name] = Input(name, row)
    return list(named.values())


def _plain(filename: str) -> str:
    """Return a safe file name: no folders, no invisible characters, not too long."""
    name = re.sub(r"[/\\]", "_", "".join(letter for letter in filename if letter.isprintable())).strip(". ")
    path = PurePosixPath(name or "file")
    return f"{path.stem[:40]}{path.suffix[:10]}"
