"""Files are kept whole, shown to models that see, and gone when they are deleted or their time is over."""

import base64
import hashlib
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from assistants.service import files as service_files
from assistants.service import housekeeping
from assistants.service.scripted import ScriptedModel
from storage import blobs, objects
from storage.database import Database

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5
LARGE = bytes(range(256)) * 6000  # three pieces and a bit


async def test_a_file_comes_back_byte_for_byte(stock: AsyncOpenAI) -> None:
    file = await stock.files.create(file=("notes and räksmörgås.txt", LARGE), purpose="assistants")
    assert (file.bytes, file.filename, file.purpose) == (len(LARGE), "notes and räksmörgås.txt", "assistants")
    assert (file.id[:5], file.status, file.expires_at) == ("file-", "processed", None)
    assert (await stock.files.content(file.id)).content == LARGE
    assert await stock.files.retrieve(file.id) == file
    empty = await stock.files.create(file=("empty.txt", b""), purpose="user_data")
    assert (await stock.files.content(empty.id)).content == b""


async def test_files_are_listed_by_purpose_and_deleted(stock: AsyncOpenAI, database: Database) -> None:
    made = [
        await stock.files.create(file=("1", b"x"), purpose="assistants"),
        await stock.files.create(file=("2", b"x"), purpose="vision"),
    ]
    assert [file.id async for file in stock.files.list()] == [file.id for file in reversed(made)]
    assert [file.id async for file in stock.files.list(purpose="vision", limit=1)] == [made[1].id]
    deleted = await stock.files.delete(made[0].id)
    assert (deleted.deleted, deleted.object) == (True, "file")
    with pytest.raises(openai.NotFoundError, match=f"No such File object: {made[0].id}"):
        await stock.files.retrieve(made[0].id)
    assert len(await database.read("select 1 from blobs")) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Missing required parameter: 'purpose'."),
        ({"purpose": "art"}, "Invalid value: 'art'."),
        (
            {"purpose": "vision", "expires_after[anchor]": "created_at", "expires_after[seconds]": "60"},
            "Invalid 'expire",
        ),
        ({"purpose": "vision", "colour": "red"}, "Unknown parameter: 'colour'."),
    ],
)
async def test_a_form_that_is_wrong_is_refused(tcp: httpx.AsyncClient, fields: dict[str, str], sentence: str) -> None:
    answer = await tcp.post("/files", data=fields, files={"file": ("a.txt", b"a")})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(sentence)


async def test_a_form_without_a_file_is_refused(tcp: httpx.AsyncClient) -> None:
    for answer in (
        await tcp.post("/files", data={"purpose": "vision"}),
        await tcp.post("/files", json={"purpose": "vision"}),
    ):
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Missing required parameter: 'file'.")


async def test_a_file_that_is_too_large_is_refused_and_not_kept(
    stock: AsyncOpenAI, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_files, "LARGEST_FILE", blobs.PIECE)
    with pytest.raises(openai.APIStatusError) as refused:
        await stock.files.create(file=("large", LARGE), purpose="assistants")
    assert refused.value.status_code == 413
    assert await database.read("select 1 from blobs") == []


async def test_a_file_goes_when_its_time_is_over(stock: AsyncOpenAI, database: Database) -> None:
    file = await stock.files.create(
        file=("a.txt", b"a"), purpose="assistants", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert file.expires_at == file.created_at + 3600
    await database.write(objects.save, "files", {"id": file.id, "expires_at": file.created_at - 1})
    with pytest.raises(openai.NotFoundError):
        await stock.files.retrieve(file.id)
    await housekeeping.round_once(database)
    assert await database.read("select 1 from blobs") == []


async def test_bytes_that_a_killed_process_left_are_taken_away(database: Database, service: Any) -> None:
    await database.write(blobs.put, "file-half", 0, b"half")
    await service._housekeeping.start()
    assert await database.read("select 1 from blobs") == []


async def test_a_picture_by_file_reaches_the_model_as_its_bytes(stock: AsyncOpenAI, script: ScriptedModel) -> None:
    file = await stock.files.create(file=("cat.png", PNG), purpose="vision")
    assistant = await stock.beta.assistants.create(model="default")
    content: Any = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_file", "image_file": {"file_id": file.id, "detail": "high"}},
    ]
    thread = await stock.beta.threads.create(messages=[{"role": "user", "content": content}])
    run = await stock.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10
    )
    assert run.status == "completed"
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert script.requests[0]["messages"][0]["content"] == [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
    ]
    kept: Any = (await stock.beta.threads.messages.list(thread.id, order="asc")).data[0].content[1]
    assert (kept.type, kept.image_file.file_id) == ("image_file", file.id)
    await stock.files.delete(file.id)
    await stock.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10)
    assert script.requests[1]["messages"][0]["content"][1] == {"type": "text", "text": "[A picture that was deleted.]"}


