"""Files are known by what is in them."""

import io
import zipfile

import pytest

from bot.files import media_type
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
def test_a_file_is_what_its_content_says(data: bytes, name: str, kind: str) -> None:
    assert media_type(data, name) == kind
