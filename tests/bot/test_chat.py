"""`threadline chat`: the same conversation from a terminal, with a server running or without one."""

import asyncio
import os
import sys
from pathlib import Path

from assistants.service.scripted import ScriptedReply
from tests.bot.conftest import Start, address
from tests.bot.page import Page
from tests.scripted import Model, connecting


async def chat(tmp_path: Path, *lines: str, options: tuple[str, ...] = (), code: int = 0) -> str:
    """What a terminal shows when these lines are typed into it."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("threadline")),
        "chat",
        *options,
        cwd=tmp_path,
        env={**os.environ, "DATA_DIR": str(tmp_path / "data"), "PORT": "0"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate("".join(f"{line}\n" for line in lines).encode())
    assert process.returncode == code, said.decode()
    return said.decode()


async def test_a_terminal_conversation_continues_the_next_time(tmp_path: Path) -> None:
    first = await chat(tmp_path, "hello", "/assistant list", "2")
    assert "Tour (scripted)" in first
    assert "Welcome to Threadline" in first
    assert "• small-talk Small talk" in first, "what a command says is laid out as answers are"
    assert "Your conversation stays" in first
    again = await chat(tmp_path, "3")
    assert "you  hello" in again
    assert "Choosing who answers" in again


async def test_the_terminal_joins_a_running_server_and_shares_conversations_with_the_page(
    start: Start, tmp_path: Path
) -> None:
    program = start()
    async with Page(address(program)) as page:
        assert "Welcome to Threadline" in await chat(tmp_path, "hello")
        assert [e["question"] for e in await page.exchanges("console:default")] == ["hello"]
        await page.say("web:mine", "hello")
        await page.answers("web:mine", 1)
        joined = await chat(tmp_path, "2", options=("--conversation", "web:mine"))
        assert "you  hello" in joined
        assert len(await page.exchanges("web:mine")) == 2


async def test_a_new_conversation_does_not_show_the_old_one(tmp_path: Path) -> None:
    anew = await chat(tmp_path, "hello", "/assistant new", "menu", "/quit")
    assert "A new conversation." in anew
    assert "you  hello" not in anew
    assert "you  hello" not in await chat(tmp_path, "menu", options=("--new",))


async def test_every_word_of_an_answer_is_printed_once(tmp_path: Path) -> None:
    said = await chat(tmp_path, "hello")
    assert said.count("Welcome to Threadline") == 1
    assert said.count("Send a number") == 1


async def test_the_terminal_lists_attached_files_and_sources(start: Start, tmp_path: Path) -> None:
    where = address(start())
    async with Page(where) as page:
        sent = await page.attach("list.txt", b"Buy bread.")
        await page.say("console:default", "7", files=[sent])
        await page.answers("console:default", 1)
    said = await chat(tmp_path)
    assert "you  7  [list.txt]" in said
    assert "\n[1] threadline.md: “" in said


async def test_an_invalid_conversation_key_is_refused_with_a_sentence(tmp_path: Path) -> None:
    said = await chat(tmp_path, "hello", options=("--conversation", "nonsense"), code=2)
    assert "web:" in said
    assert "Traceback" not in said


async def test_a_server_that_stops_during_an_answer_is_reported_in_one_sentence(
    start: Start, tmp_path: Path, model: Model, model_address: str
) -> None:
    await model.play(ScriptedReply(text="one two three", hold_after=2))
    program = start(**connecting(model_address))
    address(program)
    talking = asyncio.create_task(chat(tmp_path, "hello", code=2))
    await model.held()
    program.kill()
    said = await talking
    assert "The server has stopped" in said
    assert "Traceback" not in said
