"""Files of every kind are read for what they say, by their content; damaged and hostile ones get a sentence."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from assistants.service.reading import reader
from assistants.service.reading.reader import Unreadable, text_of
from tests.service.documents import MAKERS, MORE, SAID, bomb, pdf


@pytest.mark.parametrize("kind", MAKERS)
async def test_a_real_file_of_every_kind_is_read(kind: str) -> None:
    text = " ".join((await text_of(MAKERS[kind]())).split())
    assert SAID in text
    assert MORE in text
    assert "hidden" not in text


def damaged(kind: str) -> Iterator[bytes]:
    """Ten files of a kind that were cut, overwritten or scrambled."""
    whole, chance = MAKERS[kind](), random.Random(kind)  # noqa: S311 - the same damage each time
    size = len(whole)
    if kind in ("txt", "csv"):
        for place in range(5):
            yield whole[:place] + b"\xff\xc3" + whole[place:]
            yield whole[:place] + b"\0" + whole[place:]
        return
    start = 16 if kind == "pdf" else 4
    yield whole[: size // 8]
    yield whole[: size // 3]
    yield whole[:60]
    for share in (0.2, 0.5):
        yield whole[:start] + bytes(int(size * share)) + whole[start + int(size * share) :][: -size // 4]
    for _ in range(3):
        yield whole[:start] + chance.randbytes(size - start)
    yield whole[:start]
    yield whole[:start] + b"\0" * (size - start)


async def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        await text_of(data)
    return refused.value


async def test_fifty_damaged_files_are_refused_with_a_sentence() -> None:
    every = [data for kind in ("pdf", "docx", "pptx", "xlsx", "txt") for data in damaged(kind)]
    refused: list[Unreadable] = []
    for start in range(0, len(every), 5):
        refused += await asyncio.gather(*map(refusal, every[start : start + 5]))
    assert len(refused) == 50
    assert {error.code for error in refused} <= {"invalid_file", "unsupported_file"}
    sentences = [str(error) for error in refused]
    assert all(s[0].isupper() and s.endswith(".") and "\n" not in s and "Error" not in s for s in sentences)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pdf(""), "The PDF holds no text, only pictures"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old Office format; save it as .docx"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "It is a picture"),
        (b"PK\x03\x04" + bytes(50), "It is an archive"),
        (b"", "The file is empty."),
        (b" \n ", "The file is empty."),
    ],
)
async def test_what_cannot_be_searched_is_said_with_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        await text_of(data)


async def test_a_decompression_bomb_is_refused() -> None:
    data = bomb()
    assert len(data) < 1 << 20
    with pytest.raises(Unreadable, match="far larger once it is unpacked"):
        await text_of(data)


async def test_reading_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "SECONDS", 0.01)
    with pytest.raises(Unreadable, match=r"took longer than 0\.01 seconds"):
        await text_of(MAKERS["pdf"]())
