"""Files go out of whatever holds them, and come back whole or not at all."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistants.connector import (
    AssistantsClient,
    BadRequestError,
    DisconnectedError,
    NotFoundError,
    OutcomeUnknown,
    exchange,
)
from assistants.contract import LARGEST_FILE
from tests.connector.objects import BATCH, FILE, INDEXED, PART, UPLOAD
from tests.connector.server import Answer, Server, js, refusal


async def pieces(*texts: bytes) -> AsyncIterator[bytes]:
    for text in texts:
        yield text


async def test_a_file_is_sent_from_a_path(server: Server, client: AssistantsClient, tmp_path: Path) -> None:
    path = tmp_path / 'a "fine" note.txt'
    path.write_bytes(b"words\r\n" * 100_000)
    server.will(js(FILE))
    await client.files.create(path, purpose="user_data")
    (asked,) = server.asked
    assert asked.body == {"purpose": "user_data", "file": "words\r\n" * 100_000}
    assert "content-length" in asked.headers
    assert b'filename="a %22fine%22 note.txt"\r\nContent-Type: text/plain' in asked.raw


async def test_a_file_is_sent_from_an_iterator_without_knowing_its_size(
    server: Server, client: AssistantsClient
) -> None:
    server.will(js(FILE))
    await client.files.create(pieces(b"one ", b"two"), filename="notes.txt")
    assert server.asked[0].body["file"] == "one two"
    assert server.asked[0].headers["transfer-encoding"] == "chunked"


async def test_bytes_need_a_name(server: Server, client: AssistantsClient) -> None:
    with pytest.raises(BadRequestError, match="Missing required parameter: 'filename'"):
        await client.files.create(b"Notes")
    assert server.asked == []


async def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    server: Server, client: AssistantsClient, tmp_path: Path
) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(BadRequestError, match="Expected at most 536870912 bytes, but got 536870913 bytes instead"):
        await client.files.create(path)
    assert server.asked == []


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pause(_: float) -> None: ...

    monkeypatch.setattr(exchange, "sleep", pause)


async def test_what_can_be_read_again_is_sent_again_and_an_iterator_is_not(
    server: Server, no_pauses: None, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Notes")
    async with AssistantsClient(server.url) as client:
        server.will(refusal(429, "Slow down."), js(FILE))
        await client.files.create(path)
        assert [asked.body["file"] for asked in server.asked] == ["Notes", "Notes"]
        server.will(refusal(429, "Slow down."))
        with pytest.raises(Exception, match="Slow down"):
            await client.files.create(pieces(b"Notes"), filename="n")
    assert len(server.asked) == 3


async def test_an_upload_that_broke_may_have_arrived(server: Server, client: AssistantsClient) -> None:
    server.will(None)
    with pytest.raises(OutcomeUnknown):
        await client.files.create(b"Notes", filename="n")


async def test_an_iterator_that_fails_does_not_pass_for_a_whole_file(server: Server, client: AssistantsClient) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("the rest is gone")

    server.will(js(FILE))
    with pytest.raises(OutcomeUnknown) as caught:
        await client.files.create(failing(), filename="n")
    causes: list[BaseException] = [caught.value]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    assert "the rest is gone" in str(causes[-1])
    assert server.asked == []


def bytes_of(data: bytes, length: int) -> Answer:
    return Answer(200, data, {"content-type": "text/plain", "content-length": str(length)})


async def test_content_comes_as_a_stream_that_says_what_it_is(server: Server, client: AssistantsClient) -> None:
    server.will(bytes_of(b"All of it.", 10))
    async with client.files.content("file-1") as content:
        assert (content.size, content.media_type) == (10, "text/plain")
        assert await content.read() == b"All of it."


async def test_content_is_given_before_it_is_whole(server: Server, client: AssistantsClient) -> None:
    server.will(Answer(200, b"Beginn", {"content-type": "text/plain"}, held=True))
    async with client.files.content("file-1") as content:
        async for chunk in content:
            assert chunk == b"Beginn"
            break
    await server.gone.wait()


async def test_a_saved_file_is_there_once_it_is_whole(server: Server, client: AssistantsClient, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("before")
    server.will(bytes_of(b"half", 99))
    async with client.files.content("file-1") as content:
        with pytest.raises(DisconnectedError):
            await content.save(target)
    assert os.listdir(tmp_path) == ["out.txt"]
    assert target.read_text() == "before"
    server.will(bytes_of(b"whole", 5))
    async with client.files.content("file-1") as content:
        await content.save(target)
    assert target.read_text() == "whole"


async def test_content_that_is_not_there_is_an_error_of_the_tree(server: Server, client: AssistantsClient) -> None:
    server.will(refusal(404, "No such File object: file-1"))
    with pytest.raises(NotFoundError, match="No such File object"):
        async with client.files.content("file-1"):
            pass
    with pytest.raises(RuntimeError, match="inside of its `async with`"):
        await client.files.content("file-1").read()


async def test_a_large_file_goes_in_parts_that_the_server_can_compare(
    server: Server, client: AssistantsClient, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"0123456789")
    part_ids = ["part_1", "part_2", "part_3"]
    server.will(js(UPLOAD), *[js({**PART, "id": id_}) for id_ in part_ids], js({**UPLOAD, "status": "completed"}))
    done = await client.uploads.upload(path, part_size=4)
    assert done.status == "completed"
    begun, *parts, ended = server.asked
    assert begun.body["bytes"] == 10
    assert sorted(part.body["data"] for part in parts) == ["0123", "4567", "89"]
    assert sorted(ended.body["part_ids"]) == part_ids
    assert ended.body["md5"] == hashlib.md5(b"0123456789", usedforsecurity=False).hexdigest()


async def test_parts_are_put_together_in_the_order_of_the_file(
    server: Server, client: AssistantsClient, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"0123456789")
    names = {"0123": "part_a", "4567": "part_b", "89": "part_c"}
    server.answers_by = lambda asked: (
        js({**PART, "id": names[asked.body["data"]]}) if asked.path.endswith("parts") else js(UPLOAD)
    )
    await client.uploads.upload(path, part_size=4)
    assert server.asked[-1].body["part_ids"] == ["part_a", "part_b", "part_c"]


async def test_an_upload_that_fails_is_cancelled(server: Server, client: AssistantsClient, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"0123")
    server.will(js(UPLOAD), refusal(400, "No more parts."), js({**UPLOAD, "status": "cancelled"}))
    with pytest.raises(BadRequestError, match="No more parts"):
        await client.uploads.upload(path)
    assert server.asked[-1].path == "/v1/uploads/upload_1/cancel"


async def test_indexing_is_waited_for(
    server: Server, client: AssistantsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistants.connector.polling.sleep", lambda _: asyncio.sleep(0))
    server.will(js({**INDEXED, "status": "in_progress"}), js({**INDEXED, "status": "failed"}))
    assert (await client.vector_stores.files.wait("vs_1", "file-1")).status == "failed"
    server.will(js(BATCH), js({**BATCH, "status": "completed"}))
    assert (await client.vector_stores.file_batches.wait("vs_1", "vsfb_1")).status == "completed"
    server.will(js(BATCH))
    with pytest.raises(TimeoutError, match=r"^Files batch vsfb_1 is still in_progress after 0 seconds\.$"):
        await client.vector_stores.file_batches.wait("vs_1", "vsfb_1", deadline=0)
