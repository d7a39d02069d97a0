"""Files written by code: stored, and matched with the links to them in a message."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from assistants.contract import Annotation, File, FilePath, FileReference
from assistants.service import files
from assistants.service.rows import new_id, now
from assistants.service.tools.bubblewrap import WORK
from assistants.service.tools.session import Produced
from storage import blobs, objects
from storage.database import Database, Row, Transaction

PURPOSE = "assistants_output"
LINK = f"sandbox:{WORK}/"


async def store(db: Database, run_id: str, thread_id: str, produced: Iterable[Produced]) -> "Stored":
    """Store the bytes. The files exist once `Stored.keep` was part of a write."""
    stored = Stored(run_id, thread_id)
    for each in produced:
        id_ = new_id("file", joint="-")
        for number, start in enumerate(range(0, len(each.data), blobs.PIECE)):
            await db.write(blobs.put, id_, number, each.data[start : start + blobs.PIECE])
        name = PurePosixPath(each.name).name
        file = File(id=id_, bytes=len(each.data), created_at=now(), filename=name, purpose=PURPOSE)
        stored.files.append((file, None if each.is_figure else each.name))
    return stored


class Stored:
    """Files written by a call, each with its path in the working folder; a figure has none."""

    def __init__(self, run_id: str, thread_id: str) -> None:
        self.files: list[tuple[File, str | None]] = []
        self._run_id = run_id
        self._thread_id = thread_id

    @property
    def figures(self) -> list[str]:
        return [file.id for file, path in self.files if path is None]

    def keep(self, tx: Transaction) -> None:
        thread = objects.get(tx, "threads", self._thread_id)
        if thread is None:
            return
        for file, path in self.files:
            files.add(tx, file, [file.id], thread["project"], run_id=self._run_id, path=path)


def unlinked(rows: Iterable[Row], run_id: str, text: str) -> str:
    """Return links to files that a run wrote and its text does not mention; `rows` are the thread's, newest first."""
    mine = {row["path"]: row for row in _newest(rows).values() if row["run_id"] == run_id}
    left = [row for path, row in sorted(mine.items()) if not _link(path).search(text)]
    links = "\n".join(f"[{row['filename']}]({LINK}{quote(row['path'])})" for row in left)
    return f"\n\n{links}" if links and text else links


def annotations(rows: Sequence[Row], text: str) -> list[Annotation]:
    """Return annotations for the links to written files in a text, in order."""
    found: dict[int, FilePath] = {}
    for path, row in sorted(_newest(rows).items(), key=lambda each: -len(each[0])):
        for match in _link(path).finditer(text):
            reference = FileReference(file_id=row["id"])
            start, end = match.span()
            mark = FilePath(text=match[0], file_path=reference, start_index=start, end_index=end)
            found.setdefault(start, mark)
    return [found[start] for start in sorted(found)]


def _newest(rows: Iterable[Row]) -> dict[str, Row]:
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(row["path"], row)
    return newest


def _link(path: str) -> re.Pattern[str]:
    """The path after `sandbox:`, as it is or as addresses are written, and not as the beginning of a longer one."""
    either = "|".join(dict.fromkeys((re.escape(path), re.escape(quote(path)))))
    return re.compile(rf"{re.escape(LINK)}(?:{either})(?![\w/-]|\.\w)")
