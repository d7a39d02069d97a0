"""Programs that the tests of the core talk to."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import Process, threadline
from tests.scripted import scripted_model

Start = Callable[..., Process]


@pytest.fixture
def model_address() -> Iterator[str]:
    """A model of the test's own: what one test held or released is nothing to the next."""
    with scripted_model() as address:
        yield address


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program in the test's own folder, as often as wanted; ends them all."""
    started: list[Process] = []

    def begin(*arguments: str, **env: str) -> Process:
        process = threadline(*(arguments or ("run",)), env=env, cwd=tmp_path)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.end()


def address(process: Process) -> str:
    """Where a program that was started says it is."""
    return process.line("Threadline is at ").split()[-1]


def table(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Run a statement on the program's store, beside it."""
    with closing(sqlite3.connect(folder / "data" / "threadline.db")) as db, db:
        return db.execute(sql).fetchall()