async def test_a_file_that_is_no_picture_fails_the_run_with_a_sentence(stock: AsyncOpenAI) -> None:
    file = await stock.files.create(file=("cat.txt", b"a cat"), purpose="vision")
    assistant = await stock.beta.assistants.create(model="default")
    content: Any = [{"type": "image_file", "image_file": {"file_id": file.id}}]
    run = await stock.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": content}]}, poll_interval_ms=10
    )
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "invalid_prompt")
    assert run.last_error.message == "cat.txt is no picture that models read; send PNG, JPEG, GIF or WebP."


async def test_a_file_comes_in_parts_in_the_order_that_is_told_at_the_end(stock: AsyncOpenAI) -> None:
    upload = await stock.uploads.create(
        filename="notes.txt", purpose="assistants", bytes=len(LARGE) + 3, mime_type="text/plain"
    )
    assert (upload.status, upload.expires_at) == ("pending", upload.created_at + 3600)
    tail = await stock.uploads.parts.create(upload.id, data=b"end")
    head = await stock.uploads.parts.create(upload.id, data=LARGE)
    with pytest.raises(openai.BadRequestError, match="the parts have 3 bytes together"):
        await stock.uploads.complete(upload.id, part_ids=[tail.id])
    with pytest.raises(openai.BadRequestError, match="differs from the checksum"):
        await stock.uploads.complete(upload.id, part_ids=[head.id, tail.id], md5="0" * 32)
    md5 = hashlib.md5(LARGE + b"end", usedforsecurity=False).hexdigest()
    done = await stock.uploads.complete(upload.id, part_ids=[head.id, tail.id], md5=md5)
    assert done.status == "completed"
    assert done.file is not None
    assert (await stock.files.content(done.file.id)).content == LARGE + b"end"
    with pytest.raises(openai.BadRequestError, match="is completed and takes no more parts"):
        await stock.uploads.parts.create(upload.id, data=b"more")


async def test_an_upload_that_is_cancelled_or_too_late_leaves_nothing(stock: AsyncOpenAI, database: Database) -> None:
    uploads = [
        await stock.uploads.create(filename="a", purpose="vision", bytes=1, mime_type="image/png") for _ in range(2)
    ]
    for upload in uploads:
        await stock.uploads.parts.create(upload.id, data=b"1")
    assert (await stock.uploads.cancel(uploads[0].id)).status == "cancelled"
    await database.write(objects.save, "uploads", {"id": uploads[1].id, "expires_at": 1})
    with pytest.raises(openai.BadRequestError, match="has expired"):
        await stock.uploads.parts.create(uploads[1].id, data=b"1")
    await housekeeping.round_once(database)
    assert await database.read("select 1 from blobs") == []


async def test_the_sdk_uploads_a_large_file_in_chunks(stock: AsyncOpenAI) -> None:
    done = await stock.uploads.upload_file_chunked(
        file=LARGE,
        filename="notes.txt",
        bytes=len(LARGE),
        mime_type="text/plain",
        purpose="assistants",
        part_size=500_000,
    )
    assert done.file is not None
    assert (await stock.files.content(done.file.id)).content == LARGE
