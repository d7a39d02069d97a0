"""What a turn asks of the store stays as cheap as it is however much is in there: every statement uses an index."""

import asyncio
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.app import App, build
from bot.incoming import Incoming, Person, Place
from bot.settings import Settings

PLACE = Place("web:here", "web", "", "here", None)
# Tables with a row for each setting or person at most, never for each message.
SMALL = {"sqlite_master", "heard"}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What every connection that is opened from now on is told to run."""
    told: set[str] = set()

    class Telling(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            told.add(sql)
            return super().execute(sql, *values)

    monkeypatch.setattr("sqlite3.connect", lambda *a, **k: _connect(*a, factory=Telling, **k))
    return told


_connect = sqlite3.connect


async def answered(app: App, number: int) -> None:
    """Says something; returns when the answer to it is complete."""
    author = Person(f"person-{number}", f"Person {number}")
    moments = app.core.watch(PLACE.key)
    await app.core.receive(Incoming(f"web:{number}", PLACE, author, "2", position=f"{number:020d}", addressed=True))
    async for moment in moments:
        if moment.kind == "finished":
            await app.core.transcript(PLACE.key)
            return


async def test_no_statement_of_a_turn_scans_a_table(tmp_path: Path, statements: set[str]) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, sandbox="off", model_discovery=False)
    async with build(settings, "http://127.0.0.1:1", only=["web"]) as app:
        working = asyncio.create_task(app.work())
        statements.clear()
        for number in range(2):
            await answered(app, number)
        await app.leave()
        working.cancel()
        await asyncio.wait([working])
    conn = _connect(tmp_path / "threadline.db")
    partial = {
        name for (name,) in conn.execute("select name from sqlite_master where type = 'index' and sql like '%where%'")
    }
    tables = {name for (name,) in conn.execute("select name from sqlite_master where type = 'table'")} - SMALL
    scans = []
    asked = [sql for sql in statements if re.match("(select|insert|update|delete)", sql)]
    for sql in asked:
        names = re.findall(r":(\w+)", sql)
        for *_, step in conn.execute(f"explain query plan {sql}", dict.fromkeys(names)):
            scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
            if scan and scan[1] in tables and scan[2] not in partial:
                scans.append(f"{step}: {sql}")
    conn.close()
    assert len(asked) > 20
    assert scans == []
