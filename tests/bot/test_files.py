"""Files are known by what is in them."""

import io
import zipfile
from typing import cast

import pytest

from assistants.connector import AssistantsClient
from bot.adapter import FileRefusedError
from bot.files import keep, media_type
from tests.service.documents import pdf, word

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def archive() -> bytes:
    """A zip that is no Office file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as into:
        into.writestr("a.txt", "hello")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (archive(), "arch.zip", "application/zip"),
        (word(), "arch.zip", WORD),
        (pdf(), "notes.txt", "application/pdf"),
        (b"a,b\n1,2\n", "prices.csv", "text/csv"),
        (b"\x00\xff\x00", "a.txt", "application/octet-stream"),
    ],
)
def test_a_files_type_is_determined_by_its_content(data: bytes, name: str, kind: str) -> None:
    assert media_type(data, name) == kind


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"\n<!DOCTYPE html><title>Sign in</title>", "photo.png", "a web page, whatever its name says"),
        (b"<html><body>Sign in</body></html>", "report.pdf", "such a page asks to sign in"),
        (b"not a picture", "photo.jpg", "is not a picture"),
    ],
)
async def test_content_that_is_not_the_expected_file_is_refused_with_a_sentence(
    data: bytes, name: str, why: str
) -> None:
    with pytest.raises(FileRefusedError, match=f"“{name}” .*{why}.* send it again"):
        await keep(cast(AssistantsClient, None), name, data)
