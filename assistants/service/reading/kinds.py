"""Detects a file's type by its content, never by its name."""

import io
import re
import zipfile
from typing import Literal

Kind = Literal["text", "html", "pdf", "docx", "pptx", "xlsx", "old-office", "archive", "picture", "sound", "other"]

# Where the name of the one part stands that tells which Office file it is.
_PARTS: dict[str, Kind] = {"word/document.xml": "docx", "ppt/presentation.xml": "pptx", "xl/workbook.xml": "xlsx"}
_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old-office"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"II*\0", "picture"),
    (b"MM\0*", "picture"),
    (b"ID3", "sound"),
    (b"OggS", "sound"),
    (b"fLaC", "sound"),
    (b"RIFF", "other"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
)
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)


def kind_of(data: bytes) -> Kind:
    if data.startswith(b"PK\3\4"):
        return _office(data)
    if b"%PDF-" in data[:1024]:
        return "pdf"
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    return "html" if _HTML.match(data[:4096].removeprefix(b"\xef\xbb\xbf")) else "text"


def _office(data: bytes) -> Kind:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        # Its index is gone, or of a kind that zipfile does not know; the parts in it still say what it was.
        names = {name for name in _PARTS if name.encode() in data}
    return next((kind for part, kind in _PARTS.items() if part in names), "archive")
